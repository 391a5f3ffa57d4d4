"""Operators and methods that tensors share with arrays, as type checkers read them.

They are set in loops, from tables of NumPy's functions; at run time this class is empty.
"""


class Declared:
    """The declarations are in the stub file beside this module."""

    __slots__ = ()
