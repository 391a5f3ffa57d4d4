"""The gradient of a function as readable NumPy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from chainrule.autodiff.derived import Derived, P
from chainrule.autodiff.transforms import value_and_grad
from chainrule.program.text import module_text
from chainrule.program.tracing import trace

LONG = 1000  # lines of a text that nobody reads


def source(f: Callable[P, Any]) -> Callable[P, str]:
    """Return a function that writes ``f`` and its gradient as NumPy.

    Parameters
    ----------
    f : callable
        Written in NumPy; returns a single number.

    Returns
    -------
    callable
        With ``f``'s arguments, as examples; returns the text of a module that imports NumPy alone
        (and Python's ``math``, for ``erf``) and defines ``value_and_gradients``. That takes
        ``f``'s arguments and returns the value and the gradient of the first argument in its
        structure. The comment behind a line is the shape; ``n`` is the batch size.

    Raises
    ------
    ShapeError, DataError, TraceError
        As for `value_and_grad` and `trace`.

    Examples
    --------
    >>> import numpy as np
    >>> def loss(w, X, y):
    ...     error = X @ w - y
    ...     return np.mean(error**2)
    >>> print(source(loss)(np.zeros(3), np.zeros((8, 3)), np.zeros(8)))
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
    """

    def source_f(*args: Any) -> str:
        text = module_text(trace(value_and_grad(f))(*args), getattr(f, "__name__", "value"))
        if (lines := text.count("\n")) > LONG:
            warnings.warn(
                f"source: the text has {lines:,} lines, since a loop is recorded turn by turn; to "
                "read it, give an example for which the loop takes two or three turns",
                stacklevel=2,
            )
        return text

    return Derived(source_f, source, f)
