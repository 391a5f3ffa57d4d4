"""Settings of Keras, most of which have a fixed value here."""

from __future__ import annotations

from chainrule._src.base.validation import check_flag
from chainrule._src.nn.losses.operands import CLIPS_PROBABILITIES
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
    "backend", "clip_probabilities", "disable_interactive_logging", "enable_interactive_logging",
    "epsilon", "floatx", "image_data_format", "set_clip_probabilities", "set_epsilon", "set_floatx",
    "set_image_data_format",
]  # fmt: skip


def clip_probabilities() -> bool:
    """Return true if cross-entropies clip probabilities; see `set_clip_probabilities`.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.clip_probabilities()
    False
    """
    return CLIPS_PROBABILITIES[0]


def set_clip_probabilities(value: bool) -> None:
    r"""Choose how cross-entropies take what a softmax or a sigmoid returned.

    By default they go back to its logits, as Keras does on TensorFlow. With True they clip the
    probabilities to :math:`10^{-7}` from 0 and 1, as Keras does on JAX and PyTorch: a sample whose
    probability is clipped has no gradient. Set it before the model is trained.

    Parameters
    ----------
    value : bool

    Raises
    ------
    DataError
        If ``value`` is not a bool.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.config.set_clip_probabilities(False)
    """
    CLIPS_PROBABILITIES[0] = check_flag(value, "value", "set_clip_probabilities")


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
