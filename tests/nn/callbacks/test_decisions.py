"""What callbacks decide from scores."""

from types import SimpleNamespace

import numpy as np
import pytest

import chainrule as cr
from chainrule import callbacks


class Model:
    """What a callback sees of a model; it notes what is done to it."""

    def __init__(self):
        self.optimizer = SimpleNamespace(learning_rate=1.0)
        self.stop_training, self.epoch, self.done = False, -1, []

    def get_config(self):
        return {}

    def get_weights(self):
        return [np.array(self.epoch)]

    def set_weights(self, weights):
        self.done.append(("weights", int(weights[0])))

    def save(self, path, **options):
        self.done.append(("save", str(path)))


def replayed(callback, scores, name="val_loss"):
    """Return what a callback makes of scores, epoch by epoch."""
    model = Model()
    callback.set_model(model)
    callback.on_train_begin()
    seen = []
    for model.epoch, score in enumerate(scores):
        callback.on_epoch_begin(model.epoch)
        logs = {"accuracy": 0.5} if score is None else {name: score}
        callback.on_epoch_end(model.epoch, logs)
        if isinstance(callback, callbacks.Callback):
            callback.on_epoch_kept(model.epoch, logs)
        rate = model.optimizer.learning_rate
        seen.append((model.stop_training, rate, logs.get("learning_rate"), list(model.done)))
        if model.stop_training:
            break
    callback.on_train_end()
    return seen, model.done


@pytest.mark.parametrize(
    ("monitor", "worse", "better"),
    [("val_loss", 2.0, 1.0), ("accuracy", 0.1, 0.9), ("val_auc", 0.1, 0.9), ("mae", 2.0, 1.0),
     ("f1_score", 0.1, 0.9), ("gradient_norm", 2.0, 1.0), ("false_positives", 9, 1)],
)  # fmt: skip
def test_the_name_of_a_score_tells_which_way_is_better(monitor, worse, better):
    improving, _ = replayed(callbacks.EarlyStopping(monitor), [worse, better], monitor)
    worsening, _ = replayed(callbacks.EarlyStopping(monitor), [better, worse], monitor)
    assert not improving[-1][0]
    assert worsening[-1][0]


def test_a_name_that_does_not_tell_is_refused():
    with pytest.raises(cr.errors.DataError, match="mode='max' or 'min'"):
        callbacks.EarlyStopping("quality").set_model(Model())


def test_the_class_of_a_metric_tells_where_its_name_does_not():
    model = cr.Sequential([])
    model.compile("sgd", "mse", metrics=[cr.metrics.R2Score(name="quality")])
    stopping = callbacks.EarlyStopping("val_quality")
    stopping.set_model(model)
    assert stopping.improves(0.9, 0.8)


def test_an_unknown_mode_is_automatic_with_a_warning():
    with pytest.warns(UserWarning, match="mode 'lowest' is unknown"):
        assert callbacks.EarlyStopping("loss", mode="lowest").improves(0.1, 0.2)


def test_of_several_best_epochs_the_last_one_is_restored():
    scores = iter([0.5, 0.8, 0.8, 0.7])

    def score(epoch, logs):
        logs["val_accuracy"] = next(scores)
        weights.append(model.get_weights()[0].copy())

    weights, best = [], callbacks.BestWeights("val_accuracy")
    model = cr.Sequential([cr.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    watching = [callbacks.LambdaCallback(on_epoch_end=score), best]
    model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=4, callbacks=watching, verbose=0)
    assert (best.best, best.best_epoch) == (0.8, 2)
    np.testing.assert_array_equal(model.get_weights()[0], weights[2])
    assert not np.array_equal(weights[1], weights[2])
