"""What people do with scikit-learn's estimators."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from tests.tabular.estimators.data import classes, deviation

import chainrule as cr
from chainrule._src.compile.running import account, form
from chainrule._src.compile.running.recorded import RecordedStep
from chainrule._src.tabular.estimators import recordings
from chainrule._src.tabular.estimators.cost import is_short

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
QUICK = {"random_state": 0, "max_iter": 10, "learning_rate_init": 0.01}
KINDS = {
    "plain": cr.estimators.MLPClassifier(engine="compiled", **QUICK),
    "layers": cr.estimators.MLPClassifier(
        dropout=0.1, batch_norm=True, activation="gelu", engine="compiled", **QUICK
    ),
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Predictions of models here, and of their copies in a process that cannot compile."""
    X, y = classes("wine")
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        models = {kind: clone(model).fit(X, y) for kind, model in KINDS.items()}
    path = tmp_path_factory.mktemp("opened") / "models.pkl"
    path.write_bytes(pickle.dumps((models, X)))
    code = (
        "import pickle, sys; sys.modules['llvmlite'] = None;"
        f"models, X = pickle.load(open({str(path)!r}, 'rb'));"
        "found = {kind: (model.predict_proba(X), bool(model.history_), bool(model.model_))"
        "         for kind, model in models.items()};"
        f"pickle.dump(found, open({str(path)!r}, 'wb'))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    found = pickle.loads(path.read_bytes())
    return {kind: (model.predict_proba(X), *found[kind]) for kind, model in models.items()}


@pytest.mark.thorough  # another process
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_by_pickle_predicts_without_compiling(kind, opened):
    expected, found, has_history, has_model = opened[kind]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert has_history
    assert has_model


@pytest.mark.parametrize("kind", KINDS)
def test_a_clone_is_not_fitted_and_becomes_the_same(kind):
    X, y = classes("wine")
    model = clone(KINDS[kind]).fit(X, y)
    again = clone(model)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        check_is_fitted(again)
    assert deviation(again.fit(X, y), model) == 0
    assert deviation(clone(KINDS[kind]).fit(X, y), model.fit(X, y)) == 0


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("kind", KINDS)
def test_two_processes_find_what_one_finds(kind):
    X, y = classes("wine")
    one = cross_val_score(KINDS[kind], X, y, cv=3)
    np.testing.assert_array_equal(cross_val_score(KINDS[kind], X, y, cv=3, n_jobs=2), one)


def test_a_grid_in_a_pipeline():
    X, y = classes("iris")
    pipeline = make_pipeline(StandardScaler(), cr.estimators.MLPClassifier((10,), **QUICK))
    grid = {"mlpclassifier__dropout": [0, 0.1], "mlpclassifier__activation": ["relu", "gelu"]}
    found = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert found.best_score_ > 0.7
    assert len(found.cv_results_["params"]) == 4


def test_calibration_and_importance():
    X, y = classes("cancer")
    model = cr.estimators.MLPClassifier((10,), **QUICK)
    assert CalibratedClassifierCV(model, cv=2).fit(X, y).score(X, y) > 0.9
    found = permutation_importance(model.fit(X, y), X, y, n_repeats=2, random_state=0)
    assert found.importances_mean.max() > 0


def test_metadata_is_routed():
    X, y = classes("iris")
    weight = np.linspace(0.1, 2, 150)
    with sklearn.config_context(enable_metadata_routing=True):
        model = cr.estimators.MLPClassifier((10,), **QUICK)
        model.set_fit_request(sample_weight=True, validation_data=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model)
        pipeline.fit(X, y, sample_weight=weight, validation_data=(X, y))
    scaled = StandardScaler().fit_transform(X)
    direct = cr.estimators.MLPClassifier((10,), **QUICK).fit(scaled, y, weight)
    assert deviation(pipeline[-1], direct) < 1e-12
    assert len(pipeline[-1].history_["val_loss"]) == 10  # of samples as they were given


def test_a_pipeline_transforms_what_is_held_back():
    X, y = classes("iris")
    with sklearn.config_context(enable_metadata_routing=True):
        model = cr.estimators.MLPClassifier((10,), **QUICK).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), model, transform_input=["X_val"])
        pipeline.fit(X[::2] * 9, y[::2], X_val=X[1::2] * 9, y_val=y[1::2])
    held = pipeline[0].transform(X[1::2] * 9)
    direct = cr.estimators.MLPClassifier((10,), **QUICK)
    direct.fit(pipeline[0].transform(X[::2] * 9), y[::2], validation_data=(held, y[1::2]))
    assert pipeline[-1].history_ == direct.history_
    for wrong in ({"X_val": X}, {"y_val": y}, {"X_val": X, "y_val": y, "validation_data": (X, y)}):
        with pytest.raises(ValueError, match="or X_val and y_val"):
            direct.fit(X, y, **wrong)


