"""RealMLP as scikit-learn's estimators."""

import importlib.util
import pickle

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV

import chainrule as cr
from chainrule._src.tabular.estimators import one_row, realmlp_base
from chainrule._src.tabular.recipes.realmlp import PRESETS
from chainrule.errors import CompileError, DataError, OptionError
from chainrule.estimators import RealMLPClassifier, RealMLPRegressor

SMALL = {"hidden_layer_sizes": (16, 16), "epochs": 30, "batch_size": 32, "random_state": 0}
SMALL |= {"engine": "numpy"}
FEW = SMALL | {"epochs": 4}  # where nothing depends on how well it has learned
IRIS, DIABETES = load_iris(return_X_y=True), load_diabetes(return_X_y=True)


def table(rows=400):
    rng = np.random.default_rng(0)
    city = rng.choice([f"city {i}" for i in range(20)], rows)
    age, size = rng.normal(40, 10, rows), rng.choice(["small", "large"], rows)
    y = age / 10 + np.array([int(name[5:]) % 3 for name in city]) + 2.0 * (size == "large")
    age[::7] = np.nan
    frame = pa.table({"age": age, "city": city.tolist(), "size": size.tolist()})
    return frame, y


@pytest.mark.parametrize("preset", ["td", "td-s"])
def test_it_learns(preset):
    for model, (X, y), least in (
        (RealMLPClassifier(preset=preset, **SMALL), IRIS, 0.9),
        (RealMLPRegressor(preset=preset, **SMALL), DIABETES, 0.35),
    ):
        rest = np.arange(len(y)) % 3 > 0
        assert model.fit(X[rest], y[rest]).score(X[~rest], y[~rest]) > least


@pytest.mark.thorough  # one more input
def test_frames_with_categories_and_gaps_are_learned_from():
    frame, y = table()
    model = RealMLPRegressor(**SMALL).fit(frame, y)
    assert model.score(frame, y) > 0.8
    assert [*model.feature_names_in_] == ["age", "city", "size"]
    city = next(part for part in model.model_.layers[1].layers if type(part) is cr.layers.Dense)
    assert city.kernel.shape == (20, 8)  # more than nine categories are embedded


def test_an_array_has_the_columns_of_the_frame_of_training():
    X, y = IRIS
    model = RealMLPClassifier(**SMALL).fit(pa.table(dict(zip("abcd", X.T, strict=True))), y)
    with pytest.warns(UserWarning, match="feature names"):
        assert model.score(X, y) > 0.9


def test_the_same_seed_gives_the_same_network_and_the_best_epoch_stays():
    one, other = (RealMLPClassifier(**FEW).fit(*IRIS) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(IRIS[0]), other.predict_proba(IRIS[0]))
    X, y = IRIS
    held = RealMLPClassifier(**FEW).fit(X[::2], y[::2], validation_data=(X[1::2], y[1::2]))
    assert held.score(X[1::2], y[1::2]) == pytest.approx(max(held.history_["val_accuracy"]))


def test_a_pickled_copy_and_a_saved_model_predict_the_same(tmp_path):
    model = RealMLPRegressor(**FEW).fit(*DIABETES)
    expected = model.predict(DIABETES[0])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(DIABETES[0]), expected)
    model.model_.save(tmp_path / "model")
    again = cr.load_model(tmp_path / "model")
    columns = {f"x{j}": column for j, column in enumerate(DIABETES[0].T)}
    scores = again.predict(again.preprocessor.transform(columns))
    np.testing.assert_allclose(again.preprocessor.target.decode(scores), expected, rtol=1e-6)
    assert clone(model).get_params() == model.get_params()


