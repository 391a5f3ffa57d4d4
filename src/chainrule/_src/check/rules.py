"""Tables of rules: the changes that are tried on an expression, by its type.

A rule is one idea of a mistake. It yields changes: the new expression, the kind of the mistake
(which has its sentence in `wording`), a cost (how unlikely the mistake is), and a detail for the
sentence.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from chainrule._src.check.edits import Change, called_name
from chainrule._src.check.surroundings import BuildingBlocks
from chainrule._src.check.watching import Site

Rule = Callable[[Any, Site, BuildingBlocks], Iterator[Change]]


class Rules:
    """A table of rules; changes come in the order of the rules.

    Examples
    --------
    >>> table = Rules()
    >>> @table.of(ast.Call, names=("log",))
    ... def without_log(node, site, around):
    ...     yield node.args[0], "extra call", 1.1, "log"
    """

    def __init__(self) -> None:
        self._rows: list[tuple[tuple[type[ast.expr], ...], tuple[str, ...], Rule]] = []

    def of(self, *types: type[ast.expr], names: tuple[str, ...] = ()) -> Callable[[Rule], Rule]:
        """Return a decorator that adds a rule for expressions of these types.

        Parameters
        ----------
        *types : type of ast.expr
        names : tuple of str
            Names of functions, if the rule applies to their calls alone.
        """

        def add(rule: Rule) -> Rule:
            self._rows.append((types, names, rule))
            return rule

        return add

    def changes(self, site: Site, around: BuildingBlocks) -> Iterator[Change]:
        """Yield the changes that all rules for the type of an expression propose."""
        name = called_name(site.node)
        for types, names, rule in self._rows:
            if isinstance(site.node, types) and (not names or name in names):
                yield from rule(site.node, site, around)
