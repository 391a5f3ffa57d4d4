"""Layers that run over sequences: trained, read, saved and exported as any other."""

import functools
import runpy

import numpy as np
import pytest
from tests.export.test_export import exported, outputs

import chainrule as cr
from chainrule import layers

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 6, 3)).astype("f"), RNG.normal(size=(40, 2)).astype("f")
LAYERS = {
    "SimpleRNN": lambda: layers.SimpleRNN(4, dropout=0.2, recurrent_dropout=0.3),
    "LSTM": lambda: layers.LSTM(4, go_backwards=True, return_sequences=True),
    "GRU": lambda: layers.GRU(4, dropout=0.2, recurrent_dropout=0.3, reset_after=False),
    "RNN": lambda: layers.RNN([layers.LSTMCell(4, dropout=0.2), layers.GRUCell(3)]),
    "Bidirectional": lambda: layers.Bidirectional(layers.GRU(4, return_sequences=True)),
    "TimeDistributed": lambda: layers.TimeDistributed(layers.Dense(4, activation="tanh")),
    "MultiHeadAttention": lambda: layers.MultiHeadAttention(2, 3, dropout=0.2),
}


def model(name, engine="auto", steps=6):
    made = cr.Sequential(
        [layers.Input((steps, 3)), LAYERS[name](), layers.Flatten(), layers.Dense(2)], seed=0
    )
    made.compile(cr.optimizers.SGD(0.1), "mse", engine=engine)
    return made


@functools.cache
def read_only(name):
    """Return a model that no test trains, and its predictions."""
    made = model(name)
    return made, made.predict(X)


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("name", LAYERS)
def test_both_engines_train_alike(name):
    weights = []
    for engine in ("numpy", "compiled"):
        made = model(name, engine)
        made.fit(X, Y, epochs=2, batch_size=16, verbose=0)
        weights.append(made.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("name", LAYERS)
def test_saved_and_ejected(name, tmp_path):
    made, predictions = read_only(name)
    made.save(tmp_path / "saved")
    again = cr.load_model(tmp_path / "saved")
    assert again.get_config() == made.get_config()
    np.testing.assert_array_equal(again.predict(X), predictions)
    made.eject(tmp_path / "ejected.py")
    module = runpy.run_path(str(tmp_path / "ejected.py"))
    np.testing.assert_allclose(module["predict"](module["load"](), X), predictions, atol=1e-6)


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("name", LAYERS)
def test_onnx(name, tmp_path):
    made, predictions = read_only(name)
    for found in outputs(exported(made, tmp_path), {"X": X[:5]}):
        (found,) = found.values()
        np.testing.assert_allclose(found, predictions[:5], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.LSTM, layers.GRU])
def test_dropout_is_the_same_in_every_step(kind):
    layer = kind(3, activation="linear", use_bias=False, dropout=0.5, seed=0)
    layer.build((None, 5, 4))
    z = layer.projected(np.ones((5, 8, 4), "f"), layer.masks(np.ones((8, 4), "f"), True))
    np.testing.assert_array_equal(z, np.broadcast_to(z[:1], z.shape))
    assert len(np.unique(z[0], axis=0)) > 1


@pytest.mark.thorough  # a long source
def test_the_source_is_a_loop_that_grows_with_no_step():
    def text(steps, dialect):
        made = cr.Sequential([layers.Input((steps, 3)), layers.LSTM(4), layers.Dense(2)])
        made.compile("sgd", "mse")
        return made.source(dialect)

    assert "        t2 = z_lstm[t] + lstm @ lstm_recurrent_kernel" in text(6, "numpy")
    for dialect in ("numpy", "kernel"):
        assert len(text(50, dialect).splitlines()) == len(text(60, dialect).splitlines())


def test_what_does_not_fit_is_refused():
    with pytest.raises(cr.errors.ShapeError, match="expected sequences"):
        layers.LSTM(3)(np.zeros((2, 5)))
    with pytest.raises(cr.errors.DataError, match="state_size"):
        layers.RNN(layers.Dense(3))
    with pytest.raises(cr.errors.DataError, match="such as LSTM or RNN"):
        layers.Bidirectional(layers.Dense(3))
    with pytest.raises(cr.errors.DataError, match="backward layer alone"):
        layers.Bidirectional(layers.LSTM(3, go_backwards=True))
    with pytest.raises(cr.errors.DataError, match="fixed batch size"):
        cr.Sequential([layers.Input((5, 3)), layers.LSTM(3, stateful=True)])


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_gates_of_a_gru_are_update_reset_and_candidate(reset_after):
    units, steps, rng = 3, 2, np.random.default_rng(2)
    x, *weights = (rng.normal(size=n).astype("f") for n in ((4, steps, 2), (2, 9), (units, 9)))
    layer = layers.GRU(units, use_bias=False, reset_after=reset_after)
    layer.build((None, steps, 2))
    layer.set_weights(weights)
    of_x, of_h = (np.split(kernel, 3, axis=1) for kernel in weights)
    h = np.zeros((4, units))
    for step in range(steps):
        z, r = (cr.sigmoid(x[:, step] @ of_x[i] + h @ of_h[i]) for i in range(2))
        new = r * (h @ of_h[2]) if reset_after else (r * h) @ of_h[2]
        h = z * h + (1 - z) * np.tanh(x[:, step] @ of_x[2] + new)
    np.testing.assert_allclose(layer(x), h, rtol=1e-5, atol=1e-6)