def test_exported_and_ejected_it_predicts_the_same(tmp_path):
    frame, y = table()
    model = RealMLPRegressor(**FEW).fit(frame, y)
    columns = {name: np.array(values) for name, values in frame.to_pydict().items()}
    columns["age"] = columns["age"].astype(float)
    model.model_.export(tmp_path / "model.onnx")
    texts = {n: v.astype(object) if v.dtype.kind == "U" else v for n, v in columns.items()}
    session = onnxruntime.InferenceSession((tmp_path / "model.onnx").read_bytes())
    (found,) = session.run(["prediction"], texts)
    np.testing.assert_allclose(found, model.predict(frame), rtol=1e-4)
    model.model_.eject(tmp_path / "ejected.py")
    spec = importlib.util.spec_from_file_location("ejected", tmp_path / "ejected.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scores = module.predict(module.load(), module.features(columns))
    np.testing.assert_allclose(module.quantities(scores), model.predict(frame), rtol=1e-4)


def test_members_trained_together_are_those_trained_one_after_the_other(monkeypatch):
    options = {**FEW, "preset": "td-s", "engine": "compiled", "n_ens": 2}

    def found(count):
        monkeypatch.setattr(realmlp_base, "cores", lambda: count)
        return RealMLPClassifier(**options).fit(*IRIS).predict_proba(IRIS[0])

    np.testing.assert_array_equal(found(1), found(2))


def test_members_are_averaged():
    model = RealMLPClassifier(n_ens=3, **FEW).fit(*IRIS)
    features = model.model_.preprocessor.transform(
        {f"x{j}": column for j, column in enumerate(IRIS[0].T)}
    )
    each = [member.predict(features) for member in model.models_]
    np.testing.assert_allclose(model.predict_proba(IRIS[0]), np.mean(each, axis=0), rtol=1e-6)
    assert not np.allclose(each[0], each[1])


def test_one_row_after_many_is_predicted_compiled_and_the_same():
    X = np.insert(IRIS[0], 1, 7.0, axis=1)  # a constant, which is left out
    model = RealMLPClassifier(n_ens=2, **FEW).fit(X, IRIS[1]).set_params(engine="auto")
    found = np.vstack([model.predict_proba(x[np.newaxis]) for x in X])
    assert model._one_row(X[:1], "auto") is not None
    np.testing.assert_allclose(found, model.predict_proba(X), rtol=1e-5, atol=1e-7)
    with_gap = np.array([[5.0, 7.0, np.nan, 1.0, 1.0]])
    assert np.isfinite(model.predict_proba(with_gap)).all()


@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_single_rows_are_predicted_by_numpy_where_nothing_may_compile(monkeypatch, engine):
    calls = []

    def refuse(*args):
        calls.append(args)
        raise CompileError("no compiler")

    monkeypatch.setattr(one_row, "jit", lambda function: refuse)
    model = RealMLPClassifier(**FEW).fit(*IRIS).set_params(engine=engine)
    rows = np.vstack([model.predict_proba(x[np.newaxis]) for x in IRIS[0][:60]])
    np.testing.assert_allclose(rows, model.predict_proba(IRIS[0][:60]), rtol=1e-5, atol=1e-7)
    assert len(calls) == (engine == "auto")


@pytest.mark.thorough  # many trainings
def test_settings_are_searched():
    grid = [{"preset": ["td", "td-s"]}, {"learning_rate": [0.01]}]
    search = GridSearchCV(RealMLPClassifier(**{**SMALL, "epochs": 5}), grid, cv=2).fit(*IRIS)
    assert search.best_score_ > 0.5


def test_initial_neurons_have_deviation_1_and_bend_within_the_data():
    model = RealMLPClassifier(**{**SMALL, "epochs": 1, "learning_rate": 1e-9}).fit(*IRIS)
    network = model.model_
    x = model.model_.preprocessor.transform({f"x{j}": c for j, c in enumerate(IRIS[0].T)})
    for layer in network.layers:
        if layer.name == "hidden_1":
            z = layer(x) - layer.bias
            np.testing.assert_allclose(z.std(axis=0), 1, atol=0.25)
            assert (z.min(axis=0) < -layer.bias).all()
            assert (z.max(axis=0) > -layer.bias).all()
        x = layer(x)


def test_rates_and_decay_are_the_papers():
    frame, y = table()
    rule = RealMLPRegressor(**{**SMALL, "epochs": 1}).fit(frame, y).model_.optimizer
    expected = {
        "columns_layers_0_frequency": 0.1, "columns_layers_0_bias": 0.1,
        "columns_layers_1_kernel": 1,
        "scale_scale": 6, "hidden_1_kernel": 1, "hidden_1_bias": 0.1, "activation_1_amount": 0.1,
        "output_bias": 0.1,
    }  # fmt: skip
    assert {name: rule._multiplier((name,)) for name in expected} == expected
    decayed = {name for name in expected if rule._is_decayed((name,))}
    assert decayed == set(expected) - {"hidden_1_bias", "output_bias"}
    assert PRESETS["td", "regression"].learning_rate == 0.2


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (lambda: RealMLPClassifier().fit(IRIS[0], np.zeros(150)), r"one class: 0\.0$"),
        (lambda: RealMLPClassifier().fit(IRIS[0], np.array(["a", None, "b"] * 50)), "y .* missing"),
        (lambda: RealMLPClassifier().fit(IRIS[0][:1], [0]), "n_samples = 1"),
        (lambda: RealMLPRegressor().fit(IRIS[0], np.full(150, np.nan)), "NaN"),
        (lambda: RealMLPRegressor().fit(IRIS[0], IRIS[1][:9]), "same samples"),
        (lambda: RealMLPClassifier().fit(*IRIS, validation_data=(IRIS[0], IRIS[1] + 1)), "class"),
    ],
)
def test_what_cannot_be_learned_is_refused(fit, words):
    with pytest.raises(DataError, match=words):
        fit()


