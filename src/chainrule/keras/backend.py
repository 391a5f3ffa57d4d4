"""Keras's settings and old functions of arrays that have a counterpart."""

from __future__ import annotations

from typing import Any

from chainrule._src.base.errors import DataError
from chainrule.keras import ops


def backend() -> str:
    """Return the name of the backend.

    Returns
    -------
    str
        Always ``"chainrule"``.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.backend.backend()
    'chainrule'
    """
    return "chainrule"


_GETTER = """Return {summary}.

Returns
-------
{kind}
    Always ``{value!r}``.

Examples
--------
>>> from chainrule import keras
>>> keras.config.{name}()
{value!r}
"""
_SETTER = """Raise an error for any value but ``{value!r}``; see `{name}`.

Parameters
----------
value : {kind}

Raises
------
DataError
    If it is another value.

Examples
--------
>>> from chainrule import keras
>>> keras.config.set_{name}({other!r})
Traceback (most recent call last):
...
chainrule.errors.DataError: it is always {value!r} here, received {other!r}; {advice}
"""


def _fixed(name: str, only: Any, other: Any, summary: str, advice: str) -> tuple[Any, Any]:
    """Return the functions that get and set a setting with one value, here and in Keras's words."""

    def get() -> Any:
        return only

    def set_to(value: Any) -> None:
        if value != only:
            raise DataError(f"it is always {only!r} here, received {value!r}; {advice}")

    texts = {"name": name, "value": only, "other": other, "summary": summary, "advice": advice}
    for function, prefix, text in ((get, "", _GETTER), (set_to, "set_", _SETTER)):
        function.__name__ = function.__qualname__ = prefix + name
        function.__doc__ = text.format(kind=type(only).__name__, **texts)
    return get, set_to


floatx, set_floatx = _fixed(
    "floatx", "float32", "float64", "the default dtype of models",
    "give the model a dtype: Sequential(…, dtype='float64')",
)  # fmt: skip
epsilon, set_epsilon = _fixed(
    "epsilon", 1e-7, 1e-3, "the small number that avoids divisions by zero",
    "give the function or layer an epsilon of its own",
)  # fmt: skip
image_data_format, set_image_data_format = _fixed(
    "image_data_format", "channels_last", "channels_first", "the position of images' channel axis",
    "transpose the images: np.moveaxis(X, 1, -1)",
)  # fmt: skip


def clear_session(free_memory: bool = True) -> None:
    """Do nothing: there is no session, and names are numbered within a model.

    Parameters
    ----------
    free_memory : ignored
        Accepted for compatibility with Keras.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.utils.clear_session()
    >>> [keras.Sequential([keras.layers.Dense(1)]).layers[0].name for _ in range(2)]
    ['dense', 'dense']
    """


def get_value(x: Any) -> Any:
    """Return an array, or a variable's value.

    Parameters
    ----------
    x : array_like or Variable

    Returns
    -------
    ndarray
        The value of a variable; anything else unchanged.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.backend.get_value(keras.Variable([1.0, 2.0]))
    array([1., 2.], dtype=float32)
    """
    return x.numpy() if hasattr(x, "numpy") else x


def set_value(variable: Any, value: Any) -> None:
    """Set the value of a variable, such as an optimizer's learning rate.

    Parameters
    ----------
    variable : Variable
    value : array_like

    Examples
    --------
    >>> from chainrule import keras
    >>> optimizer = keras.optimizers.SGD(0.1)
    >>> keras.backend.set_value(optimizer.learning_rate, 0.25)
    >>> float(optimizer.learning_rate)
    0.25
    """
    variable.assign(value)


def __getattr__(name: str) -> Any:
    return getattr(ops, name)
