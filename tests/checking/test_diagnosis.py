"""A catalogue of wrong gradients, each with the diagnosis it must get; right ones never accused."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.lab import LogisticRegression, NeuralNet

FORWARD = {
    "sigmoid": (cr.sigmoid, lambda z, h: h * (1 - h)),
    "tanh": (np.tanh, lambda z, h: 1 - h**2),
    "relu": (cr.relu, lambda z, h: z > 0),
    "softplus": (cr.softplus, lambda z, h: cr.sigmoid(z)),
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


def own_softmax(z, axis=-1):
    exp = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return exp / np.sum(exp, axis=axis, keepdims=True)


def make_loss(activation, l2=0.0, softmax=cr.softmax):
    g = FORWARD[activation][0]

    def loss(p, X, y):
        z_h = X @ p["W_h"] + p["b_h"]
        h = g(z_h)
        z_o = h @ p["W_o"] + p["b_o"]
        Y_pred = softmax(z_o)
        data = cr.nll(cr.one_hot(p["b_o"].shape[0], y), Y_pred)
        return data + l2 * np.sum(p["W_h"] ** 2) + l2 * np.sum(p["W_o"] ** 2) if l2 else data

    return loss


def make_gradient(activation, mistake="", l2=0.0):
    """The gradient by hand; ``mistake`` is made at the line that bears its name."""
    g, dg = FORWARD[activation]
    m = mistake.split("+")

    def gradient(p, X, y):
        n = len(X)
        Y = np.eye(len(p["b_o"]), dtype=X.dtype)[y]
        z_h = X @ p["W_h"] + p["b_h"]
        h = g(z_h)
        z_o = h @ p["W_o"] + p["b_o"]
        y_pred = own_softmax(z_o, axis=0 if "softmax axis" in m else -1)
        d_z_o = (y_pred - Y) / n
        if "no mean" in m:
            d_z_o = y_pred - Y
        if "mean twice" in m:
            d_z_o = d_z_o / n
        if "sign" in m:
            d_z_o = -d_z_o
        if "no target" in m:
            d_z_o = y_pred / n
        if "no prediction" in m:
            d_z_o = -Y / n
        if "softmax elementwise" in m:
            d_z_o = -Y / n * (1 - y_pred)
        if "no softmax" in m:
            d_z_o = -Y / n / y_pred
        W_o = p["W_o"]
        d_W_o = (z_h if "z for h" in m else h).T @ d_z_o
        if "updated" in m:
            W_o = W_o - 0.3 * d_W_o
        d_h = d_z_o @ (W_o if "W not transposed" in m else W_o.T)
        slope = dg(z_h, h)
        if "no derivative" in m:
            slope = 1
        if "derivative at h" in m:
            slope = dg(h, g(h))
        if "derivative of z as h" in m:
            slope = dg(z_h, z_h)
        if "only h" in m:
            slope = h
        if "tanh's derivative" in m:
            slope = 1 - np.tanh(z_h) ** 2
        d_z_h = d_h * slope
        if "last sample" in m:
            d_z_o, d_z_h, X, h = d_z_o[-1:] * n, d_z_h[-1:] * n, X[-1:], h[-1:]
            d_W_o = h.T @ d_z_o
        if "last sample missing" in m:
            d_z_o, d_z_h, X, h = (a[:-1] for a in (d_z_o, d_z_h, X, h))
            d_W_o = h.T @ d_z_o
        strength = {"half l2": l2, "no l2": 0.0, "l2 sign": -2 * l2}.get(m[0], 2 * l2)
        d_W_h = X.T @ d_z_h + strength * p["W_h"]
        d_W_o = d_W_o + strength * p["W_o"]
        d_b_h, d_b_o = d_z_h.sum(axis=0), d_z_o.sum(axis=0)
        if "transposed" in m:
            d_W_h = d_W_h.T
        if "bias forgotten" in m:
            d_b_h = np.zeros_like(d_b_h)
        if "bias missing" in m:
            d_b_h = None
        if "bias not summed" in m:
            d_b_h = d_z_h
        if "bias averaged" in m:
            d_b_o = d_z_o.mean(axis=0)
        if "bias axis" in m:
            d_b_h = d_z_h.sum(axis=1)
        if "bias everything" in m:
            d_b_h = d_z_h.sum()
        if "twice" in m:
            d_W_h, d_W_o, d_b_h, d_b_o = (2 * a for a in (d_W_h, d_W_o, d_b_h, d_b_o))
        if "learning rate" in m:
            d_W_h, d_W_o, d_b_h, d_b_o = (0.1 * a for a in (d_W_h, d_W_o, d_b_h, d_b_o))
        return {"W_h": d_W_h, "b_h": d_b_h, "W_o": d_W_o, "b_o": d_b_o}

    return gradient


ALL, HIDDEN = {"W_h", "b_h", "W_o", "b_o"}, {"W_h", "b_h"}
CATALOGUE = {
    "no mean": ("mean over the batch missing", ALL),
    "mean twice": ("mean over the batch doubled", ALL),
    "sign": ("sign", ALL),
    "twice": ("factor 2", ALL),
    "learning rate": ("factor", ALL),
    "no target": ("target not subtracted", ALL),
    "no prediction": ("prediction left out", ALL),
    "softmax elementwise": ("softmax treated element by element", ALL),
    "no softmax": ("softmax derivative missing", ALL),
    "softmax axis": ("softmax over the wrong axis", ALL),
    "z for h": ("pre-activation in place of activation", {"W_o"}),
    "updated": ("weights already updated", HIDDEN),
    "no derivative": ("activation derivative missing", HIDDEN),
    "derivative at h": ("activation derivative at the output", HIDDEN),
    "last sample": ("last sample alone", ALL),
    "transposed": ("transposed", {"W_h"}),
    "bias forgotten": ("gradient forgotten", {"b_h"}),
    "bias missing": ("gradient missing", {"b_h"}),
    "bias not summed": ("not summed over the batch", {"b_h"}),
    "bias averaged": ("mean over the batch doubled", {"b_o"}),
    "bias axis": ("summed over the wrong axis", {"b_h"}),
    "bias everything": ("summed over the wrong axis", {"b_h"}),
}


def kinds(report):
    return {(d.kind, frozenset(d.parameters)) for d in report.diagnoses}


@pytest.mark.parametrize("mistake", list(CATALOGUE))
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_each_mistake_gets_its_diagnosis(mistake, seed, activation):
    kind, parameters = CATALOGUE[mistake]
    shape = [{}, {"n": 9, "d": 3, "hidden": 6, "k": 4}, {"n": 4, "d": 7, "hidden": 5, "k": 2}][seed]
    args = make(seed, **shape)
    loss, gradient = make_loss(activation), make_gradient(activation, mistake)
    report = cr.check_gradients(loss, gradient)(*args)
    assert not report.passed
    assert kinds(report) == {(kind, frozenset(parameters))}, str(report)
    assert all(d.certain for d in report.diagnoses)


@pytest.mark.parametrize("mistake", list(CATALOGUE))
def test_each_mistake_in_float32(mistake):
    kind, _ = CATALOGUE[mistake]
    args = make(5, dtype=np.float32)
    report = cr.check_gradients(make_loss("sigmoid"), make_gradient("sigmoid", mistake))(*args)
    assert not report.passed
    assert kind in {d.kind for d in report.diagnoses}, str(report)


@pytest.mark.parametrize(
    "mistake", ["softmax axis", "softmax elementwise", "no target", "no softmax"]
)
def test_a_softmax_written_out_by_hand(mistake):
    loss = make_loss("sigmoid", softmax=own_softmax)
    report = cr.check_gradients(loss, make_gradient("sigmoid", mistake))(*make(2))
    assert {d.kind for d in report.diagnoses} == {CATALOGUE[mistake][0]}, str(report)


@pytest.mark.parametrize(
    ("mistake", "kind", "parameters"),
    [
        ("derivative of z as h", "activation derivative of the input as output", HIDDEN),
        ("tanh's derivative", "derivative of another activation", HIDDEN),
    ],
)
def test_mistakes_of_the_sigmoid(mistake, kind, parameters):
    report = cr.check_gradients(make_loss("sigmoid"), make_gradient("sigmoid", mistake))(*make(1))
    assert kinds(report) == {(kind, frozenset(parameters))}, str(report)


def test_half_a_sigmoid_derivative_is_also_that_of_softplus():
    report = cr.check_gradients(make_loss("sigmoid"), make_gradient("sigmoid", "only h"))(*make(1))
    found = {d.kind for d in report.diagnoses}
    assert found == {"activation derivative incomplete", "derivative of another activation"}
    assert not any(d.certain for d in report.diagnoses)


@pytest.mark.parametrize(
    ("mistake", "kind"),
    [
        ("no l2", "regularisation forgotten"),
        ("half l2", "regularisation halved"),
        ("l2 sign", "regularisation with the wrong sign"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_regularisation(mistake, kind, seed):
    args = make(seed)
    loss, gradient = make_loss("tanh", l2=L2), make_gradient("tanh", mistake, l2=L2)
    report = cr.check_gradients(loss, gradient)(*args)
    assert kinds(report) == {(kind, frozenset({"W_h", "W_o"}))}, str(report)


def test_square_weights_not_transposed():
    args = make(0, hidden=3, k=3)
    loss, gradient = make_loss("sigmoid"), make_gradient("sigmoid", "W not transposed")
    report = cr.check_gradients(loss, gradient)(*args)
    assert kinds(report) == {("weights not transposed", frozenset(HIDDEN))}, str(report)


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        ("no mean+no derivative", {"mean over the batch missing", "activation derivative missing"}),
        ("sign+transposed", {"sign", "transposed"}),
        ("derivative at h+bias forgotten",
         {"activation derivative at the output", "gradient forgotten"}),
        ("no target+twice", {"target not subtracted", "factor 2"}),
    ],
)  # fmt: skip
def test_two_mistakes_at_once(mistake, expected):
    report = cr.check_gradients(make_loss("sigmoid"), make_gradient("sigmoid", mistake))(*make(3))
    assert {d.kind for d in report.diagnoses} == expected, str(report)


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


def test_one_sample_has_no_batch_to_average():
    params, X, y = make(0)
    for mistake, kind in (("no derivative", "activation derivative missing"), ("sign", "sign")):
        one = params, X[:1], y[:1]
        report = cr.check_gradients(make_loss("sigmoid"), make_gradient("sigmoid", mistake))(*one)
        assert {d.kind for d in report.diagnoses} == {kind}, str(report)


class Learner:
    """A learner's own class, with the lab's methods; the weights are updated on the way."""

    def __init__(self, mistake=""):
        params, self.X, self.y = make(4)
        self.__dict__.update(params)
        self.mistake = mistake

    def params(self):
        return {name: getattr(self, name) for name in ALL}

    def loss(self, X, y):
        return make_loss("sigmoid", softmax=own_softmax)(self.params(), X, y)

    def grad_loss(self, x, y_true):
        gradients = make_gradient("sigmoid", self.mistake)(self.params(), x, y_true)
        if self.mistake == "updated":
            self.W_o = self.W_o - 0.3 * gradients["W_o"]
        return gradients


def test_a_learners_own_class():
    right = Learner()
    assert cr.check_gradients(right)(right.X, right.y).passed
    wrong = Learner("no mean+no derivative")
    report = cr.check_gradients(wrong)(wrong.X, wrong.y)
    found = {d.kind for d in report.diagnoses}
    assert found == {"mean over the batch missing", "activation derivative missing"}


def test_weights_updated_too_early_and_the_model_restored():
    learner = Learner("updated")
    W_o = learner.W_o.copy()
    report = cr.check_gradients(learner)(learner.X, learner.y)
    assert kinds(report) == {("weights already updated", frozenset(HIDDEN))}
    assert "the learning rate was 0.3" in str(report)
    assert "grad_loss changed the parameters" in str(report)
    np.testing.assert_array_equal(learner.W_o, W_o)


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


def test_what_cannot_be_told_apart_is_not_called_certain():
    # With two samples, doubling and forgetting the mean are the same.
    args = make(0, n=2)
    report = cr.check_gradients(make_loss("sigmoid"), make_gradient("sigmoid", "no mean"))(*args)
    kinds_found = " ".join(d.kind for d in report.diagnoses)
    assert "mean over the batch missing" in kinds_found
    assert "factor 2" in kinds_found
    assert not any(d.certain for d in report.diagnoses)
    assert "perhaps" in str(report)


def test_nonsense_is_not_recognised():
    rng = np.random.default_rng(0)

    def gradient(p, X, y):
        return {name: rng.normal(size=value.shape) for name, value in p.items()}

    report = cr.check_gradients(make_loss("sigmoid"), gradient)(*make(0))
    assert [d.kind for d in report.diagnoses] == ["not recognised"]
    assert not report.diagnoses[0].certain


def test_a_loss_that_cannot_be_traced_is_checked_by_differences():
    def loss(w, X):
        return float(np.sum(np.asarray(X @ w) ** 2))

    X = np.arange(6.0).reshape(3, 2)
    report = cr.check_gradients(loss, lambda w, X: 2 * X.T @ (X @ w))(np.ones(2), X)
    assert report.passed
    assert "could not be traced" in report.notes[0]
    wrong = cr.check_gradients(loss, lambda w, X: -2 * X.T @ (X @ w))(np.ones(2), X)
    assert [d.kind for d in wrong.diagnoses] == ["sign"]


def test_nested_parameters_are_named_by_their_path():
    params = [{"W": np.ones((2, 2))}, {"W": np.ones((2, 2))}]

    def loss(params, X):
        return np.mean(np.tanh(X @ params[0]["W"]) @ params[1]["W"])

    X = np.array([[1.0, -0.5], [0.3, 0.2]])
    report = cr.check_gradients(loss, lambda p, X: cr.grad(loss)(p, X))(params, X)
    assert report.passed
    assert [check.name for check in report.parameters] == ["params[0]['W']", "params[1]['W']"]


def test_the_report_prints_well():
    args = make(0)
    report = cr.check_gradients(make_loss("sigmoid"), make_gradient("sigmoid", "bias not summed"))(
        *args
    )
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
    assert "shape (6, 4)" in lines[2]
    assert lines[-1].startswith("  • b_h: the gradient still has a row for each sample")
    html = report._repr_html_()
    assert html.startswith("<table>")
    assert "np.sum(..., axis=0)" in html


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
    with pytest.raises(cr.DataError):
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
        pytest.raises(cr.DataError, match="check_gradients: the loss"),
    ):
        cr.check_gradients(loss, lambda p: 77 / p)(np.array([-1.0, -2.0]))


@pytest.mark.parametrize(
    "returned", ["abc", 3.0, [np.ones(2)], ({}, 1), {"w": "x"}, {"w": 1j * np.ones(2)}]
)
def test_gradients_of_another_structure_are_refused(returned):
    check = cr.check_gradients(lambda p: np.sum(p["w"] ** 2), lambda p: returned)
    with pytest.raises(cr.DataError, match="check_gradients"):
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
