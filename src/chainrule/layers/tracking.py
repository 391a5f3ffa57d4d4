"""What a layer holds in its attributes: weights, and other layers, in lists, tuples and dicts too.

One walk through the attributes finds all of it, for training, counting, saving and copying alike.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from operator import is_
from typing import Any

from chainrule.errors import DataError

Path = tuple[Any, ...]  # an attribute, then keys of dicts and positions in lists and tuples
OWN = frozenset(("__config__", "_kept", "_new", "_early", "_rng", "_dtype", "_is_building"))


class Holder:
    """What may hold weights, and others of its kind: a layer.

    The attributes in `OWN` are for its own use, and no settings.
    """

    trainable: bool
    built: bool
    _kept: dict[Path, Weight]


@dataclass(frozen=True, eq=False)
class Weight:
    """What is known of a weight: whether it is trained, and what its size costs in the loss."""

    trainable: bool = True
    regularizer: Any = None
    name: str | None = None


@dataclass(frozen=True)
class Held:
    """A weight, and where it is.

    Attributes
    ----------
    layer : Holder
        Whose weight it is.
    path : tuple
        From its attribute on.
    about : Weight
    """

    layer: Holder
    path: Path
    about: Weight

    @property
    def is_trained(self) -> bool:
        """Whether it is trained."""
        return self.about.trainable and self.layer.trainable

    def read(self) -> Any:
        """Return its values."""
        return _at(self.layer, self.path)

    def write(self, values: Any) -> None:
        """Give it other values, wherever its layer holds it."""
        for path, about in self.layer._kept.items():
            if about is self.about:
                put(self.layer, path, values)


def parts(layer: Holder) -> Iterator[tuple[Path, Any]]:
    """Yield all that is held in attributes, with its path; containers come before their parts."""
    for name, value in list(vars(layer).items()):
        if name in OWN:
            continue
        if isinstance(value, (dict, list, tuple)):
            yield from walk(value, (name,))
        else:
            yield (name,), value


def walk(value: Any, path: Path, inside: tuple[int, ...] = ()) -> Iterator[tuple[Path, Any]]:
    """Yield a value with its path, and all within it if it is a list, tuple or dict."""
    yield path, value
    if id(value) not in inside:
        for key, part in _items(value):
            yield from walk(part, (*path, key), (*inside, id(value)))


def sublayers(layer: Holder) -> dict[Path, Holder]:
    """Return the layers that one holds itself, each once."""
    found: dict[int, tuple[Path, Any]] = {}
    for path, part in parts(layer):
        if isinstance(part, Holder):
            found.setdefault(id(part), (path, part))
    return dict(found.values())


def family(layer: Holder, known: tuple[Holder, ...] = ()) -> list[Holder]:
    """Return a layer and all those within it."""
    found = [*known, layer]
    for part in sublayers(layer).values():
        if not any(part is other for other in found):
            found = family(part, tuple(found))
    return found


def held(layer: Holder) -> dict[str, Held]:
    """Return all weights by name, in Keras's order: a layer's own, then those of each sublayer."""
    found: dict[str, Held] = {}
    seen: set[int] = set()

    def visit(mine: Holder, prefix: str) -> None:
        if id(mine) in seen:
            return
        seen.add(id(mine))
        own = {about: path for path, about in reversed(mine._kept.items())}
        for about in sorted(dict.fromkeys(mine._kept.values()), key=lambda w: not w.trainable):
            name = about.name or name_of(own[about])
            found[_free(prefix + name, found)] = Held(mine, own[about], about)
        for path, part in sublayers(mine).items():
            visit(part, f"{prefix}{name_of(path)}_")

    visit(layer, "")
    return found


def kept(layer: Holder, new: Sequence[tuple[Any, Weight]]) -> dict[Path, Weight]:
    """Return where a layer keeps new weights."""
    known = {id(values): about for values, about in new}
    places = {path: known[id(v)] for path, v in parts(layer) if id(v) in known}
    for values, about in new:
        if about not in places.values():
            raise DataError(
                f"{layer}: a weight of shape {values.shape} is kept in no attribute; write "
                "self.name = self.add_weight(...), or put it into a list, tuple or dict there"
            )
    return places


def check_shared(layer: Holder) -> None:
    """Refuse a weight that a layer holds which did not make it: there it would never change."""
    layers = family(layer)
    owners = {id(_at(each, path)): each for each in layers for path in each._kept}
    for each in layers:
        for path, value in parts(each):
            owner = owners.get(id(value), each)
            if path not in each._kept and owner is not each:
                raise DataError(
                    f"{each}: {name_of(path)} is a weight of {owner}; hold that layer, and take "
                    "the weight from it in call"
                )


def copied(value: Any, deep: bool, memo: dict[int, Any] | None = None) -> Any:
    """Return a copy of a layer and its containers; ``deep`` copies the layers within as well."""
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    if isinstance(value, Holder):
        if memo and not deep:
            return value
        twin = memo[id(value)] = copy.copy(value)
        for name, part in vars(value).items():
            if name not in OWN:
                vars(twin)[name] = copied(part, deep, memo)
        return twin
    if isinstance(value, list | dict):
        new: Any = copy.copy(value)
        memo[id(value)] = new
        for key, part in _items(value):
            new[key] = copied(part, deep, memo)
        return new
    if isinstance(value, tuple):
        items = [copied(part, deep, memo) for part in value]
        return value if all(map(is_, items, value)) else _rebuilt(value, items)
    return value


def settings(layer: Holder) -> dict[str, Any]:
    """Return by path all that `call` may look at besides the weights, sublayers' included."""
    found: dict[str, Any] = {}
    layers = family(layer)
    for number, each in enumerate(layers):
        for path, value in parts(each):
            if path in each._kept:
                continue
            if isinstance(value, Holder):
                value = next(i for i, other in enumerate(layers) if other is value)
            elif isinstance(value, list | tuple | dict):
                value = type(value)
            found[".".join(map(str, (number, *path)))] = value
        found[f"{number}"] = type(each)
    return found


