"""Memory reuse: new state overwrites the old, and temporaries share memory by liveness."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product, takewhile
from typing import Any, NamedTuple

from chainrule._src.compile.lower.fusing import same_turn
from chainrule._src.compile.lower.lowering import Lowering, places
from chainrule._src.compile.lower.nodes import PART, Access, Buffer, Expr
from chainrule._src.compile.lower.sections import Group, Section
from chainrule._src.compile.lower.statements import Item, Loop, Store, forget, nest, walk
from chainrule._src.core.equations import Variable

SMALL, STACK = 2**10, 2**16  # the most bytes of an array on the stack, and of all such arrays


def renewals(low: Lowering, pairs: Iterable[tuple[Buffer, Any]]) -> dict[Buffer, Buffer]:
    """Return a dict from the buffers of new values to the buffers of the old values.

    A value in a buffer of the same dtype, shape and order needs no copy. A value from outside, or
    one that is the new value of two buffers, is copied to a new buffer.
    """
    written = {a.what for item in low.items for a in item.accesses if a.writes}
    renewed: dict[Buffer, Buffer] = {}
    for home, new in pairs:
        buffer = low.stored.get(new) if isinstance(new, Variable) else None
        if (
            buffer is None
            or buffer not in written
            or buffer in renewed
            or (buffer.dtype, buffer.shape, buffer.order) != (home.dtype, home.shape, home.order)
        ):
            buffer = low.buffer(low.names.fresh(f"{home.name}_next"), home.shape, home.dtype)
            buffer.order = home.order
            low.fill(buffer, partial(low.entry, new, dtype=home.dtype))
        renewed[buffer] = home
    return renewed


def in_place(low: Lowering, items: list[Item], renewed: Mapping[Buffer, Buffer]) -> list[Item]:
    """Overwrite old state where it is no longer live; copy the new state at the end otherwise.

    ``renewed`` maps the buffers of new state to those of old state.
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
    """Return true if the statement that writes the new array can overwrite the old array."""
    first_top, first_position, write = next(t for t in new if t[2].writes)
    return all(
        top < first_top
        or (top == first_top and position <= first_position and access.index == write.index)
        for top, position, access in old
    )


def on_the_stack(buffers: Iterable[Buffer]) -> None:
    """Move small temporaries to the stack, so that LLVM can move them into registers."""
    available = STACK
    for buffer in buffers:
        if buffer.role == "temporary" and all(isinstance(size, int) for size in buffer.shape):
            size = math.prod(buffer.shape) * buffer.dtype.itemsize
            if size <= min(SMALL, available):
                buffer.role = "local"
                available -= size


def slots(sections: Sequence[Section], buffers: Sequence[Buffer]) -> dict[Buffer, Buffer]:
    """Let temporaries with disjoint live ranges share memory.

    Returns a dict from a buffer to the earlier buffer whose memory it reuses.
    """
    lives: dict[Any, _Life] = {}
    turn = 0
    for section in sections:
        for group in section.groups:
            for item in group.items:
                turn += 1
                for at, (access, loops) in enumerate(_accesses([item])):
                    life = lives.setdefault(access.what, _Life(turn))
                    life.note(_AccessPosition(turn, at, access, loops), section, group)
    temporaries = [b for b in buffers if b.role == "temporary"]
    free: dict[Any, list[_Slot]] = {}  # by dtype and sizes
    shared: dict[Buffer, Buffer] = {}
    for buffer in sorted(temporaries, key=lambda b: lives[b].begin):
        candidates, life = free.setdefault(_form(buffer), []), lives[buffer]
        slot = next((slot for slot in candidates if slot.is_free(buffer, life)), None)
        if slot is None:
            candidates.append(_Slot(buffer, life))
        else:
            shared[buffer] = slot.owner
            slot.take(buffer, life)
    return shared


class _SectionAccess(NamedTuple):
    """The way in which a section accesses a buffer.

    Attributes
    ----------
    group : Group
    own : Index
        The parts of the index that differ between threads; None for all other parts.
    """

    group: Group
    own: tuple[Expr | None, ...]


class _AccessPosition(NamedTuple):
    """The position of an access to a buffer.

    Attributes
    ----------
    turn : int
        The number of the item.
    at : int
        The number of earlier accesses in the item.
    access : Access
    loops : tuple of Loop
        The enclosing loops, the outermost first.
    """

    turn: int
    at: int
    access: Access
    loops: tuple[Loop, ...]


class _Life:
    """The live range of a buffer: its first item, its last item, and its accesses by section."""

    def __init__(self, turn: int) -> None:
        self.begin = self.end = turn
        self.places: list[_AccessPosition] = []
        self.touches: dict[Section, set[_SectionAccess]] = {}

    def note(self, position: _AccessPosition, section: Section, group: Group) -> None:
        """Extend the live range by an access."""
        telling, index = (group.sharing[0], PART), position.access.index or ()
        thread_index = tuple([i if any(i is x for x in telling) else None for i in index])
        if not self.places:
            self.first = position
        elif position.turn != self.end:
            self.places.clear()
        self.places.append(position)
        self.end = position.turn
        self.touches.setdefault(section, set()).add(_SectionAccess(group, thread_index))


class _Slot:
    """Memory that several buffers use, one after another."""

    def __init__(self, owner: Buffer, life: _Life) -> None:
        self.owner = owner
        self.touches: dict[Section, set[_SectionAccess]] = {}
        self.take(owner, life)

    def take(self, buffer: Buffer, life: _Life) -> None:
        """Assign the memory to a buffer."""
        self.last, self.life = buffer, life
        for section, touches in life.touches.items():
            self.touches.setdefault(section, set()).update(touches)

    def is_free(self, buffer: Buffer, life: _Life) -> bool:
        """Return true if a buffer may reuse the memory: no thread may write what another reads."""
        section, touches = next(iter(life.touches.items()))
        if self.life.end >= life.begin and not self._gives_way(buffer, life):
            return False
        if section not in self.touches:
            return True
        pairs = list(product(self.touches[section], touches))
        if all(one.group.sharing[0] is other.group.sharing[0] is None for one, other in pairs):
            return True
        same_shape = buffer.memory_shape == self.last.memory_shape
        return same_shape and all(
            one.group.sharing == other.group.sharing
            and same_turn(one.own, other.own, one.group.sharing[0])
            for one, other in pairs
        )

    def _gives_way(self, buffer: Buffer, life: _Life) -> bool:
        """Return true if each entry is written right after the last read of the old entry."""
        last, first = self.last, life.first
        index = first.access.index or ()

        def is_over(position: _AccessPosition) -> bool:
            """Return true if the read is before the write, in the same iteration of every loop."""
            around = takewhile(
                lambda pair: pair[0] is pair[1], zip(position.loops, first.loops, strict=False)
            )
            once = all(any(loop.var is part for part in index) for loop, _ in around)
            return once and position.at < first.at and position.access.index == index

        return (
            self.life.end == life.begin
            and (buffer.memory_shape, buffer.order) == (last.memory_shape, last.order)
            and first.access.writes
            and first.access.is_simple
            and all(map(is_over, self.life.places))
        )


def _accesses(
    items: Sequence[Item], loops: tuple[Loop, ...] = ()
) -> Iterator[tuple[Access, tuple[Loop, ...]]]:
    """Yield all accesses in order, each with its enclosing loops."""
    for item in items:
        if isinstance(item, Loop):
            yield from _accesses(item.body, (*loops, item))
        else:
            yield from ((access, loops) for access in item.accesses)


def _form(buffer: Buffer) -> Any:
    return buffer.dtype, tuple(sorted(map(str, buffer.memory_shape)))
