"""The text of an exercise as HTML: what the lab says of it, with formulas as pictures."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from functools import cache, reduce

from chainrule._src.base.escaping import element, for_html
from chainrule._src.base.extras import needs
from chainrule._src.base.forks import lock
from chainrule._src.teach.source import LOAD, Source

_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+(?:\n[^$\n]+)?)\$", re.DOTALL)
_PLACE = re.compile("\ue000(\\d+)\ue001")
_PER_EM = 13.0  # points of a formula's letters, and pixels of the text around
# Commands of TeX that matplotlib does not know, or that concern the page and not the formula.
_OTHER_WORDS = {
    "tfrac": r"\frac", "top": "T", "Big": "", "big": "", "text": r"\mathrm", "limits": "",
    "lVert": r"\Vert", "rVert": r"\Vert", "le": r"\leq", "ge": r"\geq",
}  # fmt: skip
_WORD = re.compile(r"\\([a-zA-Z]+)")
_turns = lock()  # matplotlib's reader of formulas and its settings serve one thread at a time
_CASES = re.compile(r"\\begin\{cases\}(.+?)\\end\{cases\}")
_ROW_END = re.compile(r"\\\\(?:\[\w+\])?")


def task_html(lab: Source, name: str, student: str = "") -> str:
    """Return the text of an exercise: the cells from the exercise before it to its last cell.

    Cells that define or check an exercise are left out.
    """
    with needs("the text of an exercise", "teach", "markdown_it"):
        from markdown_it import MarkdownIt

    formulas: list[str] = []

    def place(match: re.Match[str]) -> str:
        formulas.append(_formula(match[1] or match[2], is_block=bool(match[1])))
        return f"\ue000{len(formulas) - 1}\ue001"

    parts = [
        _FORMULA.sub(place, text) if is_text else f"```python\n{text}\n```"
        for is_text, text in _cells(lab, name, student)
    ]
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    html = str(markdown.render("\n\n".join(parts))).replace("<pre>", '<pre tabindex="0">')
    return _PLACE.sub(lambda match: formulas[int(match[1])], html)


def _cells(lab: Source, name: str, student: str) -> Iterator[tuple[bool, str]]:
    """Yield the cells of an exercise's text: true for Markdown, and the text."""
    blocks = [block for block in lab.blocks(solved=False, student=student) if block[1] is not LOAD]
    owners = [{*cell.exercises, cell.check, cell.checks} - {""} for _, cell, _ in blocks]
    cells = [i for i, owner in enumerate(owners) if name in owner]
    before = max((i for i in range(cells[0]) if owners[i]), default=-1)
    for i in range(before + 1, cells[-1]):
        (_, cell, text), owner = blocks[i], owners[i]
        if not owner and not text.lstrip().startswith("%"):
            yield cell.text, text


@cache
def _formula(tex: str, is_block: bool) -> str:
    """Return a formula as the element of a picture, whose alternative text is the source."""
    with needs("formulas", "teach", "matplotlib"):
        import matplotlib
        from matplotlib.mathtext import math_to_image

    words = " ".join(tex.split())
    if is_block:
        words = words.replace(r"\frac", r"\dfrac")
    words = _CASES.sub(_cases, words)
    words = _WORD.sub(lambda match: _OTHER_WORDS.get(match[1], match[0]), words)
    file = io.BytesIO()
    try:
        with (
            _turns,
            matplotlib.rc_context({"figure.facecolor": "none", "savefig.facecolor": "none"}),
        ):
            depth = math_to_image(f"${words}$", file, format="svg", dpi=72)
    except ValueError:  # matplotlib reads a part of TeX
        return str(element("code", for_html(tex)))
    data = base64.b64encode(file.getvalue()).decode()
    return str(element(
        "img", src=f"data:image/svg+xml;base64,{data}", alt=" ".join(tex.split()),
        **{"class": "cb-formula cb-formula--block" if is_block else "cb-formula"},
        style=f"vertical-align:{-depth / _PER_EM:.2f}em",
    ))  # fmt: skip


def _cases(match: re.Match[str]) -> str:
    """Return rows behind a brace as fractions without a line, which matplotlib knows."""
    rows = _ROW_END.split(match[1].replace("&", r"\quad"))
    stacked = reduce(lambda above, row: rf"\genfrac{{}}{{}}{{0}}{{0}}{{{above}}}{{{row}}}", rows)
    return rf"\left\{{{stacked}\right."


__all__ = ["task_html"]
