"""Histories and scores of drawn configurations of `fit` and `evaluate`, with Keras as the judge."""

import functools
import warnings

import keras
import numpy as np
import pytest

import chainrule as cr
from chainrule import keras as own
from chainrule._src.nn.losses import operands
from chainrule.callbacks import Callback

RNG = np.random.default_rng(3)
X = RNG.normal(size=(70, 3)).astype("f4")
VALUES = RNG.normal(size=(70, 2)).astype("f4")
SHARES = (RNG.dirichlet(np.ones(3), 70) * 0.9 + 0.03).astype("f4")
LABELS = RNG.integers(3, size=70)
ONE_HOT = np.eye(3, dtype="f4")[LABELS]
SIGNS = RNG.choice([-1.0, 1.0], (70, 2)).astype("f4")
BITS = RNG.integers(2, size=(70, 1)).astype("f4")
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight")

# Targets, the activation on top, and the losses and metrics that fit them.
KINDS = {
    "values": (VALUES, None, ["MeanSquaredError", "MeanAbsoluteError", "Huber", "LogCosh"],
               ["mse", "mae", "RootMeanSquaredError", "R2Score", "cosine_similarity"]),
    "shares": (SHARES, "softmax", ["KLDivergence", "CategoricalCrossentropy", "Poisson"],
               ["kl_divergence", "poisson", "mape", "msle"]),
    "labels": (LABELS, "softmax", ["SparseCategoricalCrossentropy"],
               ["accuracy", "sparse_categorical_crossentropy"]),
    "one-hot": (ONE_HOT, "softmax", ["CategoricalCrossentropy", "CategoricalFocalCrossentropy"],
                ["accuracy", "AUC", "Precision", "top_k_categorical_accuracy"]),
    "signs": (SIGNS, "tanh", ["Hinge", "SquaredHinge"],
              ["hinge", "squared_hinge", "categorical_hinge"]),
    "bits": (BITS, "sigmoid", ["BinaryCrossentropy", "BinaryFocalCrossentropy", "Hinge"],
             ["accuracy", "Recall", "hinge", "binary_crossentropy"]),
}  # fmt: skip


def drawn(seed):
    """Return a configuration: a function from a library to its model, and arguments."""
    rng = np.random.default_rng(seed)
    y, activation, losses, metrics = KINDS[list(KINDS)[seed % len(KINDS)]]
    loss, reduction = rng.choice(losses), rng.choice(REDUCTIONS)
    chosen = [str(name) for name in rng.permutation(metrics)[: rng.integers(0, 3)]]
    weighted = [str(name) for name in rng.permutation(metrics)[: rng.integers(0, 2)]]
    weights = rng.uniform(0.2, 2, 70).astype("f4") if rng.random() < 0.5 else None
    rate = float(rng.choice([0.0, 0.01]))
    start = [rng.uniform(-0.5, 0.5, (3, y.shape[-1] if y.ndim > 1 else 3)), np.zeros(1)]
    start = [start[0].astype("f4"), np.zeros(start[0].shape[1], "f4")]
    fit = {"batch_size": int(rng.integers(1, 80)), "epochs": 2, "shuffle": False, "verbose": 0}
    if rng.random() < 0.3:
        fit["steps_per_epoch"] = int(rng.integers(1, 4))
    if rng.random() < 0.5:
        fit["validation_split"] = 0.4
    if rng.random() < 0.3:
        fit["validation_batch_size"] = int(rng.integers(1, 40))
    if weights is not None:
        fit["sample_weight"] = weights
    score = {"verbose": 0, "sample_weight": weights, "return_dict": True}
    if rng.random() < 0.7:
        score["batch_size"] = int(rng.integers(1, 80))

    def model_of(module):
        layer = module.layers.Dense(start[0].shape[1], activation=activation)
        model = module.Sequential([module.layers.Input((3,)), layer])
        model.set_weights(start)
        model.compile(
            module.optimizers.SGD(rate),
            getattr(module.losses, loss)(reduction=str(reduction)),
            metrics=chosen,
            weighted_metrics=weighted,
        )
        return model

    return model_of, y, fit, score


