"""What a check says, and what it refuses; right gradients are never accused."""

import inspect
import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.lab import LogisticRegression, NeuralNet

pytestmark = pytest.mark.usefixtures("processor_time")

FORWARD = {
    "sigmoid": (cr.sigmoid, lambda z, h: h * (1 - h)),
    "tanh": (np.tanh, lambda z, h: 1 - h**2),
    "relu": (cr.relu, lambda z, h: z > 0),
    "softplus": (cr.functions.softplus, lambda z, h: cr.sigmoid(z)),
}
L2 = 0.05


def make(seed, n=6, d=5, hidden=4, k=3, dtype=np.float64):
    rng = np.random.default_rng(seed)
    params = {
        "W_h": rng.normal(size=(d, hidden)), "b_h": rng.normal(size=hidden),
        "W_o": rng.normal(size=(hidden, k)), "b_o": rng.normal(size=k),
    }  # fmt: skip
    params = {name: value.astype(dtype) for name, value in params.items()}
    return params, rng.normal(size=(n, d)).astype(dtype), rng.integers(0, k, size=n)


def make_loss(activation, l2=0.0):
    g = FORWARD[activation][0]

    def loss(p, X, y):
        z_h = X @ p["W_h"] + p["b_h"]
        h = g(z_h)
        z_o = h @ p["W_o"] + p["b_o"]
        Y_pred = cr.softmax(z_o)
        data = cr.nll(cr.one_hot(p["b_o"].shape[0], y), Y_pred)
        return data + l2 * np.sum(p["W_h"] ** 2) + l2 * np.sum(p["W_o"] ** 2) if l2 else data

    return loss


def make_gradient(activation, l2=0.0):
    g, dg = FORWARD[activation]

    def gradient(p, X, y):
        Y = np.eye(len(p["b_o"]), dtype=X.dtype)[y]
        z_h = X @ p["W_h"] + p["b_h"]
        h = g(z_h)
        z_o = h @ p["W_o"] + p["b_o"]
        d_z_o = (cr.softmax(z_o) - Y) / len(X)
        d_h = d_z_o @ p["W_o"].T
        d_z_h = d_h * dg(z_h, h)
        return {
            "W_h": X.T @ d_z_h + 2 * l2 * p["W_h"], "b_h": d_z_h.sum(axis=0),
            "W_o": h.T @ d_z_o + 2 * l2 * p["W_o"], "b_o": d_z_o.sum(axis=0),
        }  # fmt: skip

    return gradient


@pytest.mark.sampled(quick=8)
@pytest.mark.parametrize("activation", list(FORWARD))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(4))
def test_right_gradients_are_never_accused(activation, dtype, seed):
    shape = [{}, {"n": 1}, {"n": 30, "d": 2, "hidden": 9}, {"n": 2, "hidden": 1, "k": 2}][seed]
    args = make(seed + 10, dtype=dtype, **shape)
    for l2 in (0.0, L2):
        loss, gradient = make_loss(activation, l2=l2), make_gradient(activation, l2=l2)
        report = cr.check_gradients(loss, gradient)(*args)
        assert report.passed, str(report)
        assert not report.diagnoses
        if dtype is np.float64 and not report.notes:
            exact = [check.ratio_automatic for check in report.parameters]
            assert max(exact) < 1e-6


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("epochs", [0, 5, 60])
@pytest.mark.parametrize("make_model", [
    lambda: LogisticRegression(64, 10, seed=0),
    lambda: NeuralNet(64, 10, 10, seed=0),
    lambda: NeuralNet(64, (8, 6), 10, seed=0, activation="relu", init="he_normal"),
])  # fmt: skip
def test_the_labs_models_pass_trained_or_not(make_model, epochs, digits):
    model = make_model()
    X, y = digits.X_train[:150], digits.y_train[:150]
    if epochs:
        model.fit(X, y, epochs=epochs, batch_size=10, learning_rate=0.05, momentum=0.9)
    # Samples that it has not seen, some of them quite wrong: there the loss's EPSILON shows.
    report = cr.check_gradients(model)(digits.X_test[:25], digits.y_test[:25])
    assert report.passed, str(report)
    assert cr.check_gradients(model)(digits.X_test[107], digits.y_test[107]).passed


