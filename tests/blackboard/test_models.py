import numpy as np
import pytest
from tests.blackboard.watching import Watcher

import chainrule as cr
from chainrule._src.blackboard import subjects
from chainrule._src.blackboard.models import sequential
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.session import Session
from chainrule.errors import DataError

layers, rng = cr.layers, np.random.default_rng(0)
X = rng.normal(size=(120, 9)).astype(np.float32)
LABELS = rng.integers(0, 3, 120)


LOGITS = cr.losses.CategoricalCrossentropy(from_logits=True)
ONE = {"outputs": 1, "optimizer": "rmsprop"}
CLASSES = "sparse_categorical_crossentropy"


def model(*more, outputs=3, last="softmax", optimizer="adam", loss=CLASSES):
    found = cr.Sequential(
        [layers.Dense(5, activation="tanh"), *more, layers.Dense(outputs, activation=last)], seed=1
    )
    found.compile(optimizer, loss)
    return found


def test_an_update_is_that_of_fit():
    watched = model(layers.BatchNormalization(), optimizer=cr.optimizers.SGD(0.1, momentum=0.9))
    subject = sequential(watched, X, LABELS)
    other, run = model(layers.BatchNormalization(), optimizer="adam"), ReversibleRun(subject)
    other.compile(cr.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    other.build((None, 9))
    other.set_weights([w.copy() for w in watched.get_weights()])
    data = subject.data
    for _ in range(4):
        run.advance(1)
        other.train_on_batch(*run.last.batch)
    for name, weights in other.params.items():
        np.testing.assert_allclose(run.params[name], weights, rtol=1e-5, atol=1e-6)
    states = dict(zip(subject.parts, run.parts, strict=True))["layers"]
    for name, value in other.states.items():
        np.testing.assert_allclose(states[name], value, rtol=1e-5, atol=1e-6)
    predicted = subject.forward(run.params, data.X_held, *run.parts)
    np.testing.assert_allclose(predicted, other.predict(data.X_held), rtol=1e-4, atol=1e-6)


def test_the_model_stays_as_it_is_and_another_seed_draws_other_weights():
    watched = model(layers.Dropout(0.2))
    subject = sequential(watched, X, LABELS)
    before = [w.copy() for w in watched.get_weights()]
    run = ReversibleRun(subject)
    run.advance(30)
    end = run.params
    run.seek(7)
    run.seek(30)
    assert all(np.array_equal(run.params[name], w) for name, w in end.items())  # dropout too
    assert all(map(np.array_equal, before, watched.get_weights()))
    assert not np.array_equal(end["dense_kernel"], subject.params["dense_kernel"])
    other = subject.make({"seed": 4, "rate": 0.01})
    assert not np.array_equal(other.params["dense_kernel"], subject.params["dense_kernel"])
    assert subject.make({"rate": 0.01}).params is not None
    assert subject.make({"rate": 0.01}).params["dense_kernel"] is subject.params["dense_kernel"]


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize(
    ("how", "y", "classes", "kind"),
    [
        ({}, LABELS, ("0", "1", "2"), "i"),
        ({"last": "linear", "loss": LOGITS}, np.eye(3)[LABELS], ("0", "1", "2"), "i"),
        ({**ONE, "last": "sigmoid", "loss": "binary_crossentropy"}, LABELS == 1, ("0", "1"), "i"),
        ({**ONE, "last": "linear", "loss": "mse"}, X.sum(axis=1), None, "f"),
    ],
    ids=["numbers", "rows", "two", "quantity"],
)  # fmt: skip
def test_targets_of_all_kinds_are_shown(how, y, classes, kind):
    subject = sequential(model(**how), X, y * 1)
    assert subject.data.classes == classes
    assert subject.data.y.dtype.kind == kind
    assert (len(subject.data.X), len(subject.data.X_held)) == (108, 12)
    page = Watcher(Session(subject, engine="compiled"))
    try:
        (setup, _), *_ = page.ask("hello")
        unit = {"name": "dense", "weights": "dense_kernel", "bias": "dense_bias"}
        assert setup["units"] == [{**unit, "out": "dense_1_kernel"}]
        first = page.frame("step", count=300)
        header, arrays = page.frame("seek", update=300)
        assert header["held_loss"] < first[0]["loss"] * 2
        found = subject.forward(
            {n[2:]: a for n, a in arrays.items() if n[:2] == "p:"}, subject.data.X_held
        )
        if classes is None:
            np.testing.assert_allclose(arrays["value"], found, rtol=1e-5)
        else:
            assert 0 <= found.min() <= found.max() <= 1
    finally:
        page.session.close()


def test_pictures_are_laid_flat_and_back():
    made = cr.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)], seed=0)
    falling = cr.optimizers.SGD(cr.schedules.CosineDecay(0.1, 50))
    made.compile(falling, cr.losses.SparseCategoricalCrossentropy(from_logits=True))
    subject = sequential(made, X.reshape(-1, 3, 3, 1), LABELS)
    assert subject.data.image == (3, 3)
    run = ReversibleRun(subject)
    run.advance(3)
    np.testing.assert_allclose(
        subject.forward(made.params, subject.data.X_held).sum(axis=1), 1, rtol=1e-5
    )
    assert not subject.units
    assert subject.slopes is None


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(DataError, match=r"model\.compile"):
        sequential(cr.Sequential([layers.Dense(3)]), X, LABELS)
    with pytest.raises(DataError, match="an output for each class, or a single one"):
        sequential(model(last="linear", loss="mse"), X, X[:, :3])


@pytest.mark.parametrize("optimizer", subjects.CHOICES["optimizer"])
def test_every_optimizer_of_the_lab_is_compiled(optimizer):
    subject = subjects.network(subjects.digits(), {"optimizer": optimizer, "layers": []})
    assert ReversibleRun(subject, "compiled").advance(3)[0] == 3
