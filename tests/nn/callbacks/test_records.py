"""What callbacks write down, and when they are called."""

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.nn import callbacks
from chainrule.lab import NeuralNet

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 4)).astype("f4"), RNG.integers(3, size=50)


def model(**options):
    made = cr.Sequential(
        [cr.layers.Dense(5, activation="sigmoid"), cr.layers.Dense(3, activation="softmax")],
        seed=0,
        **options,
    )
    made.compile(cr.optimizers.SGD(0.1), "sparse_categorical_crossentropy", engine="numpy")
    return made


def fitted(*watching, **options):
    made = model()
    made.fit(X, Y, verbose=0, callbacks=list(watching), **{"epochs": 2, **options})
    return made


def events(folder):
    """Return the scalars in a folder's event files, each record with a length and two sums."""
    from tensorboardX.proto.event_pb2 import Event  # and with it PyTorch

    found = []
    for path in folder.glob("*"):
        content = path.read_bytes()
        while content:
            length = int.from_bytes(content[:8], "little")
            event = Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            found += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
    return found


@pytest.mark.thorough  # another library reads its file
def test_tensorboard_gets_every_score_and_the_weights(tmp_path):
    board = callbacks.TensorBoard(tmp_path, histogram_freq=2)
    made = fitted(board, validation_split=0.2, epochs=3)
    scores = made.history.history
    for part, name in (("train", "loss"), ("validation", "val_loss")):
        values = [v for tag, _, v in sorted(events(tmp_path / part)) if tag == "epoch_loss"]
        np.testing.assert_allclose(values, scores[name], rtol=1e-6)
    weights = [(tag, step) for tag, step, _ in events(tmp_path / "train") if "kernel" in tag]
    assert sorted(weights) == [
        (name, step) for name in ("dense_1_kernel", "dense_kernel") for step in (0, 2)
    ]


# The lab's exercise


def test_the_norm_is_that_of_the_mean_gradient_derived_by_hand():
    net = NeuralNet(4, 5, 3, seed=0)
    made = model(dtype="float64")
    made.build((None, 4))
    made.set_weights([net.W_h, net.b_h, net.W_o, net.b_o])
    history = made.fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.GradientNorms()]).history
    net.W_h, net.b_h, net.W_o, net.b_o = made.get_weights()
    by_hand = net.grad_loss(X, Y)
    squares = [np.sum(gradient**2) for gradient in by_hand.values()]
    assert history["gradient_norm"][-1] == pytest.approx(np.sqrt(sum(squares)), rel=1e-6)
    kernel = np.linalg.norm(by_hand["W_h"])
    assert history["gradient_norm_dense_kernel"][-1] == pytest.approx(kernel, rel=1e-6)


def test_norms_of_other_samples_than_those_trained_on():
    made = fitted(callbacks.GradientNorms(X[:10], Y[:10]))
    squares = [np.sum(g**2) for g in made.gradients(X[:10], Y[:10]).values()]
    assert made.history.gradient_norm[-1] == pytest.approx(np.sqrt(sum(squares)), rel=1e-5)


# When they are called


class Diary(callbacks.Callback):
    def __init__(self):
        self.events = []


def noted(event):
    def note(self, *args, logs=None):
        self.events.append((event, *[arg for arg in args if isinstance(arg, int)]))

    return note


for name in callbacks.callback.EVENTS:
    if name not in ("on_divergence", "on_progress"):
        setattr(Diary, name, noted(name))


def test_the_last_batch_knows_the_loss_of_the_epoch():
    losses = []
    note = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: losses.append(logs))
    made = fitted(note)
    assert [losses[i]["loss"] for i in (1, 3)] == pytest.approx(made.history.loss, rel=1e-6)


def test_a_plain_function_sees_epochs_and_ends_training():
    seen = []

    def watch(epoch, logs):
        seen.append((epoch, logs["loss"]))
        return epoch == 1

    made = fitted(watch, epochs=9)
    assert [loss for _, loss in seen] == made.history.loss
    assert [epoch for epoch, _ in seen] == [0, 1]


