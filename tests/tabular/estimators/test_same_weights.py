"""The weights are scikit-learn's own, for all that its network can be told."""

import warnings

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.exceptions import ConvergenceWarning
from tests.tabular.estimators.data import classes, deviation, diabetes, numbered, several_labels

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SOLVERS = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "no momentum": {"solver": "sgd", "momentum": 0},
    "plain momentum": {"solver": "sgd", "nesterovs_momentum": False},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1},
}
NETWORKS = {
    "tanh, 7 at once": {"activation": "tanh", "batch_size": 7, "max_iter": 8},
    "two layers": {"activation": "logistic", "hidden_layer_sizes": (20, 10), "alpha": 0.1},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "linear, in order": {"activation": "identity", "shuffle": False},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3},
    "other moments": {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-4},
}
ROWS = slice(450)  # two full batches and a part of one
# What 20 epochs come to; scikit-learn's own in float32 is as far from its own in float64.
TOLERANCE = {"float64": 1e-6, "float32": 5e-6}


def both(
    of_theirs, of_ours, X, y, engine="numpy", sample_weight=None, tolerance=None, **options
):  # fmt: skip
    """Return both networks after the same training, held equal in all that they tell."""
    options = {"max_iter": 20, "random_state": 1, **options}
    one = of_theirs(**options).fit(X, y, sample_weight)
    other = of_ours(**options, engine=engine).fit(X, y, sample_weight)
    dtype = one.coefs_[0].dtype
    tolerance = tolerance or TOLERANCE[dtype.name]
    assert other.coefs_[0].dtype == dtype
    assert deviation(one, other) < tolerance
    np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=4 * tolerance)
    assert (one.n_iter_, one.t_, one._no_improvement_count) == (
        other.n_iter_, other.t_, other._no_improvement_count,
    )  # fmt: skip
    if one.validation_scores_ is not None:
        np.testing.assert_allclose(one.validation_scores_, other.validation_scores_, rtol=1e-6)
    held_equal(one._optimizer, other._optimizer, tolerance)
    return one, other


def held_equal(one, other, tolerance):
    """Hold equal what two optimizers remember; without momentum nobody asks for velocities."""
    for name, value in vars(one).items():
        if isinstance(value, list) and getattr(one, "momentum", 1):
            for a, b in zip(value, vars(other)[name], strict=True):
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
        elif not isinstance(value, list):
            assert vars(other)[name] == (value if isinstance(value, str) else pytest.approx(value))


@pytest.mark.sampled(quick=5)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", ["digits", "cancer", "wine"])  # 10, 2 and 3 classes
def test_for_every_solver(name, solver):
    X, y = classes(name)
    both(
        theirs.MLPClassifier, cr.estimators.MLPClassifier, X[ROWS], y[ROWS], **SOLVERS[solver]
    )  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS)
def test_for_every_network(network):
    both(theirs.MLPClassifier, cr.estimators.MLPClassifier, *numbered("wine"), **NETWORKS[network])


@pytest.mark.parametrize(("dtype", "solver"), [(np.float32, "adam"), (np.float64, "invscaling")])
def test_compiled_in_both_dtypes(dtype, solver):
    X, y = (each[ROWS] for each in classes("digits"))
    both(
        theirs.MLPClassifier, cr.estimators.MLPClassifier, X.astype(dtype), y, "compiled",
        **SOLVERS[solver],
    )  # fmt: skip


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("setting", {**SOLVERS, **NETWORKS})
def test_in_float32(setting):
    X, y = (each[:210] for each in numbered("digits"))
    options = {"random_state": 1, "max_iter": 20, **{**SOLVERS, **NETWORKS}[setting]}
    one, _ = both(theirs.MLPClassifier, cr.estimators.MLPClassifier, X.astype("f4"), y, **options)
    assert deviation(one, theirs.MLPClassifier(**options).fit(X, y)) < TOLERANCE["float32"]


