"""Keras's settings and its old functions of arrays, as far as they have a counterpart."""

from __future__ import annotations

from typing import Any

from chainrule._src.base.errors import DataError
from chainrule.keras import ops


def backend() -> str:
    """Return what computes."""
    return "chainrule"


def floatx() -> str:
    """Return the dtype of models, unless `chainrule.Sequential` is given another."""
    return "float32"


def epsilon() -> float:
    """Return what keeps logarithms and divisions from zero."""
    return 1e-7


def image_data_format() -> str:
    """Return where the channels of images are."""
    return "channels_last"


def _only(value: Any, usual: Any, advice: str) -> None:
    if value != usual:
        raise DataError(f"it is always {usual!r} here, received {value!r}; {advice}")


def set_floatx(value: str) -> None:
    """Refuse another dtype than float32."""
    _only(value, "float32", "give the model a dtype: Sequential(…, dtype='float64')")


def set_epsilon(value: float) -> None:
    """Refuse another number."""
    _only(value, epsilon(), "give the function or layer an epsilon of its own")


def set_image_data_format(data_format: str) -> None:
    """Refuse channels that come first."""
    _only(data_format, "channels_last", "transpose the images: np.moveaxis(X, 1, -1)")


def clear_session(free_memory: bool = True) -> None:
    """Do nothing: there is no session, and names are numbered within a model."""


def get_value(x: Any) -> Any:
    """Return an array, or a variable's value."""
    return x.numpy() if hasattr(x, "numpy") else x


def set_value(variable: Any, value: Any) -> None:
    """Give a variable, such as an optimizer's learning rate, another value."""
    variable.assign(value)


def __getattr__(name: str) -> Any:
    return getattr(ops, name)
