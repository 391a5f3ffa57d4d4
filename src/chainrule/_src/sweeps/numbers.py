"""Settings as numbers without a value, so that one build and one recording serve many models.

A function that builds a model is called with a `Number` for a learning rate or a share. What it
computes of it is another `Number`; where it asks for a decision (``if rate > 0``) the answer is
that of one example, and noted: whatever answers alike everywhere is built alike. Where a number
meets an array while a step is recorded, it becomes an input of the step. What makes it a plain
``float`` fixes it: only an equal number is then built alike.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from chainrule._src.base.errors import TraceError
from chainrule._src.base.handles import SymbolicNumber
from chainrule._src.nn.layers.surroundings import around

_plain = (int, float, np.number, np.bool_)


class Condition(NamedTuple):
    """What was asked of a number, and the answer."""

    asked: Callable[..., Any]
    operands: tuple[Any, ...]
    answer: Any


class Scope:
    """The numbers of one build.

    Parameters
    ----------
    example : dict of str to float
        Settings that decisions are made for.

    Attributes
    ----------
    conditions : dict
        What was decided, each once.
    inputs : list of (Number, dtype)
        Where numbers meet arrays.
    """

    def __init__(self, example: Mapping[str, float]) -> None:
        self.example = dict(example)
        self.conditions: dict[Hashable, Condition] = {}
        self.inputs: list[tuple[Number, np.dtype[Any]]] = []
        self._places: dict[Hashable, int] = {}
        self.closed = False  # whether its build is over
        self._local = threading.local()

    def numbers(self) -> dict[str, Number]:
        """Return the settings as numbers."""
        return {name: Number(self, None, (name,), value) for name, value in self.example.items()}

    def decide(self, asked: Callable[..., Any], *operands: Any) -> Any:
        """Return the answer for the example, or for the member that is looked at."""
        member = getattr(self._local, "member", None)
        if member is not None:
            self._local.asked = True
            return asked(*(value_for(each, member) for each in operands))
        answer = asked(*map(_sample, operands))
        key = asked, *map(_key, operands)
        self.conditions.setdefault(key, Condition(asked, operands, answer))
        return answer

    def admits(self, member: Mapping[str, Any]) -> bool:
        """Whether all decisions are the same for another member."""
        return all(
            asked(*(value_for(each, member) for each in operands)) == answer
            for asked, operands, answer in self.conditions.values()
        )

    @contextmanager
    def of(self, member: Mapping[str, Any]) -> Iterator[None]:
        """Let numbers be those of a member, in this thread."""
        before = getattr(self._local, "member", None)
        self._local.member = member
        try:
            yield
        finally:
            self._local.member = before

    @contextmanager
    def asked(self) -> Iterator[Callable[[], bool]]:
        """Yield whether a number of the member is asked for meanwhile."""
        self._local.asked = False
        yield lambda: self._local.asked

    @contextmanager
    def given(self, values: Sequence[Any]) -> Iterator[None]:
        """Let `inputs` have values, which may be tensors; new ones are as in the example."""
        self._local.values = values
        try:
            yield
        finally:
            self._local.values = None

    def values(self, member: Mapping[str, Any]) -> list[Any]:
        """Return what `inputs` are for a member."""
        return [np.asarray(value_for(number, member), dtype) for number, dtype in self.inputs]

    def recording(self) -> bool:
        """Whether arrays that are met are a step's, or a layer's that is tried."""
        inside = around()
        tried = inside is not None and not getattr(inside.outer, "_is_building", False)
        return tried or getattr(self._local, "values", None) is not None

    def met(self, number: Number, dtype: np.dtype[Any]) -> Any:
        """Return what stands for a number beside arrays.

        A step that is run as it is, and not recorded, has numbers of its own: a rate times what a
        schedule says of this update. They are worked out for the member that is trained.
        """
        key = number.key, dtype
        values, member = (getattr(self._local, name, None) for name in ("values", "member"))
        if values is None and self.closed:
            raise TraceError("a setting that another model was built with is used in this one")
        place = self._places.get(key, len(self.inputs))
        if values is not None and place < len(values):
            return values[place]
        if member is not None:
            return np.asarray(value_for(number, member), dtype)
        if key not in self._places:
            self._places[key] = place
            self.inputs.append((number, dtype))
        return np.asarray(number.sample, dtype)


class Number(SymbolicNumber):
    """A setting, or what follows from settings.

    Attributes
    ----------
    scope : Scope
    rule : callable or None
        What it is computed by; None for a setting, whose only operand is its name.
    operands : tuple
    sample : number
        For the example.
    """

    __slots__ = ("key", "operands", "rule", "sample", "scope")
    shape: tuple[int, ...] = ()
    ndim, size = 0, 1

    def __init__(self, scope: Scope, rule: Any, operands: tuple[Any, ...], sample: Any) -> None:
        self.scope, self.rule, self.operands, self.sample = scope, rule, operands, sample
        self.key: Hashable = rule, *map(_key, operands)

    def _decided(self, kind: Callable[[Any], Any]) -> Any:
        return kind(self.scope.decide(_itself, self))

    def __float__(self) -> float:
        return self._decided(float)  # type: ignore[no-any-return]

    def __int__(self) -> int:
        return self._decided(int)  # type: ignore[no-any-return]

    def __bool__(self) -> bool:
        return bool(self.scope.decide(bool, self))

    def __hash__(self) -> int:
        return self._decided(hash)  # type: ignore[no-any-return]

    def __round__(self, digits: int | None = None) -> Any:
        return round(self._decided(_itself), digits)

    def __str__(self) -> str:
        return self._decided(str)  # type: ignore[no-any-return]

    def __format__(self, spec: str) -> str:
        return format(self._decided(_itself), spec)

    def __repr__(self) -> str:
        return str(self._decided(repr))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self._decided(_itself), dtype)

    __class__ = property(lambda self: type(self.sample))
    # For ``isinstance(rate, float)``.

    def item(self) -> Any:
        """Return the number as a plain one."""
        return self._decided(_itself)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the number, as NumPy has it."""
        return np.asarray(self.sample).dtype

    def astype(self, dtype: Any) -> Any:
        """Return the number as an array of a type."""
        if self.scope.recording():
            return self.scope.met(self, np.dtype(dtype))
        return Number(self.scope, np.dtype(dtype).type, (self,), np.dtype(dtype).type(self.sample))

    def value_among(self, operands: Any) -> Any:
        """Return the value that takes the number's place in an operation on arrays."""
        return _beside(self.scope, (self, operands))[0]

    def __copy__(self) -> Number:
        return self

    def __deepcopy__(self, memo: Any) -> Number:
        return self

    def __reduce__(self) -> Any:
        return _itself, (self._decided(_itself),)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "__call__" and not options:
            return _applied(self.scope, ufunc, inputs)
        return getattr(ufunc, method)(*_beside(self.scope, inputs), **options)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        if function is np.result_type:  # what a plain number says of its dtype
            return function(*map(_sample, args))
        met = _beside(self.scope, (args, kwargs))
        return function(*met[0], **met[1])