def test_columns_of_a_frame_may_be_numbered():
    pandas = pytest.importorskip("pandas")
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 2
    frame = pandas.DataFrame(X, columns=[0, 1])
    model = RealMLPClassifier(**FEW).fit(frame, y)
    np.testing.assert_array_equal(model.predict_proba(frame), model.predict_proba(X))


def test_one_row_is_looked_at_however_many_there_were():
    X, y = load_iris(return_X_y=True)
    model = RealMLPClassifier(**FEW).fit(X, y)
    for _ in range(60):
        model.predict(X[:1])
    with pytest.raises(cr.errors.DataError, match="'x0' holds 1e"):
        model.predict(np.full((1, 4), 1e300))
    frame = pytest.importorskip("pandas").DataFrame(X, columns=list("abcd"))
    named = RealMLPClassifier(**FEW).fit(frame, y)
    for _ in range(60):
        with pytest.warns(UserWarning, match="valid feature names"):
            named.predict(X[:1])


def test_a_fit_that_is_refused_leaves_the_network_and_its_classes():
    X, y = load_iris(return_X_y=True)
    model = RealMLPClassifier(**FEW).fit(X, y)
    before = model.predict(X)
    with pytest.raises(cr.errors.DataError, match="a class that training does not"):
        model.fit(X, np.array(list("abc"))[y], validation_data=(X, y))
    np.testing.assert_array_equal(model.predict(X), before)
    with pytest.raises(cr.errors.DataError, match="whole number"):
        model.set_params(hidden_layer_sizes=(2.9,)).fit(X, y)


WEIGHT = np.linspace(0.5, 2, 150)
HELD = {}, {"validation_data": (IRIS[0][::3], IRIS[1][::3], WEIGHT[::3])}


@pytest.fixture(scope="module")
def weighted():
    """Predictions after fits with weights, without data to validate on and with them."""
    return [
        RealMLPClassifier(**FEW).fit(*IRIS, WEIGHT, **more).predict_proba(IRIS[0]) for more in HELD
    ]


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("factor", [2, 1 / 150, 1e-6])
def test_weights_count_by_what_they_are_to_each_other(weighted, factor):
    for expected, more in zip(weighted, HELD, strict=True):
        other = RealMLPClassifier(**FEW).fit(*IRIS, factor * WEIGHT, **more)
        np.testing.assert_allclose(other.predict_proba(IRIS[0]), expected, rtol=1e-3, atol=1e-5)


def test_weights_of_validated_samples_choose_the_epoch():
    X, y = IRIS
    model = RealMLPClassifier(**FEW)
    some = np.arange(len(y)) % 2 == 0
    whole = model.fit(X, y, validation_data=(X, y, some.astype(float))).history_
    part = model.fit(X, y, validation_data=(X[some], y[some])).history_
    np.testing.assert_allclose(whole["val_accuracy"], part["val_accuracy"], rtol=1e-6)