def test_output_for_pandas_and_html():
    model = make_pipeline(StandardScaler(), cr.estimators.MLPClassifier())
    assert "MLPClassifier" in model._repr_html_()
    assert repr(cr.estimators.MLPClassifier(dropout=0.1)) == "MLPClassifier(dropout=0.1)"


class Sizes:
    """A model as far as what its training takes is asked."""

    solver, batch_size, max_iter, t_ = "adam", "auto", 200, 0
    activation = "relu"


def test_what_is_short_is_decided_by_sizes_alone(monkeypatch):
    monkeypatch.setattr(account, "_seconds", {})
    model = Sizes()
    assert is_short(model, 150, [4, 100, 3], incremental=False)
    assert not is_short(model, 1797, [64, 100, 10], incremental=False)


def test_short_fits_of_one_structure_add_up(monkeypatch):
    monkeypatch.setattr(account, "_seconds", {})
    model = Sizes()
    shorts = [is_short(model, 150, [4, 100, 3], incremental=False) for _ in range(10)]
    assert shorts == sorted(shorts, reverse=True)  # scikit-learn's loop first, then machine code
    assert {*shorts} == {True, False}
    calls = [is_short(model, 200, [4, 50, 3], incremental=True) for _ in range(100)]
    assert all(calls)  # a call that is this short is slower compiled


def test_what_was_recorded_is_forgotten_where_it_becomes_much(monkeypatch):
    monkeypatch.setattr(recordings, "_recorded", {})
    monkeypatch.setattr(form, "REMEMBERED", 8)
    X, y = classes("iris")
    for width in range(1, 12):
        cr.estimators.MLPClassifier((width,), max_iter=1, engine="numpy").fit(X, y)
    assert len(recordings._recorded) == 8
    model = cr.estimators.MLPClassifier((5,), engine="numpy")
    for rows in range(5, 16):
        model.partial_fit(X[:rows], y[:rows], classes=np.unique(y))
    *_, known = recordings._recorded.values()
    (seen,) = known.values()
    assert len(seen.keys) <= 8


FACTOR = {"by": 1.0}


def scaled(y_true, y_pred):
    return FACTOR["by"] * np.sum((y_true - y_pred) ** 2, axis=-1)


VARIANTS = {
    "plain": {}, "weighted": {"class_weight": "balanced"}, "tanh": {"activation": "tanh"},
    "slow": {"learning_rate_init": 0.001}, "beta": {"beta_1": 0.5}, "sgd": {"solver": "sgd"},
    "slow sgd": {"solver": "sgd", "learning_rate_init": 0.001}, "alpha": {"alpha": 0.5},
    "narrow": {"hidden_layer_sizes": (5,)},
    "dropout": {"dropout": 0.1}, "more dropout": {"dropout": 0.5}, "norm": {"batch_norm": True},
    "gelu": {"activation": "gelu"}, "penalty": {"activation": "gelu", "alpha": 0.5},
    "adamw": {"optimizer": cr.optimizers.AdamW(0.01)}, "metrics": {"metrics": ["accuracy"]},
    "no decay": {"optimizer": cr.optimizers.AdamW(0.01, weight_decay=0.0)},
    "focal": {"loss": "focal"}, "smooth": {"loss": "focal", "label_smoothing": 0.3},
}  # fmt: skip


@pytest.mark.thorough  # many trainings
def test_what_was_recorded_serves_fits_of_the_same_structure_and_no_others(monkeypatch):
    X, y = classes("wine")
    made = {
        name: cr.estimators.MLPClassifier(
            **{"hidden_layer_sizes": (10,), "engine": "numpy", **QUICK, "max_iter": 3, **more}
        )
        for name, more in VARIANTS.items()
    }
    alone = {}
    for name, model in made.items():
        monkeypatch.setattr(recordings, "_recorded", {})
        alone[name] = clone(model).fit(X, y)
    monkeypatch.setattr(recordings, "_recorded", {})
    for _ in range(2):
        for name, model in made.items():
            assert deviation(clone(model).fit(X, y), alone[name]) == 0
    monkeypatch.setattr(RecordedStep, "taped", lambda *_, **__: pytest.fail("records again"))
    for name, model in made.items():
        again = clone(model).set_params(random_state=1).fit(X, y)
        assert deviation(again, alone[name]) > 0


def test_a_function_of_ones_own_is_recorded_for_every_fit(monkeypatch):
    X, y = classes("wine")
    model = cr.estimators.MLPClassifier((5,), loss=scaled, alpha=0, **QUICK)
    assert model.fit(X, y).loss_ > 0
    monkeypatch.setitem(FACTOR, "by", 0.0)
    assert model.fit(X, y).loss_ == 0