def test_the_epsilon_is_noted_not_accused():
    rng = np.random.default_rng(0)
    params = {"W": 12 * rng.normal(size=(4, 3)), "b": np.zeros(3)}
    X, y = rng.normal(size=(8, 4)), rng.integers(0, 3, 8)

    def loss(p, X, y):
        return cr.nll(cr.one_hot(3, y), cr.softmax(X @ p["W"] + p["b"]))

    def gradient(p, X, y):
        d_z = (cr.softmax(X @ p["W"] + p["b"]) - np.eye(3)[y]) / len(X)
        return {"W": X.T @ d_z, "b": d_z.sum(axis=0)}

    report = cr.check_gradients(loss, gradient)(params, X, y)
    assert report.passed
    assert "small constant inside its logarithm" in report.notes[0]


def without_slope(p, X, y):
    z_h = X @ p["W_h"] + p["b_h"]
    h = cr.sigmoid(z_h)
    d_z_o = (cr.softmax(h @ p["W_o"] + p["b_o"]) - np.eye(len(p["b_o"]), dtype=X.dtype)[y]) / len(X)
    d_h = d_z_o @ p["W_o"].T
    d_z_h = d_h
    return {"W_h": X.T @ d_z_h, "b_h": d_z_h.sum(0), "W_o": h.T @ d_z_o, "b_o": d_z_o.sum(0)}


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [1, 6, 40])
def test_the_line_is_pointed_at(n, dtype):
    args = make(0, n=n, dtype=dtype)
    report = cr.check_gradients(make_loss("sigmoid"), without_slope)(*args)
    (diagnosis,) = report.diagnoses
    assert "derivative of the sigmoid" in diagnosis.what
    assert diagnosis.where.code == "    d_z_h = d_h"
    assert diagnosis.where.line == without_slope.__code__.co_firstlineno + 5
    assert diagnosis.parameters == ("W_h", "b_h")
    assert "the gradient at z_h" in diagnosis.formula
    told = diagnosis.to_dict()
    assert told["where"]["line"] == diagnosis.where.line
    assert json.loads(json.dumps(told)) == told


def test_functions_are_left_as_they_were():
    code = without_slope.__code__
    cr.check_gradients(make_loss("sigmoid"), without_slope)(*make(0))
    assert without_slope.__code__ is code
    assert not [name for name in without_slope.__globals__ if "chainrule_" in name]


def test_what_a_gradient_prints_is_printed_once(capsys):
    def gradient(p, X, y):
        print("called")
        return without_slope(p, X, y)

    state = np.random.get_state()[1].copy()  # noqa: NPY002
    cr.check_gradients(make_loss("sigmoid"), gradient)(*make(0))
    assert capsys.readouterr().out == "called\n"
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_a_loop_that_a_change_makes_endless_is_left():
    def gradient(w, X, y):
        total, i = np.zeros_like(w), 0
        while i < len(X):
            total += 2 * X[i] * (X[i] @ w - y[i])
            i += 1
        return total

    X, y = np.arange(12.0).reshape(4, 3) / 7, np.arange(4.0)
    report = cr.check_gradients(lambda w, X, y: np.mean((X @ w - y) ** 2), gradient)(
        np.ones(3), X, y
    )
    assert "average" in report.diagnoses[0].what


class Learner:
    """A learner's own class, with the lab's methods."""

    def __init__(self):
        params, self.X, self.y = make(4)
        self.__dict__.update(params)

    def loss(self, X, y):
        return make_loss("sigmoid")(
            {k: getattr(self, k) for k in ("W_h", "b_h", "W_o", "b_o")}, X, y
        )

    def grad_loss(self, x, y_true):
        z_h = x @ self.W_h + self.b_h
        h = cr.sigmoid(z_h)
        d_z_o = cr.softmax(h @ self.W_o + self.b_o) - np.eye(3)[y_true]
        d_z_h = d_z_o @ self.W_o.T * h * (1 - h)
        return {"W_h": x.T @ d_z_h, "b_h": d_z_h.sum(0), "W_o": h.T @ d_z_o, "b_o": d_z_o.sum(0)}


class Hasty(Learner):
    """The weights are updated on the way."""

    def grad_loss(self, x, y_true):
        z_h = x @ self.W_h + self.b_h
        h = cr.sigmoid(z_h)
        d_z_o = (cr.softmax(h @ self.W_o + self.b_o) - np.eye(3)[y_true]) / len(x)
        d_W_o = h.T @ d_z_o
        self.W_o = self.W_o - 0.3 * d_W_o
        d_z_h = d_z_o @ self.W_o.T * h * (1 - h)
        return {"W_h": x.T @ d_z_h, "b_h": d_z_h.sum(0), "W_o": d_W_o, "b_o": d_z_o.sum(0)}


