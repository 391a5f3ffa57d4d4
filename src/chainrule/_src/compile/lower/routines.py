"""Functions that kernels call for whole rows and matrices, as Python code that `reading` parses.

A matrix lies in memory row by row; its first entry is ``a[a_at]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def sort_places(
    x: Any, x_at: Any, x_step: Any, places: Any, places_at: Any, places_step: Any, work: Any,
    size: Any,
) -> None:  # fmt: skip
    """Write the places of a row's entries in ascending order: a stable merge sort, NaN last."""
    for k in range(size):
        places[places_at + k * places_step] = k
    width = 1
    while width < size:
        begin = 0
        while begin < size:
            middle = begin + width if begin + width < size else size
            end = middle + width if middle + width < size else size
            i = begin
            j = middle
            for k in range(begin, end):
                left = places[places_at + (i if i < middle else begin) * places_step]
                right = places[places_at + (j if j < end else begin) * places_step]
                a = x[x_at + left * x_step]
                b = x[x_at + right * x_step]
                smaller = b < a or (a != a and b == b)
                takes_right = j < end and (i >= middle or smaller)
                work[k] = right if takes_right else left
                i = i + (0 if takes_right else 1)
                j = j + (1 if takes_right else 0)
            begin = end
        for k in range(size):
            places[places_at + k * places_step] = work[k]
        width = width * 2


def factor(a: Any, a_at: Any, size: Any, fault: Any, number: Any) -> None:
    """Replace the upper triangle of a symmetric matrix by its factor: the transposed one of NumPy.

    Each row is subtracted from the rows below as soon as it is known.
    """
    for j in range(size):
        row = a_at + j * size
        pivot = a[row + j]
        if not pivot > 0:
            fault[0] = number
        root = np.sqrt(pivot)
        for k in range(j, size):
            a[row + k] = a[row + k] / root
        for i in range(j + 1, size):
            below = a_at + i * size
            share = a[row + i]
            for k in range(i, size):
                a[below + k] -= share * a[row + k]


def eliminate(
    a: Any, a_at: Any, x: Any, x_at: Any, size: Any, columns: Any, fault: Any, number: Any
) -> None:
    """Replace the right-hand sides ``x`` by solutions; the matrix ``a`` is overwritten.

    Gauss's algorithm: rows are exchanged so that each pivot is the largest entry of its column.
    """
    for c in range(size):
        row = a_at + c * size
        right = x_at + c * columns
        pivot = c
        top = abs(a[row + c])
        for i in range(c + 1, size):
            entry = abs(a[a_at + i * size + c])
            if entry > top:
                top = entry
                pivot = i
        if top == 0:
            fault[0] = number
        if pivot != c:
            other = a_at + pivot * size
            other_right = x_at + pivot * columns
            for k in range(size):
                upper = a[row + k]
                a[row + k] = a[other + k]
                a[other + k] = upper
            for k in range(columns):
                upper = x[right + k]
                x[right + k] = x[other_right + k]
                x[other_right + k] = upper
        for i in range(c + 1, size):
            below = a_at + i * size
            below_right = x_at + i * columns
            share = a[below + c] / a[row + c]
            for k in range(c + 1, size):
                a[below + k] -= share * a[row + k]
            for k in range(columns):
                x[below_right + k] -= share * x[right + k]
    for turn in range(size):
        i = size - 1 - turn
        row = a_at + i * size
        right = x_at + i * columns
        for j in range(i + 1, size):
            share = a[row + j]
            known = x_at + j * columns
            for k in range(columns):
                x[right + k] -= share * x[known + k]
        share = a[row + i]
        for k in range(columns):
            x[right + k] = x[right + k] / share


ROUTINES = {each.__name__: each for each in (sort_places, factor, eliminate)}
WHOLE_BUFFERS = {"places", "work"}  # parameters that are arrays of whole numbers
BUFFERS = {"x", "a"}  # parameters that are arrays of the entries' dtype