@pytest.mark.parametrize(("outputs", "loss"), [(1, "squared_error"), (2, "poisson")])
def test_for_regression(outputs, loss):
    both(theirs.MLPRegressor, cr.estimators.MLPRegressor, *diabetes(outputs), "compiled", loss=loss)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_loss_without_a_value_of_a_negative_target(engine, weighted):
    """The Poisson deviance is NaN there, its gradient is not: scikit-learn trains on."""
    X, y = diabetes(1)
    weight = np.linspace(0.5, 2, len(X)) if weighted else None
    options = {"loss": "poisson", "max_iter": 20, "random_state": 1}
    one, other = (
        cls(**options, **own).fit(X, y - np.mean(y), weight)
        for cls, own in (
            (theirs.MLPRegressor, {}),
            (cr.estimators.MLPRegressor, {"engine": engine}),
        )
    )
    assert deviation(one, other) < TOLERANCE["float64"]
    assert np.isnan([*one.loss_curve_, *other.loss_curve_]).all()
    assert one.n_iter_ == other.n_iter_ == 20


@pytest.mark.parametrize(("dtype", "weighted"), [(np.float32, True), (np.float64, False)])
def test_lbfgs(dtype, weighted):
    X, y = classes("wine")
    X, weight = X.astype(dtype), np.linspace(0.5, 2, len(X)) if weighted else None
    options = {"solver": "lbfgs", "max_iter": 20, "random_state": 1, "alpha": 0.1}
    one = theirs.MLPClassifier((10,), "tanh", **options).fit(X, y, weight)
    other = cr.estimators.MLPClassifier((10,), "tanh", **options, engine="compiled").fit(
        X, y, weight
    )
    tolerance = TOLERANCE[np.dtype(dtype).name]
    # Ours is computed in float64 throughout; scikit-learn's own in float32 goes astray sooner.
    judge = theirs.MLPClassifier((10,), "tanh", **options).fit(X.astype("f8"), y, weight)
    assert deviation(judge, other) < tolerance
    assert judge.loss_ == pytest.approx(other.loss_, rel=tolerance)
    assert deviation(judge, other) <= 1.01 * deviation(judge, one) + 1e-12
    assert (one.n_iter_, sorted(vars(one))) == (other.n_iter_, own(other))
    assert one.coefs_[0].dtype == other.coefs_[0].dtype


def own(model):
    """Return the names of the attributes that scikit-learn's network has as well."""
    more = set(model.get_params()) - set(theirs.MLPClassifier().get_params()) - {"loss"}
    more |= {"_network", "_network_settings", "_predictor", "_validation_losses", "_epochs"}
    more.add("_encoder")
    return sorted(set(vars(model)) - more)


@pytest.mark.parametrize("schedule", ["constant", "adaptive"])
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_training_ends_with_the_same_epoch(engine, schedule):
    options = {"solver": "sgd", "learning_rate": schedule, "learning_rate_init": 0.1}
    options |= {"tol": 0.02, "n_iter_no_change": 3, "max_iter": 300}
    one, _ = both(
        theirs.MLPClassifier, cr.estimators.MLPClassifier, *classes("wine"), engine, **options
    )
    assert 4 < one.n_iter_ < 300


class Patient(cr.estimators.MLPClassifier):
    """Ends training by a rule of its own."""

    def _update_no_improvement_count(self, *scored):
        self._no_improvement_count = 100 if self.n_iter_ == 3 else 0


def test_who_ends_training_by_a_rule_of_their_own_has_the_weights_of_that_epoch():
    X, y = classes("wine")
    options = {"random_state": 0, "engine": "compiled"}
    model = Patient(max_iter=50, **options).fit(X, y)
    assert model.n_iter_ == 3
    assert deviation(cr.estimators.MLPClassifier(max_iter=3, **options).fit(X, y), model) == 0


def runs_of(monkeypatch):
    """Return a list that each run of the compiled engine adds its epochs to."""
    from chainrule._src.compile.running.engines import NativeEngine

    found, run = [], NativeEngine.run
    monkeypatch.setattr(
        NativeEngine, "run",
        lambda self, orders, *args: (found.append(len(orders)), run(self, orders, *args))[1],
    )  # fmt: skip
    return found