def test_a_learners_own_class():
    learner = Learner()
    report = cr.check_gradients(learner)(learner.X, learner.y)
    (diagnosis,) = report.diagnoses
    assert "average over the batch" in diagnosis.what
    assert diagnosis.where.code.strip().startswith("d_z_o = ")


def test_weights_updated_too_early_and_the_model_restored():
    learner = Hasty()
    W_o = learner.W_o.copy()
    report = cr.check_gradients(learner)(learner.X, learner.y)
    assert "updated" in report.diagnoses[0].what
    assert report.diagnoses[0].where.code.strip().startswith("self.W_o = ")
    assert "grad_loss changed the parameters" in str(report)
    np.testing.assert_array_equal(learner.W_o, W_o)


def test_without_source_the_right_program_is_changed():
    names = {"np": np, "cr": cr}
    text = inspect.getsource(without_slope)
    exec(compile(text, "<nowhere>", "exec"), names)
    report = cr.check_gradients(make_loss("sigmoid"), names["without_slope"])(*make(0))
    (diagnosis,) = report.diagnoses
    assert diagnosis.where is None
    assert "missing" in diagnosis.what
    assert diagnosis.parameters == ("W_h", "b_h")


def test_gradients_that_write_into_the_parameters_are_told():
    params, X, y = make(0)

    def gradient(p, X, y):
        found = make_gradient("sigmoid")(p, X, y)
        p["W_o"] -= 0.1 * found["W_o"]
        return found

    before = params["W_o"].copy()
    report = cr.check_gradients(make_loss("sigmoid"), gradient)(params, X, y)
    assert report.passed
    assert "changed the parameters" in report.notes[0]
    np.testing.assert_array_equal(params["W_o"], before)


@pytest.mark.thorough  # searches to the end
def test_nonsense_is_not_recognised():
    rng = np.random.default_rng(0)

    def gradient(p, X, y):
        return {name: rng.normal(size=value.shape) for name, value in p.items()}

    report = cr.check_gradients(make_loss("sigmoid"), gradient)(*make(0))
    assert {d.kind for d in report.diagnoses} == {"not explained"}
    assert not report.diagnoses[0].certain


def test_a_loss_that_cannot_be_traced_is_checked_by_differences():
    def loss(w, X):
        return float(np.sum(np.asarray(X @ w) ** 2))

    X = np.arange(6.0).reshape(3, 2)
    report = cr.check_gradients(loss, lambda w, X: 2 * X.T @ (X @ w))(np.ones(2), X)
    assert report.passed
    assert "could not be traced" in report.notes[0]
    wrong = cr.check_gradients(loss, lambda w, X: -2 * X.T @ (X @ w))(np.ones(2), X)
    assert "sign" in wrong.diagnoses[0].what


def test_nested_parameters_are_named_by_their_path():
    params = [{"W": np.ones((2, 2))}, {"W": np.ones((2, 2))}]

    def loss(params, X):
        return np.mean(np.tanh(X @ params[0]["W"]) @ params[1]["W"])

    X = np.array([[1.0, -0.5], [0.3, 0.2]])
    report = cr.check_gradients(loss, lambda p, X: cr.grad(loss)(p, X))(params, X)
    assert report.passed
    assert [check.name for check in report.parameters] == ["params[0]['W']", "params[1]['W']"]


def test_the_report_prints_well():
    report = cr.check_gradients(make_loss("sigmoid"), without_slope)(*make(0))
    lines = str(report).splitlines()
    assert lines[0].split() == [
        "parameter",
        "norm",
        "ratio",
        "worst",
        "entry",
        "by",
        "hand",
        "numerical",
    ]
    assert lines[1].endswith("WRONG")
    assert any(line.startswith("  • W_h, b_h: the derivative of the sigmoid") for line in lines)
    assert any("it must be:  d_z_h = d_h * " in line for line in lines)
    html = report._repr_html_()
    assert html.startswith("<table>")
    assert "d_z_h = d_h *" in html


