"""What is wrong with a gradient: in a sentence, in which line, and what the line should say."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from typing import Any

from chainrule._src.base.escaping import Html, element, for_html
from chainrule._src.check.latex import latex


@dataclass(frozen=True)
class Where:
    """A line of the learner's code.

    Attributes
    ----------
    file : str
        Its path; for a cell of a notebook, what the notebook calls it.
    line : int
        From 1; within the cell for a notebook.
    code : str
        What stands there.
    repaired : str
        What should stand there; "" where only its value is known.
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
        notebook = "ipykernel" in self.file or self.file.startswith("<ipython")
        for number, text in reversed(list(enumerate(_cells() if notebook else ()))):
            lines = text.splitlines()
            if self.line <= len(lines) and lines[self.line - 1].strip() == self.code.strip():
                return f"cell In [{number}]"
        return os.path.basename(self.file)


def _cells() -> list[str]:
    """Return the cells that a notebook has run; none elsewhere."""
    main: Any = sys.modules.get("__main__")
    cells = getattr(main, "In", None)
    return [c for c in cells if isinstance(c, str)] if isinstance(cells, list) else []


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with some parameters' gradients.

    Attributes
    ----------
    kind : str
        A short name: ``"missing factor"``, ``"transpose"``, ``"not explained"``.
    what : str
        What is wrong, in one sentence.
    where : Where or None
        The wrong line; None where there is none to point at.
    formula : str
        What the line should give: ``"d_h (the gradient at h) = ..."``.
    parameters : tuple of str
        Whose gradients it explains.
    inputs : tuple of str
        What goes into the line, and is right.
    certain : bool
        Whether nothing else explains the gradient as well.
    others : tuple of str
        What explains it as well.
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
        """Return plain values: str, int, bool, list and dict."""
        found = asdict(self)
        return {key: list(v) if isinstance(v, tuple) else v for key, v in found.items()}

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
        first, _, rest = str(self).partition("\n")
        code = self.where.repaired if self.where is not None else ""
        return for_html(first, element("pre", rest) if rest else "", latex(code))
