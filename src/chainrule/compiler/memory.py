"""Where arrays lie: new state over the old, temporaries in one another's memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from chainrule.compiler.lowering import Lowering, places
from chainrule.compiler.nodes import Access, Buffer
from chainrule.compiler.sections import Section
from chainrule.compiler.statements import Item, Store, forget, nest, walk
from chainrule.program.batch import Linear
from chainrule.program.equations import Variable

SMALL, STACK = 2**10, 2**16  # bytes of an array on the stack, and of all that are


def renewals(low: Lowering, pairs: Iterable[tuple[Buffer, Any]]) -> dict[Buffer, Buffer]:
    """Return the buffers that hold the new values of others: which leads to whose.

    A value that was made here, in a buffer of the same form, is there already; another, of outside
    or the new value of two, is copied.
    """
    written = {a.what for item in low.items for a in item.accesses if a.writes}
    renewed: dict[Buffer, Buffer] = {}
    for home, new in pairs:
        made = low.stored.get(new) if isinstance(new, Variable) else None
        if (
            made is None
            or made not in written
            or made in renewed
            or (made.dtype, made.shape, made.order) != (home.dtype, home.shape, home.order)
        ):
            made = low.buffer(low.names.fresh(f"{home.name}_next"), home.shape, home.dtype)
            made.order = home.order
            low.fill(made, partial(low.entry, new, dtype=home.dtype))
        renewed[made] = home
    return renewed


def in_place(low: Lowering, items: list[Item], renewed: Mapping[Buffer, Buffer]) -> list[Item]:
    """Write new state over the old where nothing reads the old any more, or copy it at the end.

    ``renewed`` leads from the buffers of new state to those of the old.
    """
    touches: dict[Any, list[tuple[int, int, Access]]] = {}
    position = 0
    for top, item in enumerate(items):
        for statement in walk([item]):
            position += 1
            for access in statement.accesses:
                touches.setdefault(access.what, []).append((top, position, access))
    copies: list[Item] = []
    for new, old in renewed.items():
        if _may_replace(touches.get(new, []), touches.get(old, [])):
            new.home = old
        else:
            axes = low.axes(old.shape)
            index = places(axes)
            copy = Store(old.at(index), new.at(index))
            copies += nest([axes[axis] for axis in old.order], [copy])
    forget(items)
    return items + copies


def _may_replace(new: Sequence[Any], old: Sequence[Any]) -> bool:
    """Whether the old array can be written over where the new one is made."""
    first_top, first_position, made = next(t for t in new if t[2].writes)
    return all(
        top < first_top
        or (top == first_top and place <= first_position and access.index == made.index)
        for top, place, access in old
    )


def on_the_stack(buffers: Iterable[Buffer]) -> None:
    """Let small temporaries lie on the stack, of which LLVM puts much into registers."""
    left = STACK
    for buffer in buffers:
        if buffer.role == "temporary" and all(isinstance(size, int) for size in buffer.shape):
            size = math.prod(buffer.shape) * buffer.dtype.itemsize
            if size <= min(SMALL, left):
                buffer.role = "local"
                left -= size


def slots(
    sections: Sequence[Section], buffers: Sequence[Buffer], shared: bool
) -> dict[Buffer, Buffer]:
    """Let temporaries whose lives do not overlap share memory: which has whose."""
    groups = [(section, group) for section in sections for group in section.groups]
    items = [(*where, item) for where in groups for item in where[1].items]
    lives: dict[Any, list[Any]] = {}  # in whose turn, in which section and group
    for turn, (section, group, item) in enumerate(items):
        for access in item.accesses:
            lives.setdefault(access.what, []).append((turn, section, group))
    temporaries = [b for b in buffers if b.role == "temporary"]
    free: dict[Any, list[tuple[Buffer, list[Buffer]]]] = {}  # by form: whose memory, who had it
    found: dict[Buffer, Buffer] = {}
    for buffer in sorted(temporaries, key=lambda b: lives[b][0][0]):
        begin, section, group = lives[buffer][0]
        owners = free.setdefault(_form(buffer), [])
        for owner, users in owners:
            last, *_ = lives[users[-1]][-1]
            near = {g for user in users for _, s, g in lives[user] if s is section}
            alone = not near or (near == {group} and _in_the_same_places(users[-1], buffer))
            if last < begin and (alone or not shared):
                found[buffer] = owner
                users.append(buffer)
                break
        else:
            owners.append((buffer, [buffer]))
    return found


def _form(buffer: Buffer) -> Any:
    return buffer.dtype, tuple(sorted(map(str, buffer.memory_shape)))


def _in_the_same_places(one: Buffer, other: Buffer) -> bool:
    """Whether threads that work on both without a meeting find their samples in the same places."""
    by_sample = any(isinstance(size, Linear) for size in one.shape)
    return by_sample and one.memory_shape == other.memory_shape
