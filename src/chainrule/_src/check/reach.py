"""The objects that a learner's code may change: globals, closures, models, random generators."""

from __future__ import annotations

import contextlib
import ctypes
import random
from collections.abc import Callable, Iterable, Iterator
from operator import is_not
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from numpy.random import mtrand

from chainrule._src.check.code import is_learners_class

DEPTH = 3  # levels of containers and of a learner's objects that are looked into
SHARED = mtrand.get_bit_generator()  # of the functions in `numpy.random`
ADDRESS = SHARED.ctypes.state_address  # imports ctypes, which a confined process may not
Restore = Callable[[], None]


class Globals:
    """A module's variables that a function uses and whose values cannot change themselves."""

    def __init__(self, variables: dict[str, Any], names: dict[str, Any]) -> None:
        self.variables, self.values = variables, names


def reachable(objects: Iterable[Any], visited: set[int]) -> Iterator[Any]:
    """Yield the objects that code which is given these objects may change, each once.

    ``visited`` holds the ids of the objects that were yielded before.
    """
    for obj in objects:
        yield from _reached(obj, DEPTH, visited)


def _reached(obj: Any, depth: int, visited: set[int]) -> Iterator[Any]:
    if id(obj) in visited or isinstance(obj, ModuleType | type):
        return
    if isinstance(obj, MethodType):
        yield from reachable((obj.__func__, obj.__self__), visited)
    elif isinstance(obj, FunctionType):
        visited.add(id(obj))
        names = {name for code in _codes(obj.__code__) for name in code.co_names}
        bound = {n: obj.__globals__[n] for n in names if n in obj.__globals__}
        plain = {n: v for n, v in bound.items() if isinstance(v, int | float | str | tuple)}
        yield Globals(obj.__globals__, plain)
        yield from reachable(bound.values(), visited)
        for cell in obj.__closure__ or ():
            with contextlib.suppress(ValueError):  # the cell is still empty
                yield from _reached(cell.cell_contents, depth - 1, visited)
    elif isinstance(obj, np.ndarray | np.random.Generator | np.random.RandomState | random.Random):
        visited.add(id(obj))
        yield obj
    elif depth and isinstance(obj, list | dict | set):
        visited.add(id(obj))
        yield obj
        for inner in list(obj.values()) if isinstance(obj, dict) else list(obj)[:1000]:
            yield from _reached(inner, depth - 1, visited)
    elif depth and hasattr(obj, "__dict__") and is_learners_class(type(obj)):
        yield from _reached(vars(obj), depth, visited)


def restoring(obj: Any) -> Restore | None:
    """Return a function that gives an object the content that it has now; None without a need."""
    if isinstance(obj, Globals):
        return lambda: obj.variables.update(obj.values)
    if isinstance(obj, np.ndarray):
        return _restoring_array(obj) if obj.flags.writeable and obj.dtype != object else None
    if isinstance(obj, np.random.Generator):
        state = obj.bit_generator.state
        return lambda: setattr(obj.bit_generator, "state", state)
    if isinstance(obj, np.random.RandomState):
        drawn = obj.get_state()
        return lambda: obj.set_state(drawn)
    if isinstance(obj, random.Random):
        python_state = obj.getstate()
        return lambda: obj.setstate(python_state)
    return _restoring_container(obj)


def random_states(objects: Iterable[Any]) -> list[Restore]:
    """Return functions that restore NumPy's and Python's random state, and reachable generators."""
    python_state = random.getstate()
    kinds = np.random.Generator | np.random.RandomState | random.Random
    restores = [restoring(obj) for obj in reachable(objects, set()) if isinstance(obj, kinds)]
    return [
        _restoring_legacy(),
        lambda: random.setstate(python_state),
        *(restore for restore in restores if restore is not None),
    ]


def _restoring_legacy() -> Restore:
    """Return a function that restores the state of `numpy.random`'s functions.

    To set the state takes 70 µs, as long as a run of a learner's function. So the memory of the
    generator is compared first, which takes 1 µs: seldom has a run drawn anything.
    """
    state: Any = np.random.get_state()  # noqa: NPY002  # what a learner's code may draw from
    bits = mtrand.get_bit_generator()
    is_known = bits is SHARED and isinstance(bits, np.random.MT19937)
    if not is_known or state[3]:  # a normal number is stored elsewhere
        return lambda: np.random.set_state(state)  # noqa: NPY002
    size = 4 * (len(state[1]) + 1)  # its words, and the place of the next
    content = ctypes.string_at(ADDRESS, size)

    def restore() -> None:
        is_same = mtrand.get_bit_generator() is bits
        if not is_same or ctypes.string_at(ADDRESS, size) != content:
            np.random.set_state(state)  # noqa: NPY002

    return restore


def _restoring_array(array: Any) -> Restore:
    content = array.copy()
    return lambda: np.copyto(array, content)


def _restoring_container(obj: Any) -> Restore:
    content = obj.copy()

    def restore() -> None:
        if isinstance(obj, list):
            if len(obj) != len(content) or any(map(is_not, obj, content)):
                obj[:] = content
        elif isinstance(obj, dict) and (
            obj.keys() == content.keys() and not any(map(is_not, obj.values(), content.values()))
        ):
            return
        else:
            obj.clear()
            obj.update(content)

    return restore


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)
