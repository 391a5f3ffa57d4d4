"""The functions of a changed program, compiled and run in place of the original functions."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

from chainrule._src.check.code import HOOK, FunctionSource, located
from chainrule._src.check.edits import Edit, applied
from chainrule._src.check.watching import Site

Compiled = list[tuple[FunctionSource, CodeType]]


class ChangeCompiler:
    """Runs a program with changes; a function with a slot is compiled once for many changes."""

    def __init__(self) -> None:
        self._slots: dict[tuple[int, ...], Compiled] = {}

    def run(self, edits: Sequence[Edit], call: Callable[[], Any]) -> Any:
        """Return the result of a call while the program has some changes."""
        *earlier, last = edits
        if last.site and last.fits_a_slot and not any(edit.make_hook for edit in earlier):
            codes = self.with_slot(last.site, earlier)
            new = compile(located(ast.Expression(last.new), last.line), "<changed>", "eval")
            names = last.code.functions[0].__globals__
            hook: Callable[..., Any] = lambda key, scope: eval(new, names, scope)  # noqa: E731
        else:
            codes = compiled_with(edits)
            hooks = {e.site.key: e.make_hook() for e in edits if e.make_hook and e.site}
            hook = lambda key, value: hooks[key](key, value)  # noqa: E731
        with contextlib.ExitStack() as stack:
            for code, compiled in codes:
                stack.enter_context(code.running(compiled, hook))
            return call()

    def with_slot(self, site: Site, earlier: Sequence[Edit] = ()) -> Compiled:
        """Return functions in which the hook evaluates one expression.

        They are compiled once for all changes of this expression: compiling a function takes longer
        than running it.
        """
        key = (*map(id, earlier), site.key)
        if key not in self._slots:
            local = ast.Call(ast.Name("locals", ast.Load()), [], [])
            arguments: list[ast.expr] = [ast.Constant(site.key), local]
            call = ast.Call(ast.Name(HOOK, ast.Load()), arguments, [])
            slot = Edit(site.code, site.owner, site.field, site.index, call, "slot", 0,
                        site.line, site.statement)  # fmt: skip
            self._slots[key] = compiled_with([*earlier, slot])
        return self._slots[key]


def compiled_with(edits: Sequence[Edit]) -> Compiled:
    """Return the functions that changes touch, each with its changed code object."""
    with applied(edits):
        return [(code, code.compiled(code.tree)) for code in {e.code for e in edits}]
