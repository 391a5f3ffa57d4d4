"""An older module of Keras with `pad_sequences`."""

from chainrule.keras.utils import pad_sequences

__all__ = ["pad_sequences"]