@pytest.mark.parametrize(
    "make_check",
    [
        lambda: cr.check_gradients(None),
        lambda: cr.check_gradients(np.sum),
        lambda: cr.check_gradients(np.sum, 3),
        lambda: cr.check_gradients(np.sum, np.sum, step="a"),
        lambda: cr.check_gradients(np.sum, np.sum, step=-1),
        lambda: cr.check_gradients(np.sum, np.sum, tolerance=-1),
        lambda: cr.check_gradients(np.sum, np.sum)(),
        lambda: cr.check_gradients(np.sum, np.sum)(np.array(["a"])),
    ],
)
def test_bad_input_is_refused(make_check):
    with pytest.raises(cr.errors.DataError):
        make_check()


def test_dead_units_at_a_kink_are_not_accused():
    rng = np.random.default_rng(0)
    sizes = [(4, 3), (3, 3), (3, 2)]
    for _ in range(30):
        params = {f"W{i}": rng.normal(size=size) for i, size in enumerate(sizes)}
        params |= {f"b{i}": np.zeros(size[1]) for i, size in enumerate(sizes)}
        X, T = rng.normal(size=(20, 4)), rng.normal(size=(20, 2))

        def loss(p, X, T):
            h = X
            for i in range(3):
                z = h @ p[f"W{i}"] + p[f"b{i}"]
                h = np.maximum(z, 0) if i < 2 else z
            return np.mean((h - T) ** 2)

        def gradient(p, X, T):
            zs, hs = [], [X]
            for i in range(3):
                zs.append(hs[-1] @ p[f"W{i}"] + p[f"b{i}"])
                hs.append(np.maximum(zs[-1], 0) if i < 2 else zs[-1])
            g, found = 2 * (hs[-1] - T) / T.size, {}
            for i in (2, 1, 0):
                g = g if i == 2 else g * (zs[i] > 0)
                found[f"W{i}"], found[f"b{i}"] = hs[i].T @ g, g.sum(axis=0)
                g = g @ p[f"W{i}"].T
            return found

        report = cr.check_gradients(loss, gradient)(params, X, T)
        assert report.passed, str(report)


def test_at_an_optimum_noise_is_not_held_against_noise():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    w = np.linalg.lstsq(X, y)[0]
    report = cr.check_gradients(
        lambda w, X, y: np.mean((X @ w - y) ** 2), lambda w, X, y: 2 * X.T @ (X @ w - y) / len(X)
    )(w, X, y)
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "loss",
    [
        lambda p: np.sum(np.log(p)), lambda p: np.exp(1000 * np.sum(np.abs(p))), np.sin,
        lambda p: (np.sum(p), 1), lambda p, X: np.sum(p),
    ],
)  # fmt: skip
def test_a_loss_that_is_no_finite_number_is_refused(loss):
    with (
        np.errstate(all="ignore"),
        pytest.raises(cr.errors.DataError, match="check_gradients: the loss"),
    ):
        cr.check_gradients(loss, lambda p: 77 / p)(np.array([-1.0, -2.0]))


@pytest.mark.parametrize(
    "returned", ["abc", 3.0, [np.ones(2)], ({}, 1), {"w": "x"}, {"w": 1j * np.ones(2)}]
)
def test_gradients_of_another_structure_are_refused(returned):
    check = cr.check_gradients(lambda p: np.sum(p["w"] ** 2), lambda p: returned)
    with pytest.raises(cr.errors.DataError, match="check_gradients"):
        check({"w": np.ones(2)})


def test_lists_for_arrays_are_fine_and_extra_keys_noted():
    report = cr.check_gradients(
        lambda p: np.sum(p["w"] ** 2), lambda p: {"w": [2.0, 2.0], "v": 0.0}
    )({"w": np.ones(2)})
    assert report.passed
    assert "holds v, of which there is no parameter" in report.notes[0]


def test_a_model_that_remembers_is_left_as_it_was():
    class Remembering(LogisticRegression):
        def loss(self, X, y):
            self.cache = X @ self.W
            return super().loss(X, y)

    model = Remembering(5, 3, seed=0)
    _, X, y = make(0)
    assert cr.check_gradients(model)(X, y).passed
    assert not hasattr(model, "cache")


def test_the_gradients_are_drawn_side_by_side():
    report = cr.check_gradients(make_loss("sigmoid"), without_slope)(*make(0))
    figure = report.plot()
    assert [ax.get_title() for ax in figure.axes[::3]] == ["W_h by hand", "b_h by hand"]
    assert len(report.plot("W_o").axes) == 3
    with pytest.raises(cr.errors.UnknownNameError, match="W_h"):
        report.plot("W")