def test_a_rate_set_in_an_epoch_is_that_of_the_next_update():
    def stop(batch, logs):
        if batch == 0:
            made.optimizer.learning_rate = 0.0
            after_first.append(made.params)

    made, after_first = model(), []
    made.fit(X, Y, verbose=0, callbacks=[callbacks.LambdaCallback(on_train_batch_end=stop)])
    for name, weight in made.params.items():
        np.testing.assert_array_equal(weight, after_first[0][name])


@pytest.mark.parametrize("quiet", [False, True])
def test_a_loss_that_is_no_number_ends_training(capsys, quiet):
    made = cr.Sequential([cr.layers.Dense(1)], seed=0)
    made.compile(cr.optimizers.SGD(1e30), "mse", engine="numpy")
    watching = [callbacks.TerminateOnNaN()] if quiet else []
    diary = Diary()
    if quiet:
        made.fit(X, Y, epochs=5, verbose=0, callbacks=[*watching, diary])
        assert "Training ends: fit: the loss became NaN or infinite" in capsys.readouterr().out
    else:
        with pytest.raises(cr.errors.DivergenceError, match="epoch 1"):
            made.fit(X, Y, epochs=5, verbose=0, callbacks=[diary])
    assert diary.events[-1] == ("on_train_end",)
    assert all(np.isfinite(w).all() for w in made.get_weights())


def test_a_history_among_the_callbacks_is_the_models():
    history = callbacks.History()
    made = fitted(callbacks.CallbackList([[history]]), epochs=2)
    assert made.history is history
    assert [len(history.loss), history.epoch] == [2, [0, 1]]
    made.fit(X, Y, verbose=0, callbacks=history)
    assert [len(history.loss), history.epoch] == [3, [0]]  # as in Keras


def test_the_history_is_in_the_order_of_names():
    made = model()
    made.compile("sgd", made.loss, metrics=["sparse_categorical_crossentropy", "accuracy"])
    made.fit(X, Y, verbose=0, validation_split=0.5)
    names = ["accuracy", "loss", "sparse_categorical_crossentropy"]
    assert list(made.history.history) == [*names, *[f"val_{name}" for name in names]]


def test_what_is_known_of_a_run_is_told_as_in_keras():
    seen = {}

    class Told(callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen["fit"] = self.params

        def on_test_begin(self, logs=None):
            seen["evaluate"] = self.params

        def on_predict_begin(self, logs=None):
            seen["predict"] = self.params

    made = fitted(Told(), epochs=2)
    made.evaluate(X, Y, callbacks=[Told()])
    made.predict(X, callbacks=[Told()], batch_size=len(X))
    seen = {call: [p["epochs"], p["verbose"], p["steps"]] for call, p in seen.items()}
    assert seen["fit"][:2] == [2, 0]
    assert (seen["evaluate"][0], seen["predict"]) == (1, [1, "auto", 1])


def test_a_missing_callback_is_named_with_what_to_write():
    with pytest.raises(AttributeError, match=r"no 'RemoteMonitor'; .*LambdaCallback"):
        callbacks.RemoteMonitor  # noqa: B018


def test_what_tensorboard_lacks_is_warned_of(tmp_path):
    callbacks.TensorBoard(tmp_path, write_graph=False, update_freq="epoch")
    with pytest.warns(UserWarning, match="profile_batch has no counterpart"):
        callbacks.TensorBoard(tmp_path, profile_batch=(2, 5))


def test_a_divergence_may_be_raised_all_the_same():
    made = cr.Sequential([cr.layers.Dense(1)], seed=0)
    made.compile(cr.optimizers.SGD(1e30), "mse", engine="numpy")
    with pytest.raises(RuntimeError, match="became NaN"):
        made.fit(X, Y, epochs=5, callbacks=callbacks.TerminateOnNaN(raise_error=True))


def test_callbacks_hear_of_as_many_batches_as_are_predicted():
    heard = []
    hears = callbacks.LambdaCallback(on_predict_batch_end=lambda *event: heard.append(event))
    made = fitted(epochs=1)
    assert len(made.predict(X, steps=1, callbacks=hears)) == len(made.predict(X, steps=1)) == 32
    assert [(batch, len(logs["outputs"])) for batch, logs in heard] == [(0, 32)]
    assert hears.params["steps"] == 1
