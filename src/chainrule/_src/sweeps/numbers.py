"""Symbolic settings, so that one build and one recording serve many models.

A function that builds a model receives a `SettingNumber` for each setting that is a float.
Arithmetic with a `SettingNumber` gives another `SettingNumber`. A comparison (``if rate > 0``) is
evaluated for one example and recorded as a condition: all members for which the conditions have the
same answers share the structure. A number that is combined with an array while a step is recorded
becomes an input of the step. Conversion to a plain ``float`` is also a condition: only members with
an equal value then share the structure.
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
    """A question about numbers, a predicate with its operands, and the answer for the example."""

    predicate: Callable[..., Any]
    operands: tuple[Any, ...]
    answer: Any


class Scope:
    """The numbers of one build.

    Parameters
    ----------
    example : dict of str to float
        Settings for which conditions are evaluated.

    Attributes
    ----------
    conditions : dict
        The recorded conditions, each once.
    inputs : list of (Number, dtype)
        The numbers that are inputs of the steps, with their dtypes.
    """

    def __init__(self, example: Mapping[str, float]) -> None:
        self.example = dict(example)
        self.conditions: dict[Hashable, Condition] = {}
        self.inputs: list[tuple[SettingNumber, np.dtype[Any]]] = []
        self._places: dict[Hashable, int] = {}
        self.closed = False  # true once the build has ended
        self._local = threading.local()

    def numbers(self) -> dict[str, SettingNumber]:
        """Return the settings as symbolic numbers."""
        return {
            name: SettingNumber(self, None, (name,), value) for name, value in self.example.items()
        }

    def decide(self, predicate: Callable[..., Any], *operands: Any) -> Any:
        """Evaluate a predicate for the current member, or else for the example; record it then."""
        member = getattr(self._local, "member", None)
        if member is not None:
            self._local.was_read = True
            return predicate(*(value_for(each, member) for each in operands))
        answer = predicate(*map(_sample, operands))
        key = predicate, *map(_key, operands)
        self.conditions.setdefault(key, Condition(predicate, operands, answer))
        return answer

    def admits(self, member: Mapping[str, Any]) -> bool:
        """Return true if all conditions have the same answers for another member."""
        return all(
            predicate(*(value_for(each, member) for each in operands)) == answer
            for predicate, operands, answer in self.conditions.values()
        )

    @contextmanager
    def of(self, member: Mapping[str, Any]) -> Iterator[None]:
        """Context manager: in this thread, numbers have the values of a member."""
        before = getattr(self._local, "member", None)
        self._local.member = member
        try:
            yield
        finally:
            self._local.member = before

    @contextmanager
    def watched(self) -> Iterator[Callable[[], bool]]:
        """Context manager: yield a function that is true once a member's number was read."""
        self._local.was_read = False
        yield lambda: self._local.was_read

    @contextmanager
    def bound(self, values: Sequence[Any]) -> Iterator[None]:
        """Context manager: bind `inputs` to values, which may be tensors.

        New inputs have the values of the example.
        """
        self._local.values = values
        try:
            yield
        finally:
            self._local.values = None

    def values(self, member: Mapping[str, Any]) -> list[Any]:
        """Return the values of `inputs` for a member."""
        return [np.asarray(value_for(number, member), dtype) for number, dtype in self.inputs]

    def recording(self) -> bool:
        """Return true while a step is recorded, or a layer is called for its shapes."""
        inside = around()
        tried = inside is not None and not getattr(inside.outer, "_is_building", False)
        return tried or getattr(self._local, "values", None) is not None

    def input_for(self, number: SettingNumber, dtype: np.dtype[Any]) -> Any:
        """Return the value that replaces a number in an operation on arrays.

        A step that runs without recording may create new numbers, such as a rate times a schedule's
        factor. They are evaluated for the member that is trained.
        """
        key = number.key, dtype
        values, member = (getattr(self._local, name, None) for name in ("values", "member"))
        if values is None and self.closed:
            raise TraceError("a setting that another model was built with is used in this one")
        index = self._places.get(key, len(self.inputs))
        if values is not None and index < len(values):
            return values[index]
        if member is not None:
            return np.asarray(value_for(number, member), dtype)
        if key not in self._places:
            self._places[key] = index
            self.inputs.append((number, dtype))
        return np.asarray(number.sample, dtype)


