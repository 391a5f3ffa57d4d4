"""Many rows are predicted compiled once it pays, and as in NumPy."""

import pickle
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone

import chainrule as cr
from chainrule._src.base.errors import CompileError
from chainrule._src.compile.running import threads
from chainrule._src.tabular.estimators import base, predicting
from chainrule._src.tabular.estimators.forward import forward

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2500, 7))
LABELS = (X[:, 0] * X[:, 1] > 0) + (X[:, 2] > 1).astype(int)


@pytest.fixture
def called(monkeypatch):
    """Count calls of what is compiled, which is from the first one on."""
    calls, made = [], predicting.compiled

    def counted(*names):
        network = made(*names)
        return lambda params, X: calls.append(len(X)) or network(params, X)

    monkeypatch.setattr(base, "ENOUGH", 0)
    monkeypatch.setattr(predicting, "compiled", counted)
    return calls


def in_numpy(model, X):
    parts = model.coefs_, model.intercepts_, model.activation, model.out_activation_
    return forward(X, *parts)


@pytest.mark.sampled(quick=10)
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("kind", "y"),
    [
        (cr.estimators.MLPClassifier, LABELS),
        (cr.estimators.MLPClassifier, LABELS > 0),
        (cr.estimators.MLPRegressor, X[:, :2]),
        (partial(cr.estimators.MLPRegressor, "poisson"), np.abs(X[:, 0])),
    ],
)
def test_predictions_are_those_of_numpy(called, kind, y, dtype, activation):
    data = X.astype(dtype)
    model = kind(hidden_layer_sizes=(9, 5), activation=activation, max_iter=2, random_state=0)
    model.fit(data[:100], y[:100])
    found = model._forward_pass_fast(data)
    assert called == [1024, 1024, 1024]
    assert found.dtype == dtype
    rtol = 1e-5 if dtype == np.float32 else 1e-13
    np.testing.assert_allclose(found, in_numpy(model, data), rtol=rtol, atol=rtol)
    model.coefs_[0] = model.coefs_[0] * 0
    assert np.ptp(model._forward_pass_fast(data), axis=0).max() == 0


def test_what_stays_in_numpy(called):
    model = cr.estimators.MLPClassifier((5,), max_iter=2, random_state=0).fit(X[:100], LABELS[:100])
    others = [
        pickle.loads(pickle.dumps(model)),
        clone(model).set_params(engine="numpy").fit(X[:100], LABELS[:100]),
    ]
    for other in others:
        np.testing.assert_array_equal(other.predict_proba(X), in_numpy(other, X))
    np.testing.assert_array_equal(model.predict_proba(X[:1000]), in_numpy(model, X[:1000]))
    assert called == []


def test_it_pays_first(monkeypatch):
    monkeypatch.setattr(base, "ENOUGH", 2.5 * len(X) * (7 * 5 + 5 * 3))
    model = cr.estimators.MLPClassifier((5,), max_iter=2, random_state=0).fit(X[:100], LABELS[:100])
    compiled = [predicting.compiled_output(model, X) is not None for _ in range(4)]
    assert compiled == [False, False, True, True]


def test_a_network_that_cannot_be_compiled_stays_in_numpy(called, monkeypatch):
    def refuse(*names):
        called.append(names)
        raise CompileError("no compiler")

    model = cr.estimators.MLPClassifier((5,), max_iter=2, random_state=0).fit(X[:100], LABELS[:100])
    monkeypatch.setattr(predicting, "compiled", lambda *names: refuse)
    for _ in range(2):
        np.testing.assert_array_equal(model._forward_pass_fast(X), in_numpy(model, X))
    assert len(called) == 1


def test_threads_that_share_rows_change_no_bit(called, monkeypatch):
    model = cr.estimators.MLPClassifier((5,), max_iter=2, random_state=0).fit(X[:100], LABELS[:100])
    many, counts, sharing = np.tile(X, (40, 1)), [], threads.sharing

    def counted(run, count):
        counts.append(count)
        return sharing(run, count)

    monkeypatch.setattr(threads, "sharing", counted)
    alone = model.predict_proba(many)
    monkeypatch.setattr(predicting, "SHARED", 0)
    monkeypatch.setattr(predicting, "cores", lambda: 3)
    np.testing.assert_array_equal(model.predict_proba(many), alone)
    assert counts == [0, 2]
    assert called == [1024] * 2 * len(range(0, len(many), 1024))


@pytest.mark.parametrize("classes", [3, 60])
@pytest.mark.parametrize("hidden", ["relu", "tanh", "logistic", "identity"])
def test_a_row_alone_is_as_among_others(hidden, classes):
    shapes = [(7, 20), (20, classes)]
    coefs = [RNG.normal(size=shape) for shape in shapes]
    intercepts = [RNG.normal(size=shape[1]) for shape in shapes]
    rows = np.array([forward(x[None], coefs, intercepts, hidden, "softmax")[0] for x in X[:50]])
    together = forward(X[:50], coefs, intercepts, hidden, "softmax")
    np.testing.assert_allclose(rows, together, rtol=1e-13, atol=1e-16)
