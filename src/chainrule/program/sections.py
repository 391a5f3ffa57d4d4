"""An update's work shared out among threads.

Every section is a stretch of work that threads do together, each its part of the turns of one loop
variable, or that one of them does while the others wait. They meet between sections. Samples are
what is shared out where it is possible: then most of a batch's values stay with one thread, and
sections that follow one another need no meeting.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.program.loops import PART, Item, Loop, Statement, can_share, conflict, in_step, text
from chainrule.program.lowering import Lowering

WORTHWHILE = 4096  # entries from which a loop over anything but samples is shared out


@dataclass(eq=False)
class Section:
    """A stretch of an update's work.

    Attributes
    ----------
    items : list of Item
    variable : str or None
        The loop variable whose turns are shared out; None if one thread does all.
    extent : str
        Of that variable.
    """

    items: list[Item]
    variable: str | None = None
    extent: str = ""

    def text(self, indent: str, shared: bool) -> Iterator[str]:
        """Yield the lines of Python."""
        if not shared:
            yield from text(self.items, indent)
            return
        if self.variable is None:
            yield f"{indent}if thread == 0:"
            yield from text(self.items, indent + "    ")
        else:
            yield f"{indent}for {PART} in range(thread, parts, threads):"
            for item in self.items:
                rows = isinstance(item, Statement) and self.variable in _rows(item)
                for line in text([item], indent + "    ", self.variable):
                    yield re.sub(r"(\b[sd]gemm\(.*)\)$", rf"\1, {int(rows)}, part, parts)", line)
        yield f"{indent}meet(meeting, threads)"


def shared_out(items: list[Item], low: Lowering) -> list[Section]:
    """Share the work of an update out."""
    outside = {
        access.name
        for item in items
        if isinstance(item, Statement)
        for access in item.accesses
        if access.index == ()
    }
    sections: list[Section] = []
    for item in items:
        variable, extent = _shared(item, outside, low)
        for section in reversed(sections):  # the earlier, the fewer meetings
            if _go_together(section, item, variable, extent, low.sample):
                section.items.append(item)
                if section.variable == PART:
                    section.variable, section.extent = variable, extent
                break
            if any(conflict(x, item) for x in section.items):
                sections.append(Section([item], variable, extent))
                break
        else:
            sections.append(Section([item], variable, extent))
    return sections


def _go_together(
    section: Section, item: Item, variable: str | None, extent: str, sample: str
) -> bool:
    """Whether an item may follow in a section without a meeting."""
    if variable is None or section.variable is None:
        return variable is section.variable
    same = (section.variable, section.extent) == (variable, extent)
    if not same and {section.variable, variable} != {PART, sample}:
        return False
    turn = section.variable if variable == PART else variable
    return all(in_step(x, item, turn) for x in section.items)


def _shared(item: Item, outside: set[str], low: Lowering) -> tuple[str | None, str]:
    """Return the loop variable to share out and its extent: the sample, or the outermost."""
    sample = low.sample
    written = [access.index for access in item.accesses if access.writes and access.index]
    if written and all(PART in index for index in written) and sample not in _extents(item):
        return PART, ""
    if isinstance(item, Statement):
        if not _is_product(item):
            return None, ""
        first, _, made = item.accesses
        rows = [v for v in made.index if v in first.index]
        call: Any = item.node
        height, width = (ast.unparse(argument) for argument in call.value.args[2:4])
        if len(made.index) != 2:  # axes taken together, not by samples: shared out on its own
            first_other = next(v for v in made.index if v != sample)
            return first_other, f"{height}, of {made.name}"
        chosen = sample if sample in made.index else made.index[0]
        return chosen, height if chosen in rows else width
    extents = _extents(item)
    candidates = [v for v in extents if v == sample] + [v for v in extents if v != sample]
    entries = low.entries_of(list(extents.values()))
    for variable in candidates:
        worthwhile = variable == sample or entries >= WORTHWHILE
        if worthwhile and can_share(item, variable, outside):
            return variable, extents[variable]
    return None, ""


def _extents(item: Item) -> dict[str, str]:
    found: dict[str, str] = {}
    if isinstance(item, Loop):
        found[item.var] = item.extent
        for inner in item.body:
            found |= _extents(inner)
    return found


def _is_product(item: Statement) -> bool:
    return isinstance(item.node, ast.Expr)


def _rows(item: Statement) -> tuple[str, ...]:
    """Return the variables of a matrix product's rows."""
    if not _is_product(item):
        return ()
    first, _, made = item.accesses
    return tuple(variable for variable in made.index if variable in first.index)
