"""Whole numbers that are codes, such as postcodes: their zeros at the beginning count."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.data.tables.arrow import count, first_cell, numbers, pyarrow
from chainrule._src.data.tables.readings import FEW


@dataclass
class Codes:
    """Whether whole numbers are codes: most begin with 0, or some, and all are equally long."""

    count: int = 0
    first: tuple[int, str] | None = None
    _widths: set[int] = field(default_factory=set)
    _whole: bool = True  # all that are plain numbers

    def add(self, array: Any, floats: Any, start: int) -> None:
        """Take in texts, and the numbers that they are, if all are."""
        if not _may_be_codes(floats):
            self._whole = False
            return
        compute = pyarrow("compute")
        whole = compute.match_substring_regex(array, r"^\s*\d+\s*$") if floats is None else None
        digits = array.filter(floats.is_valid() if whole is None else whole)
        if len(self._widths) < 2:
            self._widths.update(compute.unique(compute.binary_length(digits)).to_pylist())
        if not count(compute.starts_with(array, "0")):
            return
        zeros = compute.match_substring_regex(array, r"^0\d+\s*$")
        self.count += count(zeros)
        self.first = self.first or first_cell(array, zeros, start)

    def are(self, present: int) -> bool:
        """Whether so many values are codes."""
        most = 2 * self.count > present
        return most or (self.count > FEW * present and self._whole and len(self._widths) == 1)


def _may_be_codes(floats: Any) -> bool:
    """Whether texts, as numbers if they are, may be codes: these are whole."""
    if floats is None:
        return True
    values = numbers(floats)
    return bool((np.isnan(values) | (values == np.trunc(values))).all())
