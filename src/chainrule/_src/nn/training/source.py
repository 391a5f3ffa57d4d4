"""`source`: a function and its gradient as text."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.validation import check_positive, lookup
from chainrule._src.core.derived import Derived, P
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn import optimizers
from chainrule._src.nn.training.minimize import Update, as_parameter
from chainrule._src.trace.tracing import trace

LONG = 1000  # lines; longer texts get a warning


def source(
    f: Callable[P, Any],
    dialect: str = "numpy",
    *,
    optimizer: str | optimizers.Optimizer = "sgd",
    batch_size: int = 32,
) -> Callable[P, str]:
    r"""Return a function that writes ``f`` and its gradient as Python.

    Parameters
    ----------
    f : callable
        Written in NumPy; returns a single number.
    dialect : {"numpy", "kernel"}, default "numpy"
        ``"numpy"``: a module that imports NumPy alone (and Python's ``math``, for ``erf``) and
        defines ``value_and_gradients``, which takes ``f``'s arguments and returns the value and
        the gradient of the first argument in its structure. ``"kernel"``: the loops over entries
        that `minimize` compiles for an epoch.
    optimizer, batch_size
        Optimizer and batch size of the kernel.

    Returns
    -------
    callable
        A function that takes example arguments of ``f`` and returns text. The comment after a line
        of NumPy is the shape; ``n`` is the batch size. If ``f`` computes something else for other
        batch sizes, the text asserts the valid sizes. A text that divides by ``n`` raises
        Python's ZeroDivisionError for an empty batch.

    Raises
    ------
    ShapeError, DataError, TraceError
        As for `value_and_grad` and `trace`.

    Examples
    --------
    >>> def loss(w, X, y):
    ...     error = X @ w - y
    ...     return np.mean(error**2)
    >>> w, X, y = np.zeros(3), np.zeros((8, 3)), np.zeros(8)
    >>> print(source(loss)(w, X, y))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def value_and_gradients(w, X, y):
        n = len(X)
    <BLANKLINE>
        # forward
        error = X @ w - y           # (n,)
        loss = np.mean(error ** 2)  # ()
    <BLANKLINE>
        # backward
        d_error = 2 / n * error     # (n,)
        d_w = X.T @ d_error         # (3,)
    <BLANKLINE>
        return loss, d_w
    <BLANKLINE>
    >>> text = source(loss, "kernel", batch_size=1)(w, X, y)
    >>> print("\n".join(line for line in text.splitlines() if "w[" in line))
                t1_total += X_all[row, k] * w[k]
                w[j] = w[j] - learning_rate_0 * d_w_j
    """
    check_positive(batch_size, "batch_size", "source")
    if not lookup("dialect", dialect, {"numpy": False, "kernel": True}):
        return Derived(lambda *args: _numpy_text(f, args), source, f)
    rule = optimizers.get(optimizer, "source")

    def kernel_text(params: Any, *data: Any) -> str:
        from chainrule._src.compile.running.compiling import step_kernel

        params = map_leaves(as_parameter, params)
        carry = {"params": params, "state": map_leaves(np.asarray, rule.init(params))}
        return step_kernel(Update(f, rule), f, carry, data, batch_size).text

    options = {"optimizer": optimizer, "batch_size": batch_size}
    return Derived(kernel_text, source, f, dialect, **options)


def _numpy_text(f: Callable[..., Any], args: Any) -> str:
    from chainrule._src.text.text import module_text

    text = module_text(trace(value_and_grad(f))(*args), getattr(f, "__name__", "value"))
    if (lines := text.count("\n")) > LONG:
        warnings.warn(
            f"source: the text has {lines:,} lines, since a loop is recorded turn by turn; to "
            "read it, give an example for which the loop takes two or three turns",
            stacklevel=4,
        )
    return text
