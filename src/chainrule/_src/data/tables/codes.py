"""Recognise codes, such as postcodes, whose leading zeros are significant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.data.tables.arrow import count, first_cell, numbers, pyarrow
from chainrule._src.data.tables.readings import FEW


@dataclass
class Codes:
    """Counts by which a column of whole numbers is recognised as codes.

    It holds codes if most values begin with 0, or if some do and all have the same length.
    """

    count: int = 0
    first: tuple[int, str] | None = None
    _widths: set[int] = field(default_factory=set)
    _whole: bool = True  # all plain numbers were whole

    def add(self, array: Any, floats: Any, start: int) -> None:
        """Add texts, and the numbers that they stand for if all are numbers."""
        if not _may_be_codes(floats):
            self._whole = False
            return
        compute = pyarrow("compute")
        is_whole = compute.match_substring_regex(array, r"^\s*\d+\s*$") if floats is None else None
        digits = array.filter(floats.is_valid() if is_whole is None else is_whole)
        if len(self._widths) < 2:
            self._widths.update(compute.unique(compute.binary_length(digits)).to_pylist())
        if not count(compute.starts_with(array, "0")):
            return
        zeros = compute.match_substring_regex(array, r"^0\d+\s*$")
        self.count += count(zeros)
        self.first = self.first or first_cell(array, zeros, start)

    def are(self, present: int) -> bool:
        """Return true if a column of ``present`` values holds codes."""
        most = 2 * self.count > present
        return most or (self.count > FEW * present and self._whole and len(self._widths) == 1)


def _may_be_codes(floats: Any) -> bool:
    """Return true unless a number among the texts has a fraction."""
    if floats is None:
        return True
    values = numbers(floats)
    return bool((np.isnan(values) | (values == np.trunc(values))).all())
