"""Columns of tables as numbers."""

from chainrule._src.data.preprocessing import (
    Calendar,
    Chunk,
    Column,
    LeftOut,
    OneHot,
    Picture,
    Preprocessor,
    Scaled,
    Signs,
    Target,
    Words,
    split_rows,
)

__all__ = [
    "Calendar", "Chunk", "Column", "LeftOut", "OneHot", "Picture", "Preprocessor", "Scaled",
    "Signs", "Target", "Words", "split_rows",
]  # fmt: skip