@pytest.mark.parametrize("held", [IRIS[0], (IRIS[0],), (*IRIS, None, None)])
def test_validation_data_of_another_form_is_refused(held):
    with pytest.raises(DataError, match=r"expected \(X, y\) or \(X, y, sample_weight\)"):
        RealMLPClassifier(**SMALL).fit(*IRIS, validation_data=held)


def test_one_hidden_layer_is_a_number():
    model = RealMLPClassifier(**{**SMALL, "hidden_layer_sizes": 8, "epochs": 2}).fit(*IRIS)
    assert model.model_.get_layer("hidden_1").units == 8


def test_too_few_samples_to_hold_some_back_are_refused_in_terms_of_the_estimator():
    with pytest.raises(DataError, match="give more, or validation_fraction=0"):
        RealMLPClassifier(**SMALL).fit([[1.0], [2.0]], [0, 1])
    model = RealMLPClassifier(**SMALL, validation_fraction=0).fit([[1.0], [2.0]], [0, 1])
    assert model.predict([[1.0]]).shape == (1,)


@pytest.mark.thorough  # as weights of samples
def test_class_weights_multiply_those_of_samples():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = np.where(X[:, 0] + rng.normal(size=300) > 1.8, "rare", "usual")
    how = {"epochs": 20, "hidden_layer_sizes": (16,), "random_state": 0}
    plain = cr.estimators.RealMLPClassifier(**how).fit(X, y)
    even = cr.estimators.RealMLPClassifier(**how, class_weight="balanced").fit(X, y)
    recall = [(m.predict(X)[y == "rare"] == "rare").mean() for m in (plain, even)]
    assert recall[1] > recall[0] + 0.1
    weights = {"rare": 3.0, "usual": 1.0}
    by_class = cr.estimators.RealMLPClassifier(**how, class_weight=weights).fit(X, y)
    by_hand = cr.estimators.RealMLPClassifier(**how).fit(X, y, np.where(y == "rare", 3.0, 1.0))
    np.testing.assert_array_equal(by_class.predict_proba(X), by_hand.predict_proba(X))
    with pytest.raises(ValueError, match="class_weight"):
        cr.estimators.RealMLPClassifier(class_weight="even").fit(X, y)


def test_numbers_may_be_categories():
    rng = np.random.default_rng(0)
    X = np.stack([rng.integers(12, size=400), rng.normal(size=400)], axis=1)
    y = rng.normal(size=12)[X[:, 0].astype(int)]
    how = {"epochs": 10, "hidden_layer_sizes": (8,), "random_state": 0, "preset": "td-s"}
    model = cr.estimators.RealMLPRegressor(**how, categorical_features=[0]).fit(X, y)
    assert model.model_.preprocessor.columns[0].kind == "number"
    assert [type(step).__name__ for step in model.model_.preprocessor.steps] == ["OneHot", "Scaled"]
    named = pa.table({"month": X[:, 0], "noise": X[:, 1]})
    again = cr.estimators.RealMLPRegressor(**how, categorical_features=["month"]).fit(named, y)
    np.testing.assert_array_equal(model.predict(X), again.predict(named))
    for columns in (["year"], [2]):
        with pytest.raises(cr.errors.UnknownNameError, match="categorical_features"):
            cr.estimators.RealMLPRegressor(categorical_features=columns).fit(named, y)


FULL = {"hidden_layer_sizes": (8,), "epochs": 12, "batch_size": 1000, "random_state": 0}
FULL |= {"preset": "td-s", "engine": "numpy"}  # one batch an epoch: nothing is drawn


def several(rows=300, d=5):
    rng = np.random.default_rng(0)
    X = rng.integers(-2, 3, (rows, d)).astype(float)
    return X, np.stack([X[:, 0] - X[:, 1], 100 + 50 * X[:, 2] * X[:, 3]], axis=1), rng


