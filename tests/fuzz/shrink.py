"""From a program to smaller ones, which may fail in the same way."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from tests.fuzz.programs import Array, Node, Program, Statement

from chainrule._src.core.trees import leaves


def smaller(program: Program) -> Iterator[Program]:
    """Propose smaller programs, what leaves most away first; many of them make no sense."""
    change = dataclasses.replace
    if " + " in program.loss.template:
        for operand in program.loss.operands:
            yield change(program, loss=operand)
    for i, statement in enumerate(program.statements):
        loss = Node("np.sum({0})", (Node(statement.name),))
        if len(str(loss)) < len(str(program.loss)):
            yield change(program, statements=program.statements[: i + 1], loss=loss)
    used = {str(node) for node in program.nodes() if not node.operands}
    yield change(program, statements=tuple(s for s in program.statements if s.name in used))
    for i, statement in reversed(list(enumerate(program.statements))):
        rest = program.statements[:i] + program.statements[i + 1 :]
        yield change(program, statements=rest)
        if statement.writes:
            continue
        if not statement.head:
            yield _everywhere(
                change(program, statements=rest), Node(statement.name), statement.node
            )
        else:
            plain = Statement(statement.name, statement.node)
            yield change(program, statements=(*rest[:i], plain, *rest[i:]))
    if len(program.data) > 1:
        for i in range(1, len(program.data)):
            yield change(program, data=program.data[:i] + program.data[i + 1 :])
    yield from _fewer_parameters(program)
    for node in sorted(set(program.nodes()), key=lambda node: -len(str(node))):
        for new in (*node.operands, *(Node(text) for text in ("p", "X", "1.0"))):
            if len(str(new)) < len(str(node)):
                yield _everywhere(program, node, new)
        for template in _shorter(node.template):
            yield _everywhere(program, node, Node(template, node.operands))
    for n in (1, 2, 3):
        if n < program.n:
            yield change(program, n=n, sizes=(n, *program.sizes[1:]))
    for i in range(1, len(program.sizes)):
        yield change(program, sizes=program.sizes[:i] + program.sizes[i + 1 :])
    yield from _plainer_arrays(program)


def _everywhere(program: Program, old: Node, new: Node) -> Program:
    statements = tuple(
        dataclasses.replace(statement, node=statement.node.replaced(old, new))
        for statement in program.statements
    )
    return dataclasses.replace(program, statements=statements, loss=program.loss.replaced(old, new))


def _shorter(template: str) -> Iterator[str]:
    """Propose templates with an argument or a part of an index left away."""
    for found in re.finditer(r", (?:\w+=)?(?:\([^()]*\)|\[[^][]*\]|[^][(),]+)(?=[,)\]])", template):
        yield template[: found.start()] + template[found.end() :]
    for found in re.finditer(r"(?<=\[)[^][(),]+, ", template):
        yield template[: found.start()] + template[found.end() :]


def _fewer_parameters(program: Program) -> Iterator[Program]:
    found = list(leaves(program.params))
    if not found[0][0]:
        return
    for path, array in found:
        text = "p" + "".join(f"[{part!r}]" for part in path)
        yield _everywhere(dataclasses.replace(program, params=array), Node(text), Node("p"))


def _plainer_arrays(program: Program) -> Iterator[Program]:
    def placed(tree: Any, path: Any, new: Array) -> Any:
        if not path:
            return new
        if isinstance(tree, dict):
            return {k: placed(v, path[1:], new) if k == path[0] else v for k, v in tree.items()}
        return type(tree)(
            placed(v, path[1:], new) if i == path[0] else v for i, v in enumerate(tree)
        )

    for path, array in leaves(program.params):
        for new in _plainer(array):
            yield dataclasses.replace(program, params=placed(program.params, path, new))
    for i, (name, array) in enumerate(program.data):
        for new in _plainer(array):
            data = (*program.data[:i], (name, new), *program.data[i + 1 :])
            yield dataclasses.replace(program, data=data)


def _plainer(array: Array) -> Iterator[Array]:
    change = dataclasses.replace
    if array.layout != "C":
        yield change(array, layout="C")
    if array.dtype == "float32":
        yield change(array, dtype="float64")
    for i, size in enumerate(array.shape):
        rest = array.shape[:i], array.shape[i + 1 :]
        yield change(array, shape=rest[0] + rest[1])
        for less in (1, 2):
            if less < size:
                yield change(array, shape=(*rest[0], less, *rest[1]))
