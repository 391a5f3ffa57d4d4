"""Weights and sublayers in a layer's attributes, also in lists, tuples and dicts.

One walk through the attributes finds them, for training, counting, saving and copying.
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
    ("__config__", "_kept", "_new", "_early", "_added", "_calls", "_rng", "_dtype", "_is_building")
)
PLAIN = frozenset((int, float, str, bool, type(None)))  # of most attributes


class Holder:
    """Base class of objects with weights and sublayers in their attributes.

    The attributes in `OWN` are internal and are not searched.
    """

    name: str
    trainable: bool
    built: bool
    _kept: dict[Path, Weight]
    uncounted: tuple[str, ...] = ()  # attributes whose arrays Keras does not count as weights

    def held_in(self) -> dict[str, Any]:
        """Return the attributes that may hold weights and layers."""
        return vars(self)

    def prefix_of(self, path: Path, part: Holder) -> str:
        """Return the prefix of the names of a sublayer's weights."""
        return name_of(path)


@dataclass(frozen=True, eq=False)
class Weight:
    """The options of a weight.

    Attributes
    ----------
    trainable : bool
    regularizer : callable or None
        Function of the weight that returns a penalty for the loss.
    name : str or None
    constraint : callable or None
        Function that replaces the weight after every update.
    """

    trainable: bool = True
    regularizer: Any = None
    name: str | None = None
    constraint: Any = None


class LayerVariable(variables.Variable):
    """A weight in a layer's attribute, with the interface of Keras's variables.

    Attributes
    ----------
    owners : tuple of Holder
        The layer that has the weight, after its outer layers.
    location : tuple
        The attribute's name, and the keys within the attribute.
    about : Weight
    layer : Holder
        The layer that has the weight.
    name, path, key : str
        The name without and with the layer's name, and that in the model.
    """

    _lent = False

    def __init__(self, owners: tuple[Holder, ...], location: Path, about: Weight) -> None:
        self.owners, self.layer, self.location, self.about = owners, owners[-1], location, about
        self.name = about.name or name_of(location)
        self.path = f"{self.layer.name}/{self.name}"
        self.constraint = about.constraint

    @property
    def trainable(self) -> bool:  # type: ignore[override]
        """True if the weight is trained."""
        return self.about.trainable and self.layer.trainable and self.owners[0].trainable

    @property
    def value(self) -> Any:
        """The values, not copied."""
        return values_of(_at(self.layer, self.location))

    def write(self, value: Any) -> None:
        """Replace the values, without a copy, in all attributes that hold the weight."""
        for location, about in self.layer._kept.items():
            if about is self.about:
                put(self.layer, location, value)

    _write = write

    def __repr__(self) -> str:
        return f"Variable({self.value!s}, name={self.name!r})"

    @property
    def counts(self) -> bool:
        """True if Keras counts this variable as a weight too."""
        return self.location[0] not in self.layer.uncounted


def parts(layer: Holder) -> Iterator[tuple[Path, Any]]:
    """Yield all values in a layer's attributes with their paths, containers before their items."""
    for name, value in list(layer.held_in().items()):
        if name in OWN:
            continue
        if isinstance(value, (dict, list, tuple)):
            yield from walk(value, (name,))
        else:
            yield (name,), value


def walk(value: Any, path: Path, inside: tuple[int, ...] = ()) -> Iterator[tuple[Path, Any]]:
    """Yield a value with its path, and all items in it if it is a list, tuple or dict."""
    yield path, value
    if id(value) not in inside:
        for key, part in _items(value):
            if isinstance(part, (dict, list, tuple)):
                yield from walk(part, (*path, key), (*inside, id(value)))
            else:
                yield (*path, key), part


def sublayers(layer: Holder) -> dict[Path, Holder]:
    """Return the direct sublayers of a layer, each once."""
    by_id: dict[int, tuple[Path, Any]] = {}
    for name, value in layer.held_in().items():  # without `parts`: most attributes hold no layer
        if name in OWN:
            continue
        if isinstance(value, (dict, list, tuple)):
            for path, part in walk(value, (name,)):
                if isinstance(part, Holder):
                    by_id.setdefault(id(part), (path, part))
        elif isinstance(value, Holder):
            by_id.setdefault(id(value), ((name,), value))
    return dict(by_id.values())