@pytest.mark.parametrize("cls", [RealMLPClassifier, RealMLPRegressor])
def test_a_weight_of_two_is_a_row_twice_and_a_weight_of_none_no_row(cls):
    X, y, rng = several()
    y = (y[:, 0] > 0).astype(int) if cls is RealMLPClassifier else y[:, 0]
    weight = np.where(X[:, 0] > 0, 3, rng.integers(0, 2, len(y)))
    rows = np.repeat(np.arange(len(y)), weight)
    held = {"validation_data": (X[::2], y[::2], weight[::2])}, {"validation_data": (
        X[rows[rows % 2 == 0]], y[rows[rows % 2 == 0]])}  # fmt: skip
    weighted = cls(**FULL).fit(X, y, weight, **held[0])
    repeated = cls(**FULL).fit(X[rows], y[rows], **held[1])
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(weighted.history_[name], repeated.history_[name], rtol=2e-3)
    np.testing.assert_allclose(weighted._output(X), repeated._output(X), rtol=2e-3, atol=2e-3)
    scores = weighted.score(X, y, weight), repeated.score(X[rows], y[rows])
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)
    unweighted = cls(**FULL).fit(X, y, **held[1])
    assert not np.allclose(unweighted.history_["loss"], repeated.history_["loss"], rtol=1e-2)


def test_the_random_hold_out_counts_weights_of_samples_and_of_classes(monkeypatch):
    X, y, _ = several()
    y, weight = (y[:, 0] > 0).astype(int), np.where(np.arange(300) % 3, 1.0, 7.0)
    fits = []
    fit = realmlp_base.fit_realmlp
    monkeypatch.setattr(realmlp_base, "fit_realmlp", lambda *args: (fits.append(args), fit(*args)))
    RealMLPClassifier(**FULL, class_weight={0: 1.0, 1: 3.0}).fit(X, y, weight)
    ((_, _, _, (_, held_y, held_weight), _, _),) = fits
    assert len(held_y) == 60
    held_weight = (held_weight / held_weight.min()).round(6)
    assert {*held_weight[held_y[:, 1] == 1]} == {3.0, 21.0}
    assert {*held_weight[held_y[:, 1] == 0]} == {1.0, 7.0}


def test_weights_below_zero_are_refused():
    with pytest.raises(DataError, match="no number below 0"):
        RealMLPRegressor(**FULL).fit(*DIABETES, np.linspace(-1, 1, 442))


@pytest.mark.thorough
def test_several_quantities_are_learned_together_each_on_its_own_scale():
    X, y, _ = several()
    many = {**SMALL, "epochs": 60}
    model = RealMLPRegressor(**many).fit(X[:200], y[:200])
    found = model.predict(X[200:])
    assert found.shape == (100, 2)
    for j in range(2):
        alone = RealMLPRegressor(**many).fit(X[:200], y[:200, j])
        assert model.score(X[200:], y[200:]) > 0.8
        assert np.corrcoef(found[:, j], alone.predict(X[200:]))[0, 1] > 0.9
    low, high = y[:200].min(axis=0), y[:200].max(axis=0)
    far = model.predict(100 * X)
    assert (far >= low - 0.01).all()
    assert (far <= high + 0.01).all()
    one = RealMLPRegressor(**FEW).fit(X, y[:, :1])
    np.testing.assert_array_equal(
        one.predict(X), RealMLPRegressor(**FEW).fit(X, y[:, 0]).predict(X)
    )
    rows = np.vstack([model.predict(x[np.newaxis]) for x in X[:60]])
    np.testing.assert_allclose(rows, model.predict(X[:60]), rtol=1e-4)
    with pytest.raises(DataError, match="targets of training"):
        model.set_params(warm_start=True).fit(X, y[:, 0])


@pytest.mark.thorough  # as several quantities
def test_several_labels_are_learned_and_predicted_as_0_and_1(tmp_path):
    X, y, _ = several()
    labels = (y > [0, 100]).astype(int)
    model = RealMLPClassifier(**SMALL).fit(X, labels)
    assert model.predict_proba(X).shape == (300, 2)
    assert model.score(X, labels) > 0.9
    assert {*np.unique(model.predict(X))} == {0, 1}
    assert [*model.classes_] == [0, 1]
    weights = [{0: 1, 1: 50}, {0: 1, 1: 1}]
    more = RealMLPClassifier(**SMALL, class_weight=weights).fit(X, labels).predict(X)
    assert more[:, 0].sum() >= model.predict(X)[:, 0].sum()
    model.model_.save(tmp_path / "model")
    features = model.preprocessor_.transform({f"x{j}": c for j, c in enumerate(X.T)})
    np.testing.assert_array_equal(
        cr.load_model(tmp_path / "model").predict(features), model.predict_proba(X)
    )