# Paths


def _at(layer: Holder, path: Path) -> Any:
    """Return what is at a path."""
    value = vars(layer)[path[0]]
    for key in path[1:]:
        value = value[key]
    return value


def put(layer: Holder, path: Path, values: Any) -> None:
    """Put something at a path; the tuples on the way are made anew."""
    name, *keys = path
    setattr(layer, name, _with(vars(layer).get(name), keys, values))


def _with(container: Any, keys: Sequence[Any], values: Any) -> Any:
    if not keys:
        return values
    key, *rest = keys
    part = _with(container[key], rest, values)
    if isinstance(container, tuple):
        return _rebuilt(container, [*container[:key], part, *container[key + 1 :]])
    container[key] = part
    return container


def name_of(path: Path) -> str:
    """Return a path as a name that could be a variable's."""
    return re.sub(r"\W", "_", "_".join(map(str, path)))


def _free(name: str, taken: Any) -> str:
    number, found = 1, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


# Containers


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from list(value.items())
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def _rebuilt(value: Any, items: Sequence[Any]) -> Any:
    """Return a tuple of other items, a named one by its names."""
    return type(value)._make(items) if hasattr(value, "_make") else type(value)(items)


# What is going on around a layer


@dataclass(frozen=True)
class Surroundings:
    """What a layer that is called within another one is to know.

    Attributes
    ----------
    outer : Holder
        The outermost.
    members : frozenset of int
        The layers within it, by ``id``; empty while it is built.
    training : bool
    rng, dtype
        For new weights, while it is built.
    """

    outer: Holder
    members: frozenset[int] = frozenset()
    training: bool = False
    rng: Any = None
    dtype: Any = None

    @property
    def builds(self) -> bool:
        """Whether new weights may be made."""
        return self.rng is not None


_around: ContextVar[Surroundings | None] = ContextVar("around", default=None)


def around() -> Surroundings | None:
    """Return what is going on around a layer, None for one that is not within another."""
    return _around.get()


@contextmanager
def within(surroundings: Surroundings) -> Iterator[None]:
    """Have layers that are called know what is around them."""
    token = _around.set(surroundings)
    try:
        yield
    finally:
        _around.reset(token)
