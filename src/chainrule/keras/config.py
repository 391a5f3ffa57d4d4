"""Settings of Keras that have a fixed value here."""

from __future__ import annotations

from chainrule.keras.backend import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)

__all__ = [
    "backend",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]  # fmt: skip


def enable_interactive_logging() -> None:
    """Do nothing: progress is written to the terminal already.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.enable_interactive_logging()
    """


def disable_interactive_logging() -> None:
    """Do nothing: give ``verbose`` to fit.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.disable_interactive_logging()
    """
