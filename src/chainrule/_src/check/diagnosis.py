"""A diagnosis: the mistake in a sentence, the line where it is, and the line as it should be."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from chainrule._src.base.escaping import Html, element, for_html
from chainrule._src.check.code import TIMED, cells
from chainrule._src.check.latex import latex


@dataclass(frozen=True)
class Where:
    """A line of the learner's code.

    Attributes
    ----------
    file : str
        Path of the file; for a notebook, the internal name of the cell.
    line : int
        Line number from 1; for a notebook, within the cell.
    code : str
        Text of the line.
    repaired : str
        Text that the line should have; "" if only its value is known.
    """

    file: str
    line: int
    code: str
    repaired: str = ""

    def __str__(self) -> str:
        return f"{self.name}, line {self.line}"

    @property
    def name(self) -> str:
        """The file's name alone, or the number of the notebook's cell."""
        notebook = "ipykernel" in self.file or self.file.startswith(("<ipython", TIMED))
        for number, text in reversed(list(enumerate(cells() if notebook else ()))):
            lines = text.splitlines()
            if self.line <= len(lines) and lines[self.line - 1].strip() == self.code.strip():
                return f"cell In [{number}]"
        return os.path.basename(self.file)


@dataclass(frozen=True)
class Diagnosis:
    """A mistake that makes the gradients of some parameters wrong.

    Attributes
    ----------
    kind : str
        A short name: ``"missing factor"``, ``"transpose"``, ``"not explained"``.
    what : str
        The mistake, in one sentence.
    where : Where or None
        The wrong line; None if no single line is wrong.
    formula : str
        The value that the line should give: ``"d_h (the gradient at h) = ..."``.
    parameters : tuple of str
        The parameters whose gradients the mistake explains.
    inputs : tuple of str
        Variables that the line reads and whose values are right.
    certain : bool
        True if no other change explains the gradient equally well.
    others : tuple of str
        Other changes that explain the gradient equally well.
    """

    kind: str
    what: str
    parameters: tuple[str, ...]
    where: Where | None = None
    formula: str = ""
    inputs: tuple[str, ...] = ()
    certain: bool = True
    others: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis as plain values: str, int, bool, list and dict."""
        fields = asdict(self)
        return {key: list(v) if isinstance(v, tuple) else v for key, v in fields.items()}

    def __str__(self) -> str:
        lines = [f"{', '.join(self.parameters)}: {self.what}"]
        if self.where is not None:
            lines.append(f"    {self.where}:  {self.where.code.strip()}")
            if self.inputs:
                lines.append(f"      what goes in is right: {', '.join(self.inputs)}")
            if self.formula:
                lines.append(f"      what comes out should be {self.formula}")
            if self.where.repaired:
                lines.append(f"      it must be:  {self.where.repaired.strip()}")
        elif self.formula:
            lines.append(f"      {self.formula}")
        lines += [f"    or: {other}" for other in self.others]
        return "\n".join(lines)

    def _repr_html_(self) -> Html:
        first, _, details = str(self).partition("\n")
        code = self.where.repaired if self.where is not None else ""
        return for_html(first, element("pre", details) if details else "", latex(code))
