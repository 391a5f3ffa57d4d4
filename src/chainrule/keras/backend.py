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
        Always ``"float32"``; a model may have a dtype of its own.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.floatx()
    'float32'
    """
    return "float32"


def epsilon() -> float:
    """Return the small number that is added or used as a bound to avoid divisions by zero.

    Returns
    -------
    float
        Always 1e-7.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.epsilon()
    1e-07
    """
    return 1e-7


def image_data_format() -> str:
    """Return the position of the channel axis of images.

    Returns
    -------
    str
        Always ``"channels_last"``: images have shape ``(n, height, width, channels)``.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.image_data_format()
    'channels_last'
    """
    return "channels_last"


def _only(value: Any, usual: Any, advice: str) -> None:
    if value != usual:
        raise DataError(f"it is always {usual!r} here, received {value!r}; {advice}")


def set_floatx(value: str) -> None:
    """Raise an error for any dtype but float32.

    Parameters
    ----------
    value : str
        The dtype; only ``"float32"`` is accepted.

    Raises
    ------
    DataError
        If it is another dtype.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.set_floatx("float64")
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: it is always 'float32' here, received 'float64'; give the model a
    dtype: Sequential(…, dtype='float64')
    """
    _only(value, "float32", "give the model a dtype: Sequential(…, dtype='float64')")


def set_epsilon(value: float) -> None:
    """Raise an error for any number but `epsilon`.

    Parameters
    ----------
    value : float
        The number; only 1e-7 is accepted.

    Raises
    ------
    DataError
        If it is another number.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.set_epsilon(1e-3)
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: it is always 1e-07 here, received 0.001; give the function or
    layer an epsilon of its own
    """
    _only(value, epsilon(), "give the function or layer an epsilon of its own")


def set_image_data_format(data_format: str) -> None:
    """Raise an error for any format but ``"channels_last"``.

    Parameters
    ----------
    data_format : str
        The position of the channel axis; only ``"channels_last"`` is accepted.

    Raises
    ------
    DataError
        If it is another format.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.set_image_data_format("channels_first")
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: it is always 'channels_last' here, received 'channels_first';
    transpose the images: np.moveaxis(X, 1, -1)
    """
    _only(data_format, "channels_last", "transpose the images: np.moveaxis(X, 1, -1)")


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
