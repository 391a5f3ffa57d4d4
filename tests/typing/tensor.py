"""Tensors as type checkers see them; NumPy's own functions say that they give arrays."""

from typing import Any, assert_type

import numpy as np

from chainrule import Tensor


def program() -> None:
    """What is type-checked, never run."""
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    w = np.ones(2)

    assert_type(x + 1, Tensor)
    assert_type(1 - x, Tensor)
    assert_type(2.0 * x / x, Tensor)
    assert_type(x**2 % 3, Tensor)
    assert_type(x @ w, Tensor)
    assert_type(abs(-x), Tensor)
    assert_type(x > 0, Any)
    assert_type(x == 1, Any)
    assert_type(x[0], Any)
    assert_type(x.sum(axis=0), Tensor)
    assert_type(x.mean().max(), Tensor)
    assert_type(x.clip(0, 1).swapaxes(0, 1), Tensor)
    assert_type(x.argmax(), Any)
    assert_type(x.shape, tuple[int, ...])

    loss = ((x @ w - 1) ** 2).mean()
    loss.backward()
    np.sum(np.tanh(x) ** 2).backward()
    x.median()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