def test_epochs_that_are_certain_to_come_are_run_at_once(monkeypatch):
    epochs = runs_of(monkeypatch)
    X, y = classes("digits")
    model = cr.estimators.MLPClassifier(max_iter=24, random_state=0, engine="compiled").fit(X, y)
    assert (epochs, model.n_iter_) == ([11, 11, 2], 24)


def test_an_interrupt_leaves_the_epochs_that_had_ended(monkeypatch):
    from chainrule._src.compile.running.engines import NativeEngine, Outcome

    X, y = classes("digits")
    options = {"random_state": 0, "engine": "compiled"}
    wanted = cr.estimators.MLPClassifier(max_iter=2, **options).fit(X, y)
    run = NativeEngine.run

    def interrupted(self, orders, size, done):
        part = Outcome(np.zeros(2))
        run(self, orders[:2], size, part)
        done.updates, done.totals[:2] = part.updates, part.totals
        raise KeyboardInterrupt

    monkeypatch.setattr(NativeEngine, "run", interrupted)
    model = cr.estimators.MLPClassifier(max_iter=20, **options)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    assert (model.n_iter_, model.t_) == (2, 2 * len(X))
    assert model.loss_curve_ == wanted.loss_curve_
    assert deviation(wanted, model) == 0


def test_for_several_labels():
    X, y = several_labels()
    both(
        theirs.MLPClassifier, cr.estimators.MLPClassifier, X[ROWS], y[ROWS], early_stopping=True
    )  # fmt: skip


@pytest.mark.parametrize("early_stopping", [False, True])
def test_with_weights_of_samples(early_stopping):
    X, y = numbered("cancer")
    weight = np.random.default_rng(0).uniform(0.1, 2, len(X))
    options = {"sample_weight": weight, "early_stopping": early_stopping}
    both(theirs.MLPClassifier, cr.estimators.MLPClassifier, X, y, **options)
    X, y = diabetes()
    both(
        theirs.MLPRegressor,
        cr.estimators.MLPRegressor,
        X,
        y,
        **options | {"sample_weight": weight[:442]},
    )


def test_with_float32_weights_of_samples():
    X, y = classes("wine")
    weight = np.random.default_rng(0).uniform(0.1, 2, len(X))
    both(theirs.MLPClassifier, cr.estimators.MLPClassifier, X.astype("f4"), y, sample_weight=weight)


def test_one_call_after_another():
    X, y = classes("wine")
    one = theirs.MLPClassifier(random_state=0)
    other = cr.estimators.MLPClassifier(random_state=0, engine="numpy")
    for model in (one, other):
        for rows in (slice(0, 60), slice(60, 178), slice(0, 178)):
            model.partial_fit(X[rows], y[rows], classes=np.unique(y))
    assert deviation(one, other) < 1e-12
    assert one.t_ == other.t_ == 60 + 118 + 178
    one.set_params(warm_start=True, max_iter=3).fit(X, y)
    other.set_params(warm_start=True, max_iter=3).fit(X, y)
    assert deviation(one, other) < 1e-12


@pytest.mark.parametrize(
    ("begun", "changed"),
    [
        ({"solver": "sgd"}, {"momentum": 0.5}),
        ({"solver": "sgd"}, {"nesterovs_momentum": False}),
        ({"solver": "sgd"}, {"solver": "adam"}),
        ({}, {"solver": "sgd"}),
        ({}, {"beta_1": 0.5, "epsilon": 0.1}),
    ],
)
def test_settings_of_an_optimizer_that_goes_on_play_no_part(begun, changed):
    X, y = diabetes()
    models = [
        cls(random_state=0, **begun) for cls in (theirs.MLPRegressor, cr.estimators.MLPRegressor)
    ]
    models[1].engine = "numpy"
    for model in models:
        model.partial_fit(X, y).set_params(**changed)
        model.partial_fit(X, y).partial_fit(X, y)
    assert deviation(*models) < 1e-12
    held_equal(*(model._optimizer for model in models), 1e-6)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_losses_have_the_same_dtype(solver):
    X, y = classes("wine")
    found = [
        cls(solver=solver, max_iter=5, **more).fit(X, y)
        for cls, more in (
            (theirs.MLPClassifier, {}),
            (cr.estimators.MLPClassifier, {"engine": "compiled"}),
        )
    ]
    one, other = ([m.loss_, *getattr(m, "loss_curve_", ())] for m in found)
    assert list(map(type, one)) == list(map(type, other))


