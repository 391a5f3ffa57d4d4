"""Names of a program's variables in a text."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from collections.abc import Container, Iterable
from typing import Any

from chainrule._src.core.equations import Listing, Variable
from chainrule._src.core.trees import leaves


class Names:
    """Unique names of variables: the name in the recorded code, or else a numbered name.

    Arguments keep their names. With ``renames``, an argument with a reserved name gets another.
    """

    def __init__(
        self,
        program: Listing,
        value: Any,
        name: str,
        reserved: Iterable[str] = (),
        renames: bool = False,
    ) -> None:
        self.taken = {"np", *keyword.kwlist, *reserved}
        self.taken.update(() if renames else program.arguments)
        self.chosen: dict[Variable, str] = {}
        for path, variable in leaves(program.arguments):
            bare = len(path) == 1
            wish = str(path[0] if bare else variable.name)
            self.chosen[variable] = wish if bare and not renames else self.fresh(wish)
        if isinstance(value, Variable) and value.name is None:
            value.name = name if name.isidentifier() else "value"
        for equation in program.equations:
            variable = equation.output
            if variable.name and variable not in self.chosen:
                self.chosen[variable] = self.fresh(variable.name)
        self.count = 0
        self._turns: list[str] = []

    def add(self, program: Listing, but: Container[Variable] = ()) -> None:
        """Choose names for the variables of a nested program that had names in the code."""
        for variable in program.variables:
            source = variable.adjoint_of
            wish = variable.name or (source is not None and source.name and f"d_{source.name}")
            if wish and variable not in but and variable not in self.chosen:
                self.chosen[variable] = self.fresh(wish)

    def fresh(self, wish: str) -> str:
        """Return ``wish``, or ``wish`` with a number if the name exists already."""
        wish = unicodedata.normalize("NFKC", wish)  # as Python normalises identifiers
        wish = "".join(c if f"_{c}".isidentifier() else "_" for c in wish)
        wish = wish if wish.isidentifier() else f"_{wish}"
        name, i = wish, 1
        while name in self.taken or name in vars(builtins):
            name, i = f"{wish}_{i}", i + 1
        self.taken.add(name)
        return name

    def turn(self, depth: int) -> str:
        """Return the name of the loop variable for a loop at this depth of nesting."""
        while len(self._turns) <= depth:
            self._turns.append(self.fresh("t"))
        return self._turns[depth]

    def is_named(self, variable: Variable) -> bool:
        """Return true if the variable, or the variable that it is the gradient of, has a name."""
        source = variable.adjoint_of
        return bool(variable.name) or (source is not None and bool(source.name))

    def __getitem__(self, variable: Variable) -> str:
        if variable not in self.chosen:
            source = variable.adjoint_of
            if source is not None and (source.name or source in self.chosen):
                self.chosen[variable] = self.fresh(f"d_{self[source]}")
            else:
                self.count += 1
                self.chosen[variable] = self.fresh(f"t{self.count}")
        return self.chosen[variable]
