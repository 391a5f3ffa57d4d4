"""The form of a kernel: the facts that a run needs, also for kernels that come from disk."""

from __future__ import annotations

import base64
import json
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.base.forks import lock
from chainrule._src.compile.native import cache, code
from chainrule._src.compile.running.threads import Paces
from chainrule._src.core.program import Program
from chainrule._src.core.trees import leaves
from chainrule._src.trace.batch import Linear

LARGEST = 2**20  # the most bytes of a constant that is written to disk
REMEMBERED = 128  # programs of batch sizes, and kernels, in this process
# The wings whose code decides the kernel of a recorded loss and of its gradient.
WINGS = (
    "core", "ops", "trace", "trace/recurrence", "text", "compile/lower", "compile/native",
    "compile/running", "nn/training",
)  # fmt: skip

Cost = tuple[float, int]  # seconds that NumPy takes for an update, equations to compile

_written: dict[Hashable, Form] = {}  # in this process
_keeping = lock()


@dataclass(eq=False, repr=False)
class ArraySpec:
    """An array that a kernel works on.

    Attributes
    ----------
    name : str
    role : str
        See `chainrule._src.compile.lower.nodes.Buffer`.
    content : path or ndarray or None
        The path of the leaf in the arguments or in the result, or the constant itself.
    dtype : numpy.dtype
    order : tuple of int
        The order of the leaf's axes in memory.
    sizes : tuple of int, Linear or str
        The shape in memory; ``"rows"`` stands for the number of samples.
    own : bool
        True if each thread owns such an array.
    """

    name: str
    role: str
    content: Any
    dtype: np.dtype[Any]
    order: tuple[int, ...]
    sizes: tuple[Any, ...]
    own: bool


@dataclass(eq=False, repr=False)
class Form:
    """The facts about a kernel that a run needs.

    Attributes
    ----------
    names : list of str
        The names of the step's arguments after the carry.
    places : list of ArraySpec
        The arrays of the kernel, in the order of its arguments.
    constants : list of float
        Numbers that the kernel takes as arguments.
    checks : list of str
        Error messages. The kernel writes the number of the message into ``fault``.
    threads : int
        The largest number of threads that may run the kernel together.
    products : dict of str to str
        For each dtype, the name of the matrix product that the kernel calls.
    cost : tuple of float and int
        The seconds of an update in NumPy, and the number of equations.
    kernel : Kernel or None
        None if the form comes from disk.
    code : str or None
        The cache key of the machine code on disk; None until it is compiled.
    machine : str
        The machine that the machine code was compiled for.
    paces : Paces
        The measured times of all runs.
    """

    names: list[str]
    places: list[ArraySpec]
    constants: list[float]
    checks: list[str]
    threads: int
    products: dict[str, str]
    cost: Cost
    kernel: Any = None
    code: str | None = None
    machine: str = ""
    paces: Paces = field(default_factory=Paces)


def keep(table: dict[Any, Any], key: Any, value: Any) -> None:
    """Add an entry to a table, and delete the oldest entries if there are too many."""
    with _keeping:
        table.pop(key, None)
        table[key] = value
        while len(table) > REMEMBERED:
            del table[next(iter(table))]


def written(program: Program, data: Any, batch_size: int) -> Form | None:
    """Return this process's form of a step's program for data of these dtypes, or None."""
    return _written.get(_key(program, data, batch_size))


def keep_written(form: Form, program: Program, data: Any, batch_size: int) -> None:
    """Store the form of a step's program, so that `written` returns it later."""
    keep(_written, _key(program, data, batch_size), form)


def _key(program: Program, data: Any, batch_size: int) -> Hashable:
    return program, batch_size, tuple([leaf.dtype for _, leaf in leaves(data)])


def load(form: Form) -> Any:
    """Return the machine code of a kernel; None if it is not on disk or for another machine."""
    machine = code.here()
    if (
        form.code
        and form.machine == machine
        and (function := code.in_memory(form.code)) is not None
    ):
        return function
    if form.kernel is not None:
        function = code.load(form.kernel)
        form.code, form.machine = function.key, machine
        return function
    return code.cached(form.code, form.products) if form.code and form.machine == machine else None


def digest(key: Hashable, batch_size: int, data: Any) -> str | None:
    """Return the cache key of a form on disk; None if its text is valid in this process alone."""
    text = repr((key, batch_size, data))
    if " at 0x" in text:
        return None
    return code.digest(f"numpy {np.__version__} {code.sources(*WINGS)}\0{text}")


def write(name: str | None, form_or_key: Form | str) -> None:
    """Write a form to disk, or the cache key of an equal form."""
    if name is None:
        return
    try:
        content = json.dumps(
            form_or_key if isinstance(form_or_key, str) else _plain_values(form_or_key)
        )
    except (ValueError, TypeError):  # the form cannot be written as JSON
        return
    cache.write(name, content.encode(), cache.FORM)


def read(name: str | None) -> Form | str | None:
    """Return a form, or the cache key of an equal form, from disk; None if the file is missing."""
    content = None if name is None else cache.read(name, cache.FORM)
    if content is None:
        return None
    values = json.loads(content)
    return values if isinstance(values, str) else _from_plain_values(values)


def _plain_values(form: Form) -> dict[str, Any]:
    """Return a form as plain values, which JSON can represent.

    Raises
    ------
    ValueError
        If a constant is too large, or a key of a tree is neither a string nor an integer.
    """
    places = [
        (
            p.name,
            p.role,
            _plain_content(p),
            p.dtype.str,
            p.order,
            [*map(_plain_size, p.sizes)],
            p.own,
        )
        for p in form.places
    ]
    values = {**vars(form), "places": places}
    del values["kernel"], values["paces"]
    return values


def _plain_content(spec: ArraySpec) -> Any:
    content = spec.content
    if spec.role == "constant":
        array = np.asarray(content)
        if array.nbytes > LARGEST:
            raise ValueError(spec.name)
        return [array.dtype.str, array.shape, base64.b64encode(array.tobytes()).decode()]
    if content is not None and not all(type(part) in (str, int) for part in content):
        raise ValueError(spec.name)
    return content


def _plain_size(size: Any) -> Any:
    return [size.offset, size.slope] if isinstance(size, Linear) else size


def _from_plain_values(values: dict[str, Any]) -> Form:
    """Return a form from the plain values of its file."""
    places = []
    for name, role, content, dtype, order, sizes, per_thread in values["places"]:
        if role == "constant":
            kind, shape, entries = content
            content = np.frombuffer(base64.b64decode(entries), kind).reshape(shape)
        elif content is not None:
            content = tuple(content)
        shape = tuple(Linear(*size) if isinstance(size, list) else size for size in sizes)
        places.append(
            ArraySpec(name, role, content, np.dtype(dtype), tuple(order), shape, per_thread)
        )
    return Form(**{**values, "places": places, "cost": tuple(values["cost"])})