def test_the_messages_are_the_same(capsys):
    X, y = classes("wine")
    options = {
        "verbose": True, "random_state": 0, "max_iter": 60, "tol": 0.01, "solver": "sgd",
        "learning_rate": "adaptive", "learning_rate_init": 0.1, "n_iter_no_change": 3,
    }  # fmt: skip
    theirs.MLPClassifier(**options).fit(X, y)
    told = capsys.readouterr().out
    cr.estimators.MLPClassifier(**options, engine="numpy").fit(X, y)
    assert capsys.readouterr().out == told
    assert "Setting learning rate" in told


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_the_warnings_are_the_same():
    X, y = classes("wine")
    for made in (
        theirs.MLPClassifier(max_iter=2),
        cr.estimators.MLPClassifier(max_iter=2, engine="numpy"),
    ):
        with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached and the"):
            made.fit(X, y)
        made.set_params(max_iter=1000, batch_size=1000)
        with pytest.warns(UserWarning, match="Got `batch_size` less than 1 or larger than sample"):
            made.fit(X, y)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_weights_that_are_not_finite_are_refused_in_the_same_words():
    X, y = classes("wine")
    for cls, more in (
        (theirs.MLPClassifier, {}),
        (cr.estimators.MLPClassifier, {"engine": "numpy"}),
    ):
        model = cls(solver="sgd", activation="identity", learning_rate_init=1e200, **more)
        with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
            model.fit(X, y)


def test_a_loss_near_zero_is_clipped_as_theirs():
    X, y = classes("iris")
    one, _ = both(
        theirs.MLPClassifier, cr.estimators.MLPClassifier, (X * 1000).astype("f4"), y, batch_size=5,
        learning_rate_init=0.1, max_iter=5, tolerance=1e-4,  # samples are so large
    )  # fmt: skip
    assert max(one.loss_curve_) > 1


def test_sparse_samples():
    from scipy.sparse import csr_array

    X, y = classes("digits")
    X = csr_array(np.where(X > 0, X, 0))
    one = theirs.MLPClassifier(max_iter=3, random_state=0).fit(X, y)
    other = cr.estimators.MLPClassifier(max_iter=3, random_state=0).fit(X, y)
    assert deviation(one, other) == 0
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


@pytest.fixture(scope="module")
def predicting():
    """Samples, and networks for classes, two classes and several labels, theirs and ours."""
    X, y = classes("digits")
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        return X, [
            [cls((30, 20), max_iter=3, random_state=0).fit(X, labels) for cls in (
                theirs.MLPClassifier, cr.estimators.MLPClassifier)]
            for labels in (y, y == "3", several_labels()[1])
        ]  # fmt: skip


@pytest.mark.parametrize("rows", [1, 100, 1797])
def test_predictions(predicting, rows):
    X, pairs = predicting
    for one, other in pairs:
        for name in ("predict", "predict_proba", "predict_log_proba"):
            found, wanted = getattr(other, name)(X[:rows]), getattr(one, name)(X[:rows])
            if name == "predict":
                np.testing.assert_array_equal(found, wanted)
            else:
                np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
            assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)


@pytest.mark.parametrize("bad", [np.full((1, 64), np.nan), np.ones((1, 3)), np.ones(64)])
def test_samples_that_do_not_fit_are_refused_in_the_same_words(bad):
    X, y = classes("digits")
    model = cr.estimators.MLPClassifier(max_iter=1).fit(X[ROWS], y[ROWS])
    with pytest.raises(ValueError, match=r"X|array") as their_error:
        theirs.MLPClassifier.predict(model, bad)
    with pytest.raises(ValueError, match=r"X|array") as ours:
        model.predict_proba(bad)
    assert str(ours.value) == str(their_error.value)
