"""What is changed between runs, or within one, is seen; what breaks off is told as such."""

import pickle

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule._src.compile.running.recorded import RecordedStep
from chainrule.callbacks import LambdaCallback
from chainrule.errors import DataError

RNG = np.random.default_rng(0)
X, y = RNG.normal(size=(64, 4)).astype("f4"), RNG.integers(0, 3, 64)


def model(optimizer="sgd", engine="numpy"):
    made = cr.Sequential(
        [layers.Dense(5, activation="tanh"), layers.Dense(3, activation="softmax")], seed=0
    )
    made.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"], engine=engine)
    return made


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_learning_rate_set_between_fits_counts(engine, tmp_path):
    m = model(cr.optimizers.SGD(0.1, momentum=0.9), engine)
    m.fit(X, y)
    m.optimizer.learning_rate = 0.0
    m.optimizer_state["velocity"] = {k: v * 0 for k, v in m.optimizer_state["velocity"].items()}
    before = m.get_weights()
    m.fit(X, y)
    assert m.learning_rate == 0.0
    for a, b in zip(before, m.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    m.save(tmp_path / "m")
    assert cr.load_model(tmp_path / "m").optimizer.learning_rate == 0.0


def test_a_rate_set_before_a_batch_is_that_batch_s():
    m = model()
    m.build((None, 4))
    before = m.get_weights()

    def stop(batch, logs):
        m.optimizer.learning_rate = 0.0

    m.fit(X, y, batch_size=64, callbacks=[LambdaCallback(on_train_batch_begin=stop)])
    for a, b in zip(before, m.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_weights_can_be_clipped_after_every_batch(engine):
    m, same = model(engine=engine), model(engine=engine)

    def clip(batch, logs):
        m.set_weights([np.clip(w, -9, 9) for w in m.get_weights()])

    watched = m.fit(X, y, epochs=2, callbacks=[LambdaCallback(on_train_batch_end=clip)], seed=1)
    assert watched.loss == same.fit(X, y, epochs=2, seed=1).loss


def test_layers_are_frozen_and_thawed_between_fits():
    m = model("adam")
    m.fit(X, y)
    frozen = m.layers[0].kernel.copy()
    m.layers[0].trainable = False
    m.fit(X, y)
    np.testing.assert_array_equal(m.layers[0].kernel, frozen)
    m.layers[0].trainable = True
    m.fit(X, y)
    assert (m.layers[0].kernel != frozen).any()
    for layer in m.layers:
        layer.trainable = False
    assert np.isfinite(m.evaluate(X, y)).all()
    before = m.get_weights()
    assert np.isfinite(m.fit(X, y).history["loss"]).all()  # as Keras, which only scores then
    for weight, old in zip(m.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_a_setting_of_a_layer_that_changes_is_seen():
    m = model()
    assert m.predict(X).max() <= 1
    first = m.evaluate(X, y)
    m.layers[0].activation = lambda x: x * 0
    np.testing.assert_allclose(m.predict(X), 1 / 3, rtol=1e-6)
    assert m.evaluate(X, y) != first


def test_no_score_is_told_of_a_pass_that_breaks_off():
    m = cr.Sequential([layers.Dense(1)], seed=0)
    m.compile("sgd", "mse", ["mae"])
    m.build((None, 4))
    m.set_weights([np.full((4, 1), 1e25), np.zeros(1)])
    with np.errstate(all="ignore"):
        scores = m.evaluate(X, X[:, 0], return_dict=True)
    assert np.isnan(list(scores.values())).all()


def test_a_model_that_has_predicted_can_be_pickled():
    m = model()
    expected = m.predict(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(m)).predict(X), expected)


def test_scoring_takes_a_generator_and_floats_of_any_byte_order():
    m = model()
    whole = m.evaluate(X, y)
    parts = m.evaluate((X[i : i + 8], y[i : i + 8]) for i in range(0, 64, 8))
    np.testing.assert_allclose(parts, whole, rtol=1e-6)
    np.testing.assert_allclose(m.evaluate(X.astype(">f4"), y), whole, rtol=1e-6)
    np.testing.assert_allclose(m.predict(X.astype(">f8")), m.predict(X), rtol=1e-5)


def test_what_does_not_fit_is_refused():
    m = model()
    with pytest.raises(DataError, match="a batch has 3 parts, the first one had 2"):
        m.fit([(X[:8], y[:8]), (X[8:16], y[8:16], np.ones(8))])
    with pytest.raises(DataError, match="in training"):
        m.fit(X, y, callbacks=[lambda epoch, logs: m.fit(X, y)])
    sequences = np.zeros((64, 2), int)
    sequences[:, 1] = 2
    with pytest.raises(DataError, match="a class a sample"):
        m.fit(X, sequences, class_weight={0: 1.0, 2: 5.0})


def test_a_layer_in_another_model_keeps_its_name(tmp_path):
    shared = layers.Dense(4)
    first = cr.Sequential([layers.Input((4,)), shared])
    first.save(tmp_path / "m")
    second = cr.Sequential([layers.Input((4,)), layers.Dense(4), shared])
    assert [layer.name for layer in second.layers] == ["dense", "dense_1"]
    first.load_weights(tmp_path / "m")  # of a model in which the layer had another name
    assert cr.load_model(tmp_path / "m").layers[0].name == "dense"


def test_a_model_in_float64_predicts_in_float64_whatever_it_is_given():
    model = cr.Sequential([layers.Activation("softsign"), layers.Dense(1)], dtype="float64", seed=0)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("f4")
    np.testing.assert_array_equal(model.predict(x), model.predict(x.astype("f8")))


def test_samples_that_fit_holds_back_are_scored_without_the_weights_of_classes():
    x, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
    model = cr.Sequential([layers.Dense(2, "softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(x, y, validation_split=0.5, class_weight={0: 9.0, 1: 0.1}, verbose=0)
    np.testing.assert_allclose(history.val_loss, model.evaluate(x[3:], y[3:]), rtol=1e-6)


def test_what_train_on_batch_keeps_is_recorded_anew_when_something_changes(monkeypatch):
    """The same updates as `fit` makes, which records every time."""
    recordings = []
    recorded = RecordedStep.recorded

    def counted(self, *args, **options):
        recordings.append(self)
        return recorded(self, *args, **options)

    monkeypatch.setattr(RecordedStep, "recorded", counted)

    class Scaled(layers.Layer):
        factor = 1.0

        def call(self, x):
            return x * self.factor

    def made():
        scaled = Scaled()
        model = cr.Sequential(
            [layers.Input((4,)), layers.Dense(3), layers.Dense(3), scaled], seed=0
        )
        model.compile(cr.optimizers.SGD(0.1), "mse", ["mae"], engine="numpy")
        return model, scaled

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 4)), rng.normal(size=(8, 3))
    kept, anew = made(), made()
    changes = [
        lambda model, scaled: None,
        lambda model, scaled: setattr(scaled, "factor", 2.0),
        lambda model, scaled: setattr(model.optimizer, "clipnorm", 0.01),
        lambda model, scaled: setattr(model.optimizer, "learning_rate", 0.5),
        lambda model, scaled: setattr(model.layers[0], "trainable", False),
        lambda model, scaled: setattr(model.layers[0], "trainable", True),
        lambda model, scaled: model.compile("adam", "mae", engine="numpy"),
    ]  # fmt: skip
    for change in changes:
        for model, scaled in (kept, anew):
            change(model, scaled)
        for rows in (8, 8, 5, 8):
            kept[0].train_on_batch(X[:rows], y[:rows])
            anew[0].fit(X[:rows], y[:rows], batch_size=rows, shuffle=False, verbose=0)
        for a, b in zip(kept[0].get_weights(), anew[0].get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    before = len(recordings)
    kept[0].train_on_batch(X, y)
    assert len(recordings) == before
    assert not pickle.loads(pickle.dumps(kept[0]._recording_cache))._entries