class SettingNumber(SymbolicNumber):
    """A symbolic setting, or a number computed from settings.

    Attributes
    ----------
    scope : Scope
    rule : callable or None
        Function that computes the number; None for a setting, whose only operand is its name.
    operands : tuple
    sample : number
        Value for the example.
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
    # So that ``isinstance(rate, float)`` is true.

    def item(self) -> Any:
        """Return the number as a plain Python number."""
        return self._decided(_itself)

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's dtype of the number."""
        return np.asarray(self.sample).dtype

    def astype(self, dtype: Any) -> Any:
        """Convert the number to a dtype."""
        if self.scope.recording():
            return self.scope.input_for(self, np.dtype(dtype))
        return SettingNumber(
            self.scope, np.dtype(dtype).type, (self,), np.dtype(dtype).type(self.sample)
        )

    def value_among(self, operands: Any) -> Any:
        """Return the value that replaces the number in an operation on arrays."""
        return _beside(self.scope, (self, operands))[0]

    def __copy__(self) -> SettingNumber:
        return self

    def __deepcopy__(self, memo: Any) -> SettingNumber:
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
        if function is np.result_type:  # the dtype of the sample decides
            return function(*map(_sample, args))
        args, kwargs = _beside(self.scope, (args, kwargs))
        return function(*args, **kwargs)


def _itself(value: Any) -> Any:
    return value


def _key(operand: Any) -> Hashable:
    return operand.key if isinstance(operand, SettingNumber) else (type(operand), repr(operand))


def _sample(operand: Any) -> Any:
    return operand.sample if isinstance(operand, SettingNumber) else operand


def value_for(operand: Any, member: Mapping[str, Any]) -> Any:
    """Return the value of an operand for a member, computed with plain numbers."""
    if not isinstance(operand, SettingNumber):
        return operand
    if operand.rule is None:
        return member[operand.operands[0]]
    return operand.rule(*(value_for(each, member) for each in operand.operands))


def _applied(scope: Scope, rule: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """Apply ``rule`` to operands; the result is a `SettingNumber` unless an operand is an array."""
    if all(isinstance(each, SettingNumber) for each in operands) or (
        (
            not scope.recording()
            and all(isinstance(each, (SettingNumber, *_plain)) for each in operands)
        )
        or all(isinstance(each, SettingNumber | int | float) for each in operands)
    ):
        return SettingNumber(scope, rule, tuple(operands), rule(*map(_sample, operands)))
    return rule(*_beside(scope, operands))


def _beside(scope: Scope, operands: Any) -> Any:
    """Replace every `SettingNumber` among the operands of an operation on arrays by its value."""
    dtypes = list(_arrays(operands))

    def replaced(part: Any) -> Any:
        if isinstance(part, SettingNumber):
            if not scope.recording():
                return part._decided(_itself)
            # As for plain numbers, a Python number takes the dtype of the arrays.
            return scope.input_for(part, np.result_type(*dtypes, part.sample) if dtypes
                             else np.asarray(part.sample).dtype)  # fmt: skip
        if isinstance(part, list | tuple):
            return type(part)(map(replaced, part))
        if isinstance(part, dict):
            return {key: replaced(value) for key, value in part.items()}
        return part

    return replaced(operands)


def _arrays(part: Any) -> Iterator[Any]:
    """Yield the dtypes of the arrays and NumPy scalars among operands."""
    if isinstance(part, list | tuple):
        for each in part:
            yield from _arrays(each)
    elif isinstance(part, dict):
        yield from _arrays(list(part.values()))
    elif hasattr(part, "dtype") and not isinstance(part, SettingNumber):
        yield part.dtype


def _operator(rule: Callable[..., Any], swapped: bool = False) -> Callable[..., Any]:
    def method(self: SettingNumber, *other: Any) -> Any:
        operands = (*other, self) if swapped else (self, *other)
        return _applied(self.scope, rule, operands)

    return method


def _comparison(rule: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: SettingNumber, other: Any) -> Any:
        is_array = self.scope.recording() and isinstance(other, np.generic)
        if type(other) is SettingNumber or (isinstance(other, _plain) and not is_array):
            return self.scope.decide(rule, self, other)
        if not hasattr(other, "dtype"):  # text, None
            return NotImplemented
        return rule(*_beside(self.scope, (self, other)))

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(SettingNumber, f"__{_name}__", _operator(getattr(operator, _name)))
    setattr(SettingNumber, f"__r{_name}__", _operator(getattr(operator, _name), swapped=True))
for _name in ("neg", "pos", "abs"):
    setattr(SettingNumber, f"__{_name}__", _operator(getattr(operator, _name)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(SettingNumber, f"__{_name}__", _comparison(getattr(operator, _name)))
