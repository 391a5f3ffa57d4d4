"""The lines that the results alone point at: it is known what must be added to their values."""

from __future__ import annotations

import ast

import numpy as np

from chainrule._src.check.comparing import scale_of
from chainrule._src.check.equations import IMPOSSIBLE
from chainrule._src.check.settled import outermost
from chainrule._src.check.subject import FaultyProgram
from chainrule._src.check.watching import Site

PINNING = 0.25  # of the time that is left, to solve for what must be added to each line


def pinned_lines(subject: FaultyProgram) -> list[Site]:
    """Return the lines of which it is known what must be added, in the order they run.

    If there are some, a single mistake is in none of the lines that are then ``ruled_out``.
    """
    if subject.pinned is None:
        subject.pinned, others = [], set()
        limit = subject.part_of_time(PINNING)
        lines = [p for p in outermost(subject.watch) if p.trace.values and not p.nested]
        for line in sorted(lines, key=lambda site: site.trace.order):
            if limit.has_passed or subject.responses is None:
                break
            if id(line.statement) in subject.settled or not subject.reach(line) & subject.wrong:
                continue
            subject.reached(line)  # this confirms the slopes
            addition = subject.responses.located(line)
            if addition is IMPOSSIBLE:
                is_whole = line.owner is line.statement and not _writes_entries(line.statement)
                is_spread = np.shape(line.value) != np.shape(subject.result(line))
                if is_whole and not is_spread:  # of an argument it tells nothing of the others
                    others.add(id(line.statement))
            elif addition is not None:
                subject.pinned.append(line)
        others -= {id(line.statement) for line in subject.pinned}
        subject.ruled_out = others if subject.pinned else set()
    return subject.pinned


def _writes_entries(statement: ast.AST) -> bool:
    """Return true if a statement adds to entries of an array, perhaps to wrong ones."""
    target = getattr(statement, "target", None)
    return isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant)


def seems_twofold(subject: FaultyProgram) -> bool:
    """Return true if no change of a line's value is known to mend all of several results."""
    return len(subject.wrong) > 1 and subject.responses is not None and not pinned_lines(subject)


def groups(subject: FaultyProgram) -> list[frozenset[str]]:
    """Return groups of wrong results that one of two mistakes may explain.

    First those that are the same multiple of the right ones, then single ones: those that the
    fewest lines reach.
    """
    by_factor: dict[float, set[str]] = {}
    for name in subject.wrong:
        factor = scale_of(subject.before.get(name), subject.expected[name])
        if factor is not None:
            by_factor.setdefault(float(f"{factor:.4g}"), set()).add(name)
    multiples = [frozenset(names) for names in by_factor.values() if len(names) > 1]
    return [*multiples, *(frozenset([name]) for name in _by_lines(subject))]


def _by_lines(subject: FaultyProgram) -> list[str]:
    """Return the wrong results, those first that the fewest lines reach."""
    lines = [p for k, p in subject.lines.items() if k not in subject.settled]
    counts = {n: sum(n in subject.reach(p) for p in lines) for n in subject.wrong}
    several = dict.fromkeys(counts.values())  # of results with the same number of lines, one
    firsts = {count: min(n for n in counts if counts[n] == count) for count in several}
    return [firsts[count] for count in sorted(firsts)]
