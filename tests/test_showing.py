"""Everything public has a short repr of one line, and is pickled or refuses by name."""

import importlib
import pickle
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule._src.base.showing import LONGEST, Shown, short
from chainrule.lab import LogisticRegression, NeuralNet
from chainrule.tables import open_table, training_data

ROOMS = (
    "callbacks", "initializers", "layers", "losses", "metrics", "optimizers", "regularizers",
    "schedules",
)  # fmt: skip
ARGUMENTS = (
    (), ("loss",), ("a.csv",), (0.1,), (2,), (2, 2), (0.1, 10), (0.1, 10, 0.5), (2, 3),
    (2, [0]), ([1, 2], [0.1, 0.2, 0.3]), (np.tanh,), ((2, 1),), (layers.LSTMCell(2),),
    ([layers.LSTMCell(2)],), (layers.LSTM(2),), ([layers.Scale()], [2]),
    ([[layers.Scale()]],),
)  # fmt: skip


def loss(w, X):
    return np.mean((X @ w) ** 2)


def wrong_gradient(w, X):
    return w


def schedule(epoch):
    return 0.1


def instances():
    """Yield an instance of every public class of the rooms, made with few arguments."""
    for room in ROOMS:
        module = importlib.import_module(f"chainrule.{room}")
        for name, cls in vars(module).items():
            if isinstance(cls, type) and issubclass(cls, Shown) and name[0] != "_":
                yield f"{room}.{name}", made(cls)
    yield "callbacks.LearningRateScheduler", cr.callbacks.LearningRateScheduler(schedule)


def made(cls):
    for arguments in ARGUMENTS:
        try:
            return cls(*arguments)
        except (cr.ChainruleError, TypeError):
            continue
    raise AssertionError(f"no example of {cls.__name__}")


def things():
    w, X = np.arange(3.0), np.ones((5, 3))
    network = [layers.Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(2)]
    model = cr.Sequential(network, seed=0)
    model.compile(loss="mse")
    yield from instances()
    yield "model", model
    yield "deep model", cr.Sequential([layers.Dense(8, activation="tanh") for _ in range(40)])
    yield "model without layers", cr.Sequential()
    yield "history", model.fit(X, np.ones((5, 2)), epochs=40)
    yield "NeuralNet", NeuralNet(64, (10, 10), 10, seed=0)
    yield "LogisticRegression", LogisticRegression(64, 10, seed=0)
    yield "trace", cr.trace(cr.value_and_grad(loss))(w, X)
    yield "variable", next(cr.trace(loss)(w, X).inputs)
    yield "equation", cr.trace(loss)(w, X).equations[0]
    yield "report", cr.check_gradients(loss, wrong_gradient)(w, X)
    yield "digits", cr.data.load_digits()
    yield "table", open_table("wine")
    yield "training data", training_data(open_table("wine"))
    yield "jit of a model", cr.jit(model)
    for maker in (cr.grad, cr.value_and_grad, cr.jacobian, cr.hessian, cr.hvp, cr.jit, cr.trace,
                  cr.source):  # fmt: skip
        yield maker.__name__, maker(loss)
    yield "source of a kernel", cr.source(loss, "kernel", batch_size=1)


@pytest.fixture(scope="module")
def found():
    return dict(things())


def test_a_repr_is_a_short_line_that_names_its_class(found):
    assert len(found) > 100
    for name, thing in found.items():
        text = repr(thing)
        assert len(text) <= LONGEST + 20, name
        assert not re.search(r"\n|\bat 0x|object at", text), name
        assert type(thing).__name__ in text or name.split()[0] in text, name


def test_a_pickled_copy_is_the_same(found):
    for name, thing in found.items():
        assert repr(pickle.loads(pickle.dumps(thing))) == repr(thing), name


@pytest.mark.parametrize("maker", [cr.grad, cr.value_and_grad, cr.hessian, cr.jit, cr.trace])
def test_a_pickled_function_gives_the_same_numbers(maker):
    w, X = np.arange(3.0), np.arange(15.0).reshape(5, 3)
    f = maker(loss)
    copied = pickle.loads(pickle.dumps(f))
    expected, received = f(w, X), copied(w, X)
    if maker is cr.trace:
        expected, received = expected(w, X), pickle.loads(pickle.dumps(received))(w, X)
    np.testing.assert_equal(received, expected)


def test_a_jitted_model_predicts_the_same_after_pickling():
    model = cr.Sequential([layers.Input((3,)), layers.Dense(2)], seed=0)
    X = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(cr.jit(model)))(X), cr.jit(model)(X))


def test_what_cannot_be_pickled_is_named():
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(cr.grad(lambda x: x**2))


def test_only_what_differs_from_the_defaults_is_shown():
    assert repr(cr.callbacks.EarlyStopping(patience=3)) == "EarlyStopping(patience=3)"
    assert repr(NeuralNet(4, 3, 2)) == "NeuralNet(input_size=4, hidden_size=3, output_size=2)"
    assert repr(layers.Activation(np.tanh)) == "Activation(activation=tanh)"
    assert repr(cr.grad(loss, 1)) == "grad(loss, 1)"
    kernel = cr.source(loss, "kernel", batch_size=1)
    assert repr(kernel) == "source(loss, 'kernel', optimizer='sgd', batch_size=1)"
    assert repr(cr.Sequential([layers.Input((3,)), layers.Dense(2)])) == (
        "Sequential([Input(shape=(3,)), Dense(units=2)])"
    )


def test_long_things_are_cut():
    assert short({"W": np.zeros((64, 10))}) == "{'W': float64 (64, 10)}"
    assert len(short([["x" * 1000] * 1000] * 1000)) <= LONGEST


def test_a_derived_function_keeps_being_a_method():
    class Problem:
        def loss(self, w):
            return np.sum(w**2)

        slope = cr.grad(loss, 1)

    np.testing.assert_array_equal(Problem().slope(np.ones(2)), [2.0, 2.0])
