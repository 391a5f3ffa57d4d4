"""Columns of a table as a matrix: what is learned from them, and rows turned into features."""

from chainrule.preprocessing.calendar import Calendar
from chainrule.preprocessing.columns import LeftOut, OneHot, Picture, Scaled, Signs
from chainrule.preprocessing.preprocessor import Preprocessor
from chainrule.preprocessing.splitting import split_rows
from chainrule.preprocessing.targets import Target
from chainrule.preprocessing.values import Chunk, Column
from chainrule.preprocessing.words import Words

__all__ = [
    "Calendar",
    "Chunk",
    "Column",
    "LeftOut",
    "OneHot",
    "Picture",
    "Preprocessor",
    "Scaled",
    "Signs",
    "Target",
    "Words",
    "split_rows",
]
