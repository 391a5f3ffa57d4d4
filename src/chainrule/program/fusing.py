"""What makes loops fast: fusing them, keeping values in local variables, reading ahead of loops."""

from __future__ import annotations

import ast
from typing import Any

from chainrule.program.loops import (
    Access,
    Item,
    Loop,
    Statement,
    accesses_of,
    bodies,
    conflict,
    in_step,
    place_of,
    renamed,
    walk,
)


def fuse(items: list[Item]) -> list[Item]:
    """Join loops of the same extent where every entry is used in the turn that makes it."""
    done: list[Item] = []
    for item in items:
        if not (isinstance(item, Loop) and _joined(done, item)):
            done.append(item)
    for item in done:
        if isinstance(item, Loop):
            item.body = fuse(item.body)
            item.changed()
    return done


def _joined(done: list[Item], loop: Loop) -> bool:
    """Join ``loop`` with an earlier one, if there is one that it can be moved to or that can."""
    for place in range(len(done) - 1, -1, -1):
        first = done[place]
        if not isinstance(first, Loop) or not _alike(first, loop):
            continue
        second = loop
        if loop.var != first.var:
            second = renamed(loop, {loop.var: first.var, first.var: loop.var})  # type: ignore[assignment]
        if not _no_locals(first, second) or not in_step(first, second, first.var):
            continue
        between = done[place + 1 :]
        joined = Loop(first.var, first.extent, first.body + second.body)
        if not any(conflict(item, loop) for item in between):
            done[place] = joined
            return True
        if not any(conflict(first, item) for item in between):
            del done[place]
            done.append(joined)
            return True
    return False


def _alike(first: Loop, second: Loop) -> bool:
    if first.extent != second.extent or first.innermost != second.innermost:
        return False
    names = {x.name for x in first.accesses if x.index} & {
        x.name for x in second.accesses if x.index
    }
    return bool(names)


def _no_locals(first: Loop, second: Loop) -> bool:
    """Whether no local variable that one writes is touched by the other."""
    return not any(
        a.name == b.name and (a.writes or b.writes)
        for a in first.accesses
        if a.index == ()
        for b in second.accesses
        if b.index == ()
    )


class _Replaced(ast.NodeTransformer):
    """Puts local variables in the place of entries."""

    def __init__(self, entries: dict[tuple[str, tuple[str, ...]], str]) -> None:
        self.entries = entries

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            access = list(place_of(node, False))[-1]
            local = self.entries.get((access.name, access.index))
            if local:
                return ast.Name(local, ast.Load())
        return node


def _local(access: Access) -> str:
    """Name the local variable that holds an entry: ``h[i, j]`` becomes ``h_ij``."""
    parts = [part for part in access.index if part != "0"]
    return f"{access.name}_{''.join(parts)}" if parts else f"{access.name}_0"


def _simple(access: Access) -> bool:
    index = access.index
    return bool(index) and all(part.isidentifier() or part == "0" for part in index)


def keep_in_locals(
    items: list[Item], temporaries: set[str], taken: set[str], inside: bool = False
) -> set[str]:
    """Let an entry that is made and used in one turn of a loop live in a local variable.

    With ``inside`` it is done inside loops alone. Returns the names of the temporaries that need
    no array any more.
    """
    gone = set()
    for body in list(bodies(items))[1 if inside else 0 :]:
        for item in list(body):
            made = _made(item)
            if made is None:
                continue
            place = body.index(item)
            later = body[place + 1 :]
            if any(a.name == made.name and a.writes for x in later for a in x.accesses):
                continue
            entry = (made.name, made.index)
            users = [x for x in later if any((a.name, a.index) == entry for a in x.accesses)]
            alone = made.name in temporaries and _used_only(items, item, later, entry)
            if not alone and not users:
                continue
            local = _fresh(_local(made), taken)
            for user in users:
                _replace(user, {(made.name, made.index): local})
            _store_local(body, place, local, keeps=not alone)
            if alone:
                gone.add(made.name)
    return gone


def _used_only(items: list[Item], made: Item, later: list[Item], entry: Any) -> bool:
    """Whether an array is touched by one statement and by later ones at the same entry alone."""
    near = {id(statement) for statement in walk(later)}
    return all(
        statement is made or ((access.name, access.index) == entry and id(statement) in near)
        for statement in walk(items)
        for access in statement.accesses
        if access.name == entry[0]
    )


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _made(item: Item) -> Access | None:
    """Return the entry that a statement assigns, if that is all it does."""
    if isinstance(item, Statement) and isinstance(item.node, ast.Assign):
        access = item.accesses[-1]
        if access.writes and _simple(access):
            return access
    return None


def _replace(item: Item, entries: dict[tuple[str, tuple[str, ...]], str]) -> None:
    for statement in walk([item]):
        if any((a.name, a.index) in entries for a in statement.accesses):
            statement.node = _Replaced(entries).visit(statement.node)
            statement.touched = None
    if isinstance(item, Loop):
        for body in bodies([item]):
            for x in body:
                if isinstance(x, Loop):
                    x.changed()


def _store_local(body: list[Item], place: int, local: str, keeps: bool) -> None:
    statement = body[place]
    assert isinstance(statement, Statement)
    assert isinstance(statement.node, ast.Assign)
    target = statement.node.targets[0]
    body[place] = Statement(_assign(ast.Name(local, ast.Store()), statement.node.value))
    if keeps:
        store = Statement(_assign(target, ast.Name(local, ast.Load())))
        body.insert(place + 1, store)


def _assign(target: ast.expr, value: ast.expr) -> ast.Assign:
    return ast.Assign([target], value, lineno=0)


def hoist(items: list[Item], taken: set[str]) -> None:
    """Read an entry that stays the same through a loop once, before it."""
    place = 0
    while place < len(items):
        item = items[place]
        if isinstance(item, Loop):
            written = {a.name for a in item.accesses if a.writes}
            inside = _loop_variables(item)
            sometimes = _chosen(item)
            fixed = {
                a: None
                for a in item.accesses
                if _simple(a)
                and a.name not in sometimes
                and not a.writes
                and a.name not in written
                and not inside & set(a.index)
                and not written & set(a.index)
            }
            entries = {}
            for access in fixed:
                local = _fresh(_local(access), taken)
                entries[access.name, access.index] = local
                index = ", ".join(access.index)
                node = ast.parse(f"{local} = {access.name}[{index}]").body[0]
                items.insert(place, Statement(node))
                place += 1
            if entries:
                _replace(item, entries)
                item.changed()
            hoist(item.body, taken)
        place += 1


def _chosen(item: Item) -> set[str]:
    """Return what is read under a condition: there may be nothing to read where it fails."""
    return {
        access.name
        for statement in walk([item])
        for node in ast.walk(statement.node)
        if isinstance(node, ast.IfExp | ast.If)
        for branch in ast.iter_child_nodes(node)
        for access in accesses_of(branch)
    }


def _loop_variables(loop: Loop) -> set[str]:
    inner = (_loop_variables(item) for item in loop.body if isinstance(item, Loop))
    return {loop.var}.union(*inner)
