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


def floatx() -> str:
    """Return the default dtype of models.

    Returns
    -------
    str
        Always ``'float32'``.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.floatx()
    'float32'
    """
    return "float32"


def set_floatx(value: str) -> None:
    """Raise an error for any value but ``'float32'``; see `floatx`.

    Parameters
    ----------
    value : str

    Raises
    ------
    DataError
        If it is another value.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.set_floatx('float64')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: it is always 'float32' here, received 'float64'; ...
    """
    _refuse_other(value, floatx(), "give the model a dtype: Sequential(…, dtype='float64')")


def epsilon() -> float:
    """Return the small number that avoids divisions by zero.

    Returns
    -------
    float
        Always ``1e-07``.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.epsilon()
    1e-07
    """
    return 1e-07


def set_epsilon(value: float) -> None:
    """Raise an error for any value but ``1e-07``; see `epsilon`.

    Parameters
    ----------
    value : float

    Raises
    ------
    DataError
        If it is another value.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.set_epsilon(0.001)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: it is always 1e-07 here, received 0.001; ...
    """
    _refuse_other(value, epsilon(), "give the function or layer an epsilon of its own")


def image_data_format() -> str:
    """Return the position of images' channel axis.

    Returns
    -------
    str
        Always ``'channels_last'``.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.image_data_format()
    'channels_last'
    """
    return "channels_last"


def set_image_data_format(value: str) -> None:
    """Raise an error for any value but ``'channels_last'``; see `image_data_format`.

    Parameters
    ----------
    value : str

    Raises
    ------
    DataError
        If it is another value.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.set_image_data_format('channels_first')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: it is always 'channels_last' here, received 'channels_first'; ...
    """
    _refuse_other(value, image_data_format(), "transpose the images: np.moveaxis(X, 1, -1)")


def _refuse_other(value: Any, only: Any, advice: str) -> None:
    if value != only:
        raise DataError(f"it is always {only!r} here, received {value!r}; {advice}")


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
