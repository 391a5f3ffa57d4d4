"""The outcome of a gradient check, for print and for notebooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.escaping import Html, element, for_html
from chainrule._src.base.showing import Shown
from chainrule._src.base.validation import lookup
from chainrule._src.check.diagnosis import Diagnosis


@dataclass(frozen=True, repr=False)
class ParameterCheck(Shown):
    r"""The gradient of one parameter, by hand and right, side by side.

    Attributes
    ----------
    name : str
    ratio : float
        :math:`\|a - n\| / (\|a\| + \|n\|)` between the gradient by hand and central
        differences; 0 where both are zero, infinite where the shapes differ.
    ratio_automatic : float or None
        The same ratio for the automatic gradient; None if there is none.
    worst : tuple of int
        Index of the entry with the largest difference from the central differences.
    by_hand : ndarray or None
    automatic : ndarray or None
    numerical : ndarray
        NaN for entries that were not checked.
    passed : bool
    """

    name: str
    ratio: float
    ratio_automatic: float | None
    worst: tuple[int, ...]
    by_hand: Array | None
    automatic: Array | None
    numerical: Array
    passed: bool

    @property
    def row(self) -> tuple[str, str, str, str, str, str]:
        """Name, ratio, worst entry, its value by hand, its numerical value, verdict.

        At a kink, where there is no numerical value, the automatic one.
        """
        verdict = "ok" if self.passed else "WRONG"
        if self.by_hand is None:
            return self.name, "", "missing", "", "", verdict
        if self.by_hand.shape != self.numerical.shape:
            shapes = f"shape {self.by_hand.shape}", f"shape {self.numerical.shape}"
            return self.name, "", "", *shapes, verdict
        entry = f"[{', '.join(map(str, self.worst))}]"
        reference = self.numerical
        if self.automatic is not None and np.isnan(self.numerical[self.worst]):
            reference = self.automatic
        by_hand, right = (f"{x[self.worst]:+.6e}" for x in (self.by_hand, reference))
        return self.name, f"{self.ratio:.1e}", entry, by_hand, right, verdict


_HEAD = ("parameter", "norm ratio", "worst entry", "by hand", "numerical", "")


@dataclass(frozen=True, repr=False)
class GradientReport(Shown):
    """The outcome of a gradient check; ``print`` shows it as text.

    Attributes
    ----------
    parameters : tuple of ParameterCheck
    tolerance : float
        The largest norm ratio that passes.
    diagnoses : tuple of Diagnosis
        The mistakes, if the gradient did not pass.
    notes : tuple of str
        Other observations.
    """

    parameters: tuple[ParameterCheck, ...]
    tolerance: float
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """True if every parameter passed."""
        return all(check.passed for check in self.parameters)

    @property
    def verdict(self) -> str:
        """The outcome in one line."""
        outcome = "all gradients agree" if self.passed else "at least one gradient is wrong"
        return f"{outcome} (a norm ratio up to {self.tolerance:.0e} passes)"

    def plot(self, name: str | None = None) -> Any:
        """Draw the gradients by hand, the right ones and their difference, side by side.

        Parameters
        ----------
        name : str, optional
            A parameter to draw; by default those that did not pass, or all.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        UnknownNameError
            If there is no parameter of that name.
        """
        from chainrule._src.base.plots import gradient_rows

        by_name = {check.name: check for check in self.parameters}
        if name is not None:
            selected = [lookup("parameter", name, by_name)]
        else:
            selected = [c for c in self.parameters if not c.passed] or list(self.parameters)
        rows = {c.name: (c.by_hand, c.numerical if c.automatic is None else c.automatic)
                for c in selected}  # fmt: skip
        return gradient_rows(rows)

    def __str__(self) -> str:
        rows = [_HEAD, *(check.row for check in self.parameters)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
        lines = [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        bullets = [*map(str, self.diagnoses), *(f"note: {note}" for note in self.notes)]
        return "\n".join([*lines, self.verdict, *(f"  • {text}" for text in bullets)])

    def _repr_html_(self) -> str:
        def line(cells: Any, tag: str) -> Html:
            return element("tr", *(element(tag, cell, style="text-align: left") for cell in cells))

        body = [line(check.row, "td") for check in self.parameters]
        bullets = [element("li", diagnosis._repr_html_()) for diagnosis in self.diagnoses]
        bullets += [element("li", f"note: {note}") for note in self.notes]
        return for_html(
            element("table", element("thead", line(_HEAD, "th")), element("tbody", *body)),
            element("p", f"{'✓' if self.passed else '✗'} {self.verdict}"),
            element("ul", *bullets),
        )