def family(layer: Holder, others: tuple[Holder, ...] = ()) -> list[Holder]:
    """Return ``others``, a layer, and all layers within that layer, each once."""
    layers = [*others, layer]
    for part in sublayers(layer).values():
        if not any(part is other for other in layers):
            layers = family(part, tuple(layers))
    return layers


def members(layer: Holder) -> frozenset[int]:
    """Return the ``id`` of a layer and of all its sublayers, nested ones included."""
    return frozenset(map(id, family(layer)))


def variables_of(layer: Holder) -> dict[str, LayerVariable]:
    """Return all weights by name, in Keras's order: the layer's weights, then each sublayer's."""
    by_name: dict[str, LayerVariable] = {}
    visited: set[int] = set()

    def visit(owners: tuple[Holder, ...], prefix: str) -> None:
        owner = owners[-1]
        if id(owner) in visited:
            return
        visited.add(id(owner))
        paths = {about: path for path, about in reversed(owner._kept.items())}
        for about in sorted(dict.fromkeys(owner._kept.values()), key=lambda w: not w.trainable):
            variable = LayerVariable(owners, paths[about], about)
            variable.key = free_name(as_name(prefix + variable.name), by_name)
            by_name[variable.key] = variable
        for path, part in sublayers(owner).items():
            visit((*owners, part), f"{prefix}{owner.prefix_of(path, part)}_")

    visit((layer,), "")
    return by_name


def weights_in(layer: Holder, new: Sequence[tuple[Any, Weight, Any]]) -> dict[Path, Weight]:
    """Return the paths of new weights in a layer's attributes."""
    by_id = {id(values): about for values, about, _ in new}
    places = {path: by_id[id(v)] for path, v in parts(layer) if id(v) in by_id}
    for values, about, _ in new:
        if about not in places.values():
            raise DataError(
                f"{layer}: a weight of shape {values.shape} is kept in no attribute; write "
                "self.name = self.add_weight(...), or put it into a list, tuple or dict there"
            )
    return places


def check_shared(layer: Holder) -> None:
    """Raise an error if a layer holds a weight of another layer, which would stay constant."""
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
    if type(value) in PLAIN:
        return value
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
    if isinstance(value, (list, dict)):
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
    """Return all values, besides weights, on which `call` may depend, also in sublayers."""
    values: list[Any] = []
    layers = family(layer)
    for each in layers:
        for path, value in parts(each):
            if path in each._kept:
                continue
            if isinstance(value, Holder):
                value = next(i for i, other in enumerate(layers) if other is value)
            elif isinstance(value, list | tuple | dict):
                value = type(value)
            values.append(value)
        values.append(type(each))
    return values


# Paths


def _at(layer: Holder, path: Path) -> Any:
    """Return the value at a path."""
    return reduce(getitem, path, vars(layer))


def put(layer: Holder, path: Path, values: Any) -> None:
    """Set the value at a path; tuples on the path and variables are replaced by copies."""
    name, *keys = path
    old = _at(layer, path) if name in vars(layer) else None
    if isinstance(old, variables.Variable) and not isinstance(values, variables.Variable):
        values = old.twin(values)
    setattr(layer, name, _with(vars(layer).get(name), keys, values))


def _with(container: Any, keys: Sequence[Any], values: Any) -> Any:
    if not keys:
        return values
    key, *others = keys
    part = _with(container[key], others, values)
    if isinstance(container, tuple):
        return _rebuilt(container, [*container[:key], part, *container[key + 1 :]])
    container[key] = part
    return container


def name_of(path: Path) -> str:
    """Return a path as a valid identifier."""
    return as_name("_".join(map(str, path)))


def as_name(text: str) -> str:
    """Return a text as a valid identifier."""
    return re.sub(r"^(?=\d)|\W", "_", text)


def free_name(name: str, used: Any) -> str:
    """Return a name that is not in ``used``, with a number appended if necessary."""
    number, free = 1, name
    while free in used:
        free, number = f"{name}_{number}", number + 1
    return free


# Containers


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from list(value.items())
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def _rebuilt(value: Any, items: Sequence[Any]) -> Any:
    """Return a tuple of the same class with other items."""
    return type(value)._make(items) if hasattr(value, "_make") else type(value)(items)
