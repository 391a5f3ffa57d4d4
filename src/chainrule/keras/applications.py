"""Keras's pretrained networks, which have no counterpart: every name raises an error."""

from __future__ import annotations

from typing import Any

from chainrule.keras.left_out import left_out


def __getattr__(name: str) -> Any:
    if not name[:1].isupper():
        raise AttributeError(name)
    return left_out(
        name,
        "large networks with weights from elsewhere are Keras's own; chainrule.from_keras takes "
        "over what is made of the layers that are here",
    )
