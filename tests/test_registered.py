"""Functions and classes of one's own, known by their names."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import keras
from chainrule._src.base.config import made, plain
from chainrule._src.base.registered import known_as, name_of, register, registered
from chainrule.errors import DataError, FileError

X = np.linspace(-1, 1, 24, dtype="f4").reshape(8, 3)


def bent(x):
    return np.where(x > 0, x, x / 8)


def fourth_power(y_true, y_pred):
    return np.mean((y_true - y_pred) ** 4, axis=-1)


def shrink(w):
    return 0.5 * w


def model():
    options = {"kernel_regularizer": fourth_norm, "kernel_constraint": shrink}
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, bent, **options), keras.layers.Lambda(bent)]
    )


def fourth_norm(w):
    return np.sum(w**4)


OWN = {f.__name__: f for f in (bent, fourth_power, fourth_norm, shrink)}


@pytest.mark.parametrize("registered", [True, False])
def test_functions_of_ones_own_come_back_from_a_file(tmp_path, registered):
    for function in OWN.values() if registered else ():
        register("mine")(function)
    first = model()
    first.compile("adam", fourth_power, metrics=[fourth_power, "mae"])
    first.fit(X, X[:, [0, 0, 1, 2]], epochs=2, verbose=0)
    first.save(tmp_path / "own.keras")
    again = keras.models.load_model(tmp_path / "own.keras", None if registered else OWN)
    scores = [each.fit(X, X[:, [0, 0, 1, 2]], verbose=0).history for each in (first, again)]
    assert scores[0] == scores[1]
    assert list(scores[0]) == ["fourth_power", "loss", "mae"]
    np.testing.assert_array_equal(first.predict(X), again.predict(X))


def test_what_is_not_registered_is_refused_by_name(tmp_path):
    path = tmp_path / "own.keras"
    first = cr.Sequential([cr.layers.Input((3,)), cr.layers.Dense(4)])
    first.compile("adam", fourth_power)
    first.save(path)
    with pytest.raises(FileError, match=r"no function 'fourth_power' here.*custom_objects="):
        cr.load_model(path)
    again = cr.load_model(path, compile=False)
    assert not again.compiled
    np.testing.assert_array_equal(first.predict(X), again.predict(X))


def test_a_class_that_is_registered_is_told_from_another_of_its_name():
    @register("mine")
    class Dense(cr.layers.Dense):
        pass

    about = plain(Dense(2))
    assert about["registered_name"] == "mine>Dense"
    assert type(made(about)) is Dense
    assert type(made(plain(cr.layers.Dense(2)))) is cr.layers.Dense
    with pytest.raises(DataError, match="no class 'Dense' here"):
        made({**about, "registered_name": "others>Dense"})


def test_names_are_given_for_a_time():
    about = plain(bent)
    with pytest.raises(DataError, match="no function 'bent'"):
        made(about)
    with known_as({"bent": bent}), known_as({"other": shrink}):
        assert made(about) is bent
        assert keras.activations.get("bent") is bent
        assert keras.losses.get("other").fn is shrink
    assert registered("bent") is None


def test_a_name_in_a_file_reaches_nothing_else():
    assert made(plain(np.tanh)) is np.tanh
    for name in ("numpy>save", "numpy>fromfile", "os>system", "Dense", "bent", 3, None):
        with pytest.raises(DataError, match="no function"):
            made({"class_name": "function", "config": name, "registered_name": name})
    assert name_of(lambda x: x) is None
