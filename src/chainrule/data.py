"""Data that a package ships: scikit-learn's handwritten digits."""

from chainrule._src.data.datasets import (
    DIGITS,
    Digits,
    load_digits,
)

__all__ = [
    "DIGITS", "Digits", "load_digits",
]  # fmt: skip
