"""Preprocessing: learn from the columns of a table how to turn its rows into features."""

from chainrule._src.data.preprocessing.calendar import Calendar
from chainrule._src.data.preprocessing.columns import LeftOut, OneHot, Picture, Scaled
from chainrule._src.data.preprocessing.preprocessor import Preprocessor
from chainrule._src.data.preprocessing.ranks import Ranks
from chainrule._src.data.preprocessing.splitting import split_rows
from chainrule._src.data.preprocessing.targets import Target
from chainrule._src.data.preprocessing.values import Chunk, Column
from chainrule._src.data.preprocessing.words import Words

__all__ = [
    "Calendar", "Chunk", "Column", "LeftOut", "OneHot", "Picture", "Preprocessor", "Ranks",
    "Scaled", "Target", "Words", "split_rows",
]  # fmt: skip
