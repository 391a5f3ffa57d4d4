"""A user's program: ``mypy --strict`` must see the types asserted here, and refuse misuse."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from chainrule import layers
from chainrule._src.check import GradientReport
from chainrule.callbacks import History

Array = np.ndarray[tuple[Any, ...], np.dtype[Any]]  # what NDArray[Any] is depends on NumPy
Floats = NDArray[np.float64]
Params = dict[str, Floats]


def loss(params: Params, X: Floats, y: Floats) -> np.float64:
    h = cr.sigmoid(X @ params["W"])
    return np.float64(np.mean((h - y) ** 2))


def cube(x: float) -> float:
    return x**3


class Gate(layers.Layer):
    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.kernel = self.add_weight((input_shape[-1], input_shape[-1]))

    def call(self, x: Array) -> Array:
        return x * cr.sigmoid(x @ self.kernel)


def program() -> None:
    """What is type-checked, never run."""
    X: Floats = np.ones((3, 4))
    y: Floats = np.ones(3)
    params: Params = {"W": np.ones(4)}
    model = cr.Sequential([layers.Input((4,)), Gate(), layers.Dense(1)])

    assert_type(cr.grad(cube)(2.0), float)
    assert_type(cr.grad(cr.grad(cube))(2.0), float)
    assert_type(cr.grad(loss)(params, X, y=y), Params)
    assert_type(cr.grad(loss, (0, 1))(params, X, y), tuple[Any, ...])
    assert_type(cr.value_and_grad(loss)(params, X, y), tuple[np.float64, Params])
    assert_type(cr.value_and_grad(loss, 1)(params, X, y), tuple[np.float64, Any])
    assert_type(cr.hessian(cube)(2.0), Array)
    assert_type(cr.stop_gradient(X), Floats)
    assert_type(cr.jit(loss)(params, X, y), np.float64)
    assert_type(cr.jit(model)(X), Array)
    assert_type(model(X), Array)
    assert_type(model.predict(X), Array)
    assert_type(model.fit(X, y), History)
    assert_type(Gate().kernel, Array)
    assert_type(cr.minimize(loss, params, X, y), tuple[Params, History])
    assert_type(cr.trace(loss)(params, X, y), cr.Program)
    assert_type(cr.source(loss)(params, X, y), str)
    assert_type(cr.check_gradients(loss, cr.grad(loss))(params, X, y), GradientReport)

    cr.grad(loss)(params, X)  # type: ignore[call-arg]
    cr.value_and_grad(loss)(X, params, y)  # type: ignore[arg-type]
    cr.jit(cube)("2")  # type: ignore[arg-type]
    cr.trace(loss)(params)  # type: ignore[call-arg]

    cr.grad(lambda x: x**3)(2.0)
    cr.jit(lambda x: np.tanh(x))(X)
    cr.minimize(lambda w, X: np.mean((X @ w) ** 2), np.ones(4), X)