def _itself(value: Any) -> Any:
    return value


def _key(operand: Any) -> Hashable:
    return operand.key if isinstance(operand, Number) else (type(operand), repr(operand))


def _sample(operand: Any) -> Any:
    return operand.sample if isinstance(operand, Number) else operand


def value_for(operand: Any, member: Mapping[str, Any]) -> Any:
    """Return what a number is for a member: computed as it would be without `Number`."""
    if not isinstance(operand, Number):
        return operand
    if operand.rule is None:
        return member[operand.operands[0]]
    return operand.rule(*(value_for(each, member) for each in operand.operands))


def _applied(scope: Scope, rule: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """Return a number that follows from others, or what comes of them beside arrays."""
    if all(isinstance(each, Number) for each in operands) or (
        (not scope.recording() and all(isinstance(each, (Number, *_plain)) for each in operands))
        or all(isinstance(each, Number | int | float) for each in operands)
    ):
        return Number(scope, rule, tuple(operands), rule(*map(_sample, operands)))
    return rule(*_beside(scope, operands))


def _beside(scope: Scope, operands: Any) -> Any:
    """Return operands of an operation on arrays, numbers among them as what stands for them."""
    found = list(_arrays(operands))

    def met(part: Any) -> Any:
        if isinstance(part, Number):
            if not scope.recording():
                return part._decided(_itself)
            # As a plain number would be: one of Python's takes the arrays' type.
            return scope.met(part, np.result_type(*found, part.sample) if found
                             else np.asarray(part.sample).dtype)  # fmt: skip
        if isinstance(part, list | tuple):
            return type(part)(map(met, part))
        if isinstance(part, dict):
            return {key: met(value) for key, value in part.items()}
        return part

    return met(operands)


def _arrays(part: Any) -> Iterator[Any]:
    """Yield the dtypes of the arrays among operands, and their numbers."""
    if isinstance(part, list | tuple):
        for each in part:
            yield from _arrays(each)
    elif isinstance(part, dict):
        yield from _arrays(list(part.values()))
    elif hasattr(part, "dtype") and not isinstance(part, Number):
        yield part.dtype


def _operator(rule: Callable[..., Any], swapped: bool = False) -> Callable[..., Any]:
    def method(self: Number, *other: Any) -> Any:
        operands = (*other, self) if swapped else (self, *other)
        return _applied(self.scope, rule, operands)

    return method


def _comparison(rule: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Number, other: Any) -> Any:
        is_array = self.scope.recording() and isinstance(other, np.generic)
        if type(other) is Number or (isinstance(other, _plain) and not is_array):
            return self.scope.decide(rule, self, other)
        if not hasattr(other, "dtype"):  # text, None
            return NotImplemented
        return rule(*_beside(self.scope, (self, other)))

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Number, f"__{_name}__", _operator(getattr(operator, _name)))
    setattr(Number, f"__r{_name}__", _operator(getattr(operator, _name), swapped=True))
for _name in ("neg", "pos", "abs"):
    setattr(Number, f"__{_name}__", _operator(getattr(operator, _name)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Number, f"__{_name}__", _comparison(getattr(operator, _name)))