@pytest.mark.thorough  # as dense ones
def test_sparse_samples_are_learned_like_dense_ones():
    X, y, _ = several()
    for matrix in (
        scipy.sparse.csr_matrix(X),
        scipy.sparse.csc_array(X),
        scipy.sparse.coo_array(X),
    ):
        model = RealMLPRegressor(**FEW).fit(matrix, y[:, 0])
        dense = RealMLPRegressor(**FEW).fit(X, y[:, 0])
        np.testing.assert_array_equal(model.predict(matrix), dense.predict(X))


@pytest.mark.parametrize("preset", ["td", "td-s"])
def test_as_many_calls_of_partial_fit_as_epochs_are_a_fit(preset):
    X, y, _ = several()
    how = {**SMALL, "preset": preset, "epochs": 3, "batch_size": 64}
    for cls, goal, more in (
        (RealMLPRegressor, y, {}),
        (RealMLPClassifier, (y[:, 0] > 0).astype(int), {"classes": [0, 1]}),
    ):
        whole = cls(**how, validation_fraction=0).fit(X, goal)
        parts = cls(**how)
        for _ in range(3):
            parts.partial_fit(X, goal, **more)
        np.testing.assert_array_equal(parts._output(X), whole._output(X))
        assert parts.history_["loss"] == whole.history_["loss"]
        before = parts.model_.get_weights()
        for _ in range(3):  # the rate has come down to 0, and begins anew
            parts.partial_fit(X, goal)
        assert any((a != b).any() for a, b in zip(before, parts.model_.get_weights(), strict=True))
        assert len(parts.history_["loss"]) == 6


@pytest.mark.thorough
def test_parts_come_with_other_rows_weights_and_classes():
    X, y = IRIS
    model = RealMLPClassifier(**{**SMALL, "batch_size": 16}, n_ens=2)
    with pytest.raises(ValueError, match="classes"):
        model.partial_fit(X[:50], y[:50])
    rng = np.random.default_rng(0)
    for _ in range(30):
        rows = rng.permutation(150)[:60]
        model.partial_fit(X[rows], y[rows], np.ones(60), classes=[0, 1, 2])
    assert model.score(X, y) > 0.9
    with pytest.raises(DataError, match="classes must stay"):
        model.partial_fit(X, y, classes=[1, 2])
    with pytest.raises(OptionError, match="balanced"):
        RealMLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])


def test_weights_of_parts_count_beside_those_of_other_parts():
    X, y, _ = several()
    fits = [RealMLPRegressor(**FULL).partial_fit(X, y[:, 0], np.full(300, 2.0)) for _ in range(2)]
    for model, weight in zip(fits, (2.0, 1e-3), strict=True):
        model.partial_fit(X, y[:, 1], np.full(300, weight))
    losses = [model.history_["loss"] for model in fits]
    assert losses[0][0] == losses[1][0]
    assert losses[1][1] < 0.01 * losses[0][1]


@pytest.mark.thorough  # as parts
def test_a_warm_start_goes_on_with_weights_and_scales():
    X, y = DIABETES
    model = RealMLPRegressor(**{**FEW, "epochs": 8}, warm_start=True).fit(X, y)
    first, steps = model.predict(X), model.preprocessor_.steps
    model.set_params(learning_rate=1e-12).fit(X[:200] * 2, y[:200])
    assert model.preprocessor_.steps == steps
    np.testing.assert_allclose(model.predict(X), first, rtol=1e-4)
    assert len(model.history_["loss"]) == 16
    classes = RealMLPClassifier(**FEW, warm_start=True).fit(*IRIS)
    with pytest.raises(DataError, match="a class that training does not have"):
        classes.fit(IRIS[0], IRIS[1] + 1)
    assert not np.allclose(RealMLPRegressor(**FEW).fit(X, y).fit(X * 2, y).predict(X), first)
