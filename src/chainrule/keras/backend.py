"""Keras's settings and old functions of arrays that have a counterpart."""

from __future__ import annotations

from typing import Any

from chainrule._src.base.errors import DataError
from chainrule.keras import ops


def backend() -> str:
    """Return the name of the backend."""
    return "chainrule"


def floatx() -> str:
    """Return the default dtype of models."""
    return "float32"


def epsilon() -> float:
    """Return the small number that is added or used as a bound to avoid divisions by zero."""
    return 1e-7


def image_data_format() -> str:
    """Return the position of the channel axis of images."""
    return "channels_last"


def _only(value: Any, usual: Any, advice: str) -> None:
    if value != usual:
        raise DataError(f"it is always {usual!r} here, received {value!r}; {advice}")


def set_floatx(value: str) -> None:
    """Raise an error for any dtype but float32."""
    _only(value, "float32", "give the model a dtype: Sequential(…, dtype='float64')")


def set_epsilon(value: float) -> None:
    """Raise an error for any number but `epsilon`."""
    _only(value, epsilon(), "give the function or layer an epsilon of its own")


def set_image_data_format(data_format: str) -> None:
    """Raise an error for any format but ``"channels_last"``."""
    _only(data_format, "channels_last", "transpose the images: np.moveaxis(X, 1, -1)")


def clear_session(free_memory: bool = True) -> None:
    """Do nothing: there is no session, and names are numbered within a model."""


def get_value(x: Any) -> Any:
    """Return an array, or a variable's value."""
    return x.numpy() if hasattr(x, "numpy") else x


def set_value(variable: Any, value: Any) -> None:
    """Set the value of a variable, such as an optimizer's learning rate."""
    variable.assign(value)


def __getattr__(name: str) -> Any:
    return getattr(ops, name)
