"""Table of the models of a sweep."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import UnknownNameError
from chainrule._src.base.escaping import element, for_html
from chainrule._src.base.extras import needs
from chainrule._src.base.showing import cut

SHOWN = 10  # rows


class SweepTable(Mapping[str, Array]):
    """Columns of equal length by name, each an array; the best rows come first.

    Parameters
    ----------
    columns : dict of str to ndarray

    Examples
    --------
    >>> SweepTable({"lr": np.array([0.1, 0.02]), "val_loss": np.array([0.25, np.nan])})
      lr  val_loss
     0.1      0.25
    0.02         -
    """

    def __init__(self, columns: Mapping[str, Array]) -> None:
        self._columns = dict(columns)

    def __getitem__(self, name: str) -> Array:
        if name not in self._columns:
            raise UnknownNameError("column", name, self._columns)
        return self._columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def get(self, name: str, default: Any = None) -> Any:
        """Return a column, or ``default`` if it does not exist."""
        return self._columns.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self._columns.values()), ()))

    def row(self, at: int) -> dict[str, Any]:
        """Return the row at a position."""
        return {name: _plain(column[at]) for name, column in self.items()}

    def to_pandas(self) -> Any:
        """Convert the table to a pandas ``DataFrame``.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        with needs("to_pandas", "", "pandas"):
            import pandas
        return pandas.DataFrame(self._columns)

    def __repr__(self) -> str:
        cells = self._cells()
        widths = [max(map(len, column)) for column in cells]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in zip(*cells, strict=True)
        ]
        return "\n".join([*lines, *self._rest()])

    def _repr_html_(self) -> str:
        head, *rows = zip(*self._cells(), strict=True)
        names = element("tr", *(element("th", name) for name in head))
        body = [element("tr", *(element("td", cell) for cell in row)) for row in rows]
        table = element("table", element("thead", names), element("tbody", *body))
        return for_html(table, *(element("p", line) for line in self._rest()))

    def _cells(self) -> list[list[str]]:
        return [[name, *map(text, column[:SHOWN])] for name, column in self.items()]

    def _rest(self) -> list[str]:
        return [f"{self.rows - SHOWN:,} more rows"] if self.rows > SHOWN else []


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def text(value: Any) -> str:
    """Format a value for a cell."""
    value = _plain(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return cut(text)[:40]
