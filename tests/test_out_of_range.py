"""A class number or an index that is out of range is refused by every engine, with its row."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule.errors import DataError
from tests.interpreter import interpreted

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))
Y = RNG.integers(0, 3, 40)
W = RNG.normal(size=(4, 3))
CROSSENTROPY = cr.losses.SparseCategoricalCrossentropy(from_logits=True)
LOSSES = {
    "one_hot": lambda w, X, y: cr.nll(cr.one_hot(3, y), cr.softmax(X @ w)),
    "sparse crossentropy": lambda w, X, y: CROSSENTROPY(y, X @ w),
    "own index": lambda w, X, y: -np.mean(cr.functions.log_softmax(X @ w)[np.arange(len(y)), y]),
    "take": lambda w, X, y: np.mean((X @ w) ** 2) + np.mean(np.take(w, y, axis=1)),
    "take_along_axis": lambda w, X, y: -np.mean(np.take_along_axis(X @ w, y[:, None], 1)),
    "embedded": lambda w, X, y: np.mean(w[y] ** 2) + np.mean(X),
}
NUMPYS_OWN = ("own index", "take", "take_along_axis", "embedded")  # −1 counts from the end there
ENGINES = ["numpy", "compiled"]


def wrong(row, value):
    y = Y.copy()
    y[row] = value
    return y


@pytest.mark.sampled(quick=9)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("batch_size", [1, 8, 40])
def test_minimize(engine, name, batch_size):
    for row in (0, 5, 33):
        for value in (-1, 4) if name not in NUMPYS_OWN else (4,):
            with (
                interpreted(),
                pytest.raises(DataError, match=rf"(?<!\S){value}\b.* in row {row}$"),
            ):
                cr.minimize(
                    LOSSES[name], W, X, wrong(row, value), engine=engine, seed=0, epochs=2,
                    batch_size=batch_size,
                )  # fmt: skip


@pytest.mark.parametrize("name", NUMPYS_OWN)
def test_numpys_own_indices_count_from_the_end(name):
    found = []
    for engine in ENGINES:
        with interpreted():
            found.append(cr.minimize(LOSSES[name], W, X, wrong(5, -1), engine=engine, seed=0)[0])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_labels_from_one_on(engine):
    y = 1 + np.arange(40) % 3
    with interpreted(), pytest.raises(DataError, match="from 0 to 2, received 3 in row"):
        cr.minimize(LOSSES["one_hot"], W, X, y, engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_labels_that_are_no_whole_numbers(engine):
    y = Y.astype(float)
    y[21] = 1.5
    with interpreted(), pytest.raises(DataError, match=r"received 1\.5 in row 21"):
        cr.minimize(LOSSES["sparse crossentropy"], W, X, y, engine=engine)


def test_labels_of_a_validation():
    for engine in ENGINES:
        with interpreted(), pytest.raises(DataError, match="received 7 in row 2"):
            cr.minimize(
                LOSSES["one_hot"],
                W,
                X,
                Y,
                engine=engine,
                validation_data=(X[:4], np.array([0, 1, 7, 0])),
            )


def test_jit():
    f = cr.jit(LOSSES["one_hot"])
    assert f(W, X, Y) == pytest.approx(LOSSES["one_hot"](W, X, Y))
    with pytest.raises(DataError, match="received -1 in row 5"):
        f(W, X, wrong(5, -1))


def classifier(engine):
    model = cr.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"], engine=engine)
    return model


@pytest.fixture
def on_disk(tmp_path):
    def kept(name, array):
        file = np.memmap(tmp_path / name, array.dtype, "w+", shape=array.shape)
        file[:] = array
        return file

    return kept


@pytest.mark.parametrize("engine", ENGINES)
def test_a_model(engine, on_disk):
    def batches(y):
        return lambda: ((X[i : i + 8], y[i : i + 8]) for i in range(0, 40, 8))

    for value in (-1, 3):
        y = wrong(33, value)
        supplies = {"33": (X, y), "33 ": (on_disk("X", X), on_disk("y", y)), "1": (batches(y),)}
        for row, data in supplies.items():
            for call in ("fit", "evaluate"):
                with interpreted(), pytest.raises(DataError, match=rf" {value}\b") as error:
                    getattr(classifier(engine), call)(*data, verbose=0)
                assert f"row {row.strip()}" in str(error.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_embedding_inside(engine):
    class Doubled(layers.Layer):
        def call(self, x):
            return x * 2

    def made():
        model = cr.Sequential(
            [layers.Input((2,)), Doubled(), layers.Embedding(6, 3), layers.Flatten(),
             layers.Dense(1)],
            seed=0,
        )  # fmt: skip
        model.compile("sgd", "mse", engine=engine)
        return model

    things = RNG.integers(0, 3, (40, 2)).astype(np.float32)
    with interpreted():
        made().fit(things, X[:, 0], verbose=0)
    for value in (-1, 3):
        bad = things.copy()
        bad[9, 1] = value
        pattern = re.escape(f"received {2.0 * value} in row 9")
        for call, data in (
            ("fit", (bad, X[:, 0])),
            ("evaluate", (bad, X[:, 0])),
            ("predict", (bad,)),
        ):
            with interpreted(), pytest.raises(DataError, match=pattern):
                getattr(made(), call)(*data, verbose=0)


def test_what_is_ignored_may_be_anything():
    loss = cr.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    found = []
    for engine in ENGINES:
        with interpreted():
            found.append(
                cr.minimize(
                    lambda w, X, y: loss(y, X @ w), W, X, wrong(5, -1), engine=engine, seed=0
                )[0]
            )
        with interpreted(), pytest.raises(DataError, match="received -2 in row 5"):
            cr.minimize(lambda w, X, y: loss(y, X @ w), W, X, wrong(5, -2), engine=engine)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)
