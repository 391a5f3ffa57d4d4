"""Columns of tables as numbers."""

from chainrule._src.data.preprocessing import (
    Calendar,
    Chunk,
    Column,
    LeftOut,
    OneHot,
    Picture,
    Preprocessor,
    Ranks,
    Scaled,
    Target,
    Words,
    split_rows,
)

__all__ = [
    "Calendar", "Chunk", "Column", "LeftOut", "OneHot", "Picture", "Preprocessor", "Ranks",
    "Scaled", "Target", "Words", "split_rows",
]  # fmt: skip
