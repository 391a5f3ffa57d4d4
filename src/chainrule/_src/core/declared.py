"""Type declarations of the operators and methods that tensors share with arrays.

`methods` sets these operators and methods in loops over tables of NumPy's functions, which type
checkers cannot follow. At run time the class is empty.
"""


class Declared:
    """The declarations are in the stub file beside this module."""

    __slots__ = ()