@pytest.mark.parametrize("seed", range(12))
def test_history_and_scores_are_those_of_keras(seed):
    model_of, y, fit, score = drawn(seed)
    found = []
    for module in (keras, cr):
        model = model_of(module)
        with warnings.catch_warnings():  # Keras says that a pass is over where steps are given
            warnings.simplefilter("ignore", UserWarning)
            history = model.fit(X, y, **fit).history
            found.append((history, model.evaluate(X, y, **score)))
    (theirs, scores), (ours, mine) = found
    assert list(ours) == sorted(theirs, key=list(ours).index)
    assert set(mine) == set(scores)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=2e-4, atol=1e-5, err_msg=name)
    for name, value in scores.items():
        np.testing.assert_allclose(mine[name], value, rtol=2e-4, atol=1e-5, err_msg=name)


def of_both(run):
    """Return what both libraries give for the same model and data."""
    found = []
    for module in (keras, cr):
        model = module.Sequential([module.layers.Input((3,)), module.layers.Dense(2)])
        model.set_weights([np.full((3, 2), 0.1, "f4"), np.zeros(2, "f4")])
        model.compile(module.optimizers.SGD(0.01), "mse", metrics=["mae"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            found.append(run(module, model))
    return found


@pytest.mark.parametrize(("size", "steps"), [(8, 1), (16, 2), (16, 4), (70, 2)])
def test_steps_go_on_through_the_data(size, steps):
    def run(module, model):
        options = {"batch_size": size, "steps_per_epoch": steps, "shuffle": False, "verbose": 0}
        return model.fit(X, VALUES, epochs=7, **options).history

    theirs, ours = of_both(run)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-5, err_msg=name)


EVENTS = [name for name in dir(keras.callbacks.Callback) if name.startswith("on_")]
OLDER = {"on_batch_begin": "on_train_batch_begin", "on_batch_end": "on_train_batch_end"}
TOLD = [name for name in EVENTS if name not in OLDER]


def noted(module, events):
    """Return a callback that notes what it is told of."""
    heard = []

    def note(name):
        def method(self, *args, logs=None):
            given = logs or next((each for each in args if isinstance(each, dict)), {})
            heard.append((name, *(n for n in args if isinstance(n, int)), *sorted(given)))

        return method

    return heard, type("Noted", (module.callbacks.Callback,), {n: note(n) for n in events})()


def heard_by(module, events):
    heard, callback = noted(module, events)
    model = module.Sequential([module.layers.Input((3,)), module.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae"])
    held = (X[:40], VALUES[:40])
    model.fit(X, VALUES, epochs=2, validation_data=held, callbacks=[callback], verbose=0)
    model.evaluate(X, VALUES, callbacks=[callback], verbose=0)
    model.predict(X, batch_size=32, callbacks=[callback], verbose=0)
    return heard


@functools.cache
def heard_by_keras():
    return heard_by(keras, TOLD)


@pytest.mark.parametrize("events", [TOLD, *([name] for name in TOLD)], ids=str)
def test_callbacks_hear_what_they_hear_in_keras(events):
    ours = heard_by(cr, events)
    assert ours == [event for event in heard_by_keras() if event[0] in events]
    assert ours


@pytest.mark.parametrize("name", OLDER)
def test_older_names_of_events_are_heard(name):
    older = [event[1:] for event in heard_by(cr, [name])]
    assert older == [event[1:] for event in heard_by_keras() if event[0] == OLDER[name]]


def test_training_ends_in_the_middle_of_an_epoch_as_in_keras():
    def run(module, model):
        class Stop(module.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                self.model.stop_training = batch == 1

        options = {"batch_size": 16, "shuffle": False, "verbose": 0, "callbacks": [Stop()]}
        history = model.fit(X, VALUES, epochs=3, **options).history
        return {**history, "weights": np.asarray(model.get_weights()[0])}

    theirs, ours = of_both(run)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-5, err_msg=name)


def test_a_run_that_ends_with_nan_has_the_history_of_keras():
    def run(module, model):
        model.optimizer.learning_rate = 1e30
        callbacks = [module.callbacks.TerminateOnNaN()]
        return model.fit(X, VALUES, epochs=4, validation_split=0.2, verbose=0,
                         callbacks=callbacks).history  # fmt: skip

    theirs, ours = of_both(run)
    assert set(ours) == set(theirs)
    assert {name: len(values) for name, values in ours.items()} == {
        name: len(values) for name, values in theirs.items()
    }
    assert not np.isfinite([*ours["loss"], *theirs["loss"]]).any()


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
@pytest.mark.parametrize("name", ["MeanSquaredError", "Hinge", "CategoricalCrossentropy"])
def test_values_that_are_not_reduced_have_the_shape_of_keras(name, shape):
    y, p, w = ONE_HOT[:6], SHARES[:6], RNG.uniform(0.5, 2, shape).astype("f4")
    theirs, ours = (
        np.asarray(getattr(module.losses, name)(reduction="none")(y, p, sample_weight=w))
        for module in (keras, cr)
    )
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("aggregation", [None, "uniform_average", "variance_weighted_average"])
@pytest.mark.parametrize("regressors", [0, 2])
def test_r2_has_the_shape_and_value_of_keras(outputs, aggregation, regressors):
    rng = np.random.default_rng(outputs)
    y = rng.normal(size=(20, outputs)).astype("f4")
    p = y + rng.normal(size=y.shape).astype("f4")
    theirs, ours = (
        np.asarray(
            module.metrics.R2Score(class_aggregation=aggregation, num_regressors=regressors)(y, p)
        )
        for module in (keras, cr)
    )
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.mark.parametrize("name", ["hinge", "squared_hinge", "kl_divergence", "poisson", "mse"])
def test_targets_of_one_axis_score_as_those_of_two_in_keras(name):
    """Keras's own compares each sample of (n,) with every other, (n, n) numbers; ours does not."""

    def run(module, model):
        model = module.Sequential(
            [module.layers.Input((3,)), module.layers.Dense(1, activation="sigmoid")]
        )
        model.set_weights([np.full((3, 1), 0.2, "f4"), np.zeros(1, "f4")])
        model.compile("sgd", "mse", metrics=[name])
        return model.evaluate(X, BITS if module is keras else BITS[:, 0], verbose=0)

    np.testing.assert_allclose(*of_both(run), rtol=1e-4)


def test_checkpoints_make_their_folder(tmp_path):
    def run(module, model):
        suffix = "keras" if module is keras else "safetensors"
        path = tmp_path / module.__name__ / "{epoch}" / f"m.{suffix}"
        saving = module.callbacks.ModelCheckpoint(str(path))
        model.fit(X, VALUES, epochs=2, verbose=0, callbacks=[saving])
        return sorted(str(p.parent.name) for p in (tmp_path / module.__name__).glob("*/*"))

    theirs, ours = of_both(run)
    assert ours == theirs == ["1", "2"]


def test_a_callback_of_ours_has_every_event_of_keras():
    assert set(EVENTS) <= set(dir(Callback))


def test_clipped_probabilities_train_as_keras_does_on_this_backend(monkeypatch):
    monkeypatch.setattr(operands, "CLIPS_PROBABILITIES", [True])
    far = 200 * np.random.default_rng(0).normal(size=(40, 4)).astype("f4")
    labels, histories, start = np.arange(40) % 3, [], None
    for k in (keras, own):
        layers = [k.Input((4,)), k.layers.Dense(8, activation="relu")]
        model = k.Sequential([*layers, k.layers.Dense(3, activation="softmax")])
        if start is None:
            rng = np.random.default_rng(1)
            start = [rng.normal(size=weight.shape).astype("f4") for weight in model.weights]
        model.set_weights(start)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        histories.append(model.fit(far, labels, epochs=2, shuffle=False, verbose=0).history)
    np.testing.assert_allclose(histories[1]["loss"], histories[0]["loss"], rtol=1e-4)
    assert histories[0]["loss"][0] > 7  # most of the probabilities are clipped
