"""What a layer holds in its attributes: weights, and other layers, in lists, tuples and dicts too.

One walk through the attributes finds all of it, for training, counting, saving and copying alike.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem, is_
from typing import Any

from chainrule._src.base import variables
from chainrule._src.base.errors import DataError
from chainrule._src.base.handles import values_of

Path = tuple[Any, ...]  # an attribute, then keys of dicts and positions in lists and tuples
OWN = frozenset(
    ("__config__", "_kept", "_new", "_early", "_added", "_rng", "_dtype", "_is_building")
)


class Holder:
    """What may hold weights, and others of its kind: a layer.

    The attributes in `OWN` are for its own use, and no settings.
    """

    name: str
    trainable: bool
    built: bool
    _kept: dict[Path, Weight]
    uncounted: tuple[str, ...] = ()  # attributes whose arrays are no weights for Keras

    def held_in(self) -> dict[str, Any]:
        """Return the attributes that may hold weights and layers."""
        return vars(self)

    def prefix_of(self, path: Path, part: Holder) -> str:
        """Return what the names of weights of a layer within begin with."""
        return name_of(path)


@dataclass(frozen=True, eq=False)
class Weight:
    """What is known of a weight.

    Attributes
    ----------
    trainable : bool
    regularizer : callable or None
        What its size costs in the loss.
    name : str or None
    constraint : callable or None
        Gives, after every update, the weight that it is to be.
    """

    trainable: bool = True
    regularizer: Any = None
    name: str | None = None
    constraint: Any = None


class Variable(variables.Variable):
    """A weight where a layer holds it, with the names of Keras's variables.

    Attributes
    ----------
    owners : tuple of Holder
        The layer whose weight it is, after those that it is within.
    place : tuple
        From the attribute on.
    about : Weight
    layer : Holder
        The last of the owners.
    name, path : str
        The second with the layer's name before it.
    """

    _lent = False

    def __init__(self, owners: tuple[Holder, ...], place: Path, about: Weight) -> None:
        self.owners, self.layer, self.place, self.about = owners, owners[-1], place, about
        self.name = about.name or name_of(place)
        self.path = f"{self.layer.name}/{self.name}"

    @property
    def trainable(self) -> bool:  # type: ignore[override]
        """Whether it is trained."""
        return self.about.trainable and self.layer.trainable and self.owners[0].trainable

    @property
    def value(self) -> Any:
        """Its values; not a copy."""
        return values_of(_at(self.layer, self.place))

    def write(self, value: Any) -> None:
        """Give it other values as they are, wherever its layer holds it."""
        for place, about in self.layer._kept.items():
            if about is self.about:
                put(self.layer, place, value)

    _write = write

    @property
    def counts(self) -> bool:
        """Whether it is a weight for Keras as well."""
        return self.place[0] not in self.layer.uncounted


def parts(layer: Holder) -> Iterator[tuple[Path, Any]]:
    """Yield all that is held in attributes, with its path; containers come before their parts."""
    for name, value in list(layer.held_in().items()):
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


def members(layer: Holder) -> frozenset[int]:
    """Return the ``id`` of a layer and of all those within it."""
    return frozenset(map(id, family(layer)))


def held(layer: Holder) -> dict[str, Variable]:
    """Return all weights by name, in Keras's order: a layer's own, then those of each sublayer."""
    found: dict[str, Variable] = {}
    seen: set[int] = set()

    def visit(owners: tuple[Holder, ...], prefix: str) -> None:
        mine = owners[-1]
        if id(mine) in seen:
            return
        seen.add(id(mine))
        own = {about: path for path, about in reversed(mine._kept.items())}
        for about in sorted(dict.fromkeys(mine._kept.values()), key=lambda w: not w.trainable):
            variable = Variable(owners, own[about], about)
            found[free_name(as_name(prefix + variable.name), found)] = variable
        for path, part in sublayers(mine).items():
            visit((*owners, part), f"{prefix}{mine.prefix_of(path, part)}_")

    visit((layer,), "")
    return found


def kept(layer: Holder, new: Sequence[tuple[Any, Weight, Any]]) -> dict[Path, Weight]:
    """Return where a layer keeps new weights."""
    known = {id(values): about for values, about, _ in new}
    places = {path: known[id(v)] for path, v in parts(layer) if id(v) in known}
    for values, about, _ in new:
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
        for name, part in value.held_in().items():
            if name not in OWN:
                vars(twin)[name] = copied(part, deep, memo)
        return twin
    if isinstance(value, variables.Variable):
        return value.twin(value.value)
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


def settings(layer: Holder) -> list[Any]:
    """Return all that `call` may look at besides the weights, sublayers' included."""
    found: list[Any] = []
    layers = family(layer)
    for each in layers:
        for path, value in parts(each):
            if path in each._kept:
                continue
            if isinstance(value, Holder):
                value = next(i for i, other in enumerate(layers) if other is value)
            elif isinstance(value, list | tuple | dict):
                value = type(value)
            found.append(value)
        found.append(type(each))
    return found


# Paths


def _at(layer: Holder, path: Path) -> Any:
    """Return what is at a path."""
    return reduce(getitem, path, vars(layer))


def put(layer: Holder, path: Path, values: Any) -> None:
    """Put something at a path; the tuples on the way are made anew, and so are variables."""
    name, *keys = path
    old = _at(layer, path) if name in vars(layer) else None
    if isinstance(old, variables.Variable) and not isinstance(values, variables.Variable):
        values = old.twin(values)
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
    return as_name("_".join(map(str, path)))


def as_name(text: str) -> str:
    """Return a text as a name that could be a variable's."""
    return re.sub(r"^(?=\d)|\W", "_", text)


def free_name(name: str, taken: Any) -> str:
    """Return a name that is not taken: with a number behind it, if need be."""
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
