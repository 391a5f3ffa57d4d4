"""Checked samples of a table: columns, targets and weights, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError


@dataclass(frozen=True)
class TableRows:
    """TableRows of a table.

    Attributes
    ----------
    columns : dict of str to ndarray
    y : ndarray, shape (n,) or (n, k)
    codes : ndarray
        The targets as numbers: classes by their index, labels as bool, quantities as float64.
    weight : ndarray, shape (n,), or None
    """

    columns: dict[str, Array]
    y: Array
    codes: Array
    weight: Any = None

    def part(self, rows: Array) -> TableRows:
        """Return the samples that a mask selects."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        weight = None if self.weight is None else self.weight[rows]
        return TableRows(columns, self.y[rows], self.codes[rows], weight)

    def check(self, where: str) -> TableRows:
        """Return the samples without those of weight 0.

        Raises
        ------
        DataError
            If there are not as many targets as rows, or weights are negative or all 0.
        """
        rows = len(next(iter(self.columns.values())))
        if len(self.y) != rows:
            raise DataError(f"X has {rows} rows, y {len(self.y)}; they must be of the same samples")
        if self.weight is None or self.weight.min() > 0:
            return self
        if self.weight.min() < 0 or not self.weight.any():
            raise DataError(
                f"{where}: sample_weight must hold no number below 0, and must have a sum above 0"
            )
        return self.part(self.weight > 0)
