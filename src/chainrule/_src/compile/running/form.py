"""What a run must know of a kernel, also where that comes from disk."""

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

LARGEST = 2**20  # bytes of a constant that is kept on disk
REMEMBERED = 128  # programs of batch sizes, and kernels, in this process
# Whose code decides what becomes of a recording: of a loss, whose gradient is then taken.
WINGS = (
    "core", "ops", "trace", "trace/recurrence", "text", "compile/lower", "compile/native",
    "compile/running", "nn/training",
)  # fmt: skip

Cost = tuple[float, int]  # seconds that NumPy takes for an update, equations to compile

_written: dict[Hashable, Form] = {}  # in this process
_keeping = lock()


@dataclass(eq=False, repr=False)
class Place:
    """An array that a kernel works on.

    Attributes
    ----------
    name : str
    role : str
        See `chainrule._src.compile.lower.nodes.Buffer`.
    content : path or ndarray or None
        Which leaf of the arguments or of the result it is, or the constant itself.
    dtype : numpy.dtype
    order : tuple of int
        The axes of the leaf as they lie in memory.
    sizes : tuple of int, Linear or str
        Its shape in memory; ``"rows"`` is as many as there are samples.
    own : bool
        Whether each thread has one for itself.
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
    """A kernel as a run sees it.

    Attributes
    ----------
    names : list of str
        What the step's arguments after the carry are called.
    places : list of Place
        By the kernel's arguments.
    constants : list of float
        Numbers that the kernel leaves open.
    checks : list of str
        What went wrong, by the number that the kernel leaves in ``fault``.
    threads : int
        How many may run it together.
    products : dict of str to str
        What matrix products it calls, by their dtypes.
    cost : tuple of float and int
    kernel : Kernel or None
        None where the form comes from disk.
    code : str or None
        What its machine code is called on disk, once that is made.
    machine : str
        What that was made for.
    paces : Paces
        Of all its runs.
    """

    names: list[str]
    places: list[Place]
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
    """Remember a value, and forget the oldest where there are too many."""
    with _keeping:
        table.pop(key, None)
        table[key] = value
        while len(table) > REMEMBERED:
            del table[next(iter(table))]


def written(program: Program, data: Any, batch_size: int) -> Form | None:
    """Return what this process has written of a step's program for data of these dtypes."""
    return _written.get(_key(program, data, batch_size))


def keep_written(form: Form, program: Program, data: Any, batch_size: int) -> None:
    """Remember that."""
    keep(_written, _key(program, data, batch_size), form)


def _key(program: Program, data: Any, batch_size: int) -> Hashable:
    return program, batch_size, tuple([leaf.dtype for _, leaf in leaves(data)])


def load(form: Form) -> Any:
    """Return the machine code of a kernel; None if it is gone from disk, or another machine's."""
    here = code.here()
    if form.code and form.machine == here and (function := code.in_memory(form.code)) is not None:
        return function
    if form.kernel is not None:
        function = code.load(form.kernel)
        form.code, form.machine = function.key, here
        return function
    return code.kept(form.code, form.products) if form.code and form.machine == here else None


def digest(key: Hashable, batch_size: int, data: Any) -> str | None:
    """Return what a form is called on disk; None if what was recorded cannot be told elsewhere."""
    text = repr((key, batch_size, data))
    if " at 0x" in text:
        return None
    return code.digest(f"numpy {np.__version__} {code.sources(*WINGS)}\0{text}")


def write(name: str | None, thing: Form | str) -> None:
    """Keep a form on disk, or the name of another that stands for it."""
    if name is None:
        return
    try:
        content = json.dumps(thing if isinstance(thing, str) else _told(thing))
    except (ValueError, TypeError):  # of what plain values do not tell
        return
    cache.write(name, content.encode(), cache.FORM)


def read(name: str | None) -> Form | str | None:
    """Return the same; None if nothing is there."""
    content = None if name is None else cache.read(name, cache.FORM)
    if content is None:
        return None
    told = json.loads(content)
    return told if isinstance(told, str) else _made(told)


def _told(form: Form) -> dict[str, Any]:
    """Return a form as plain values.

    Raises
    ------
    ValueError
        If it holds what is large, or names that are neither texts nor numbers.
    """
    places = [
        (p.name, p.role, _told_content(p), p.dtype.str, p.order, [*map(_told_size, p.sizes)], p.own)
        for p in form.places
    ]
    kept = {**vars(form), "places": places}
    del kept["kernel"], kept["paces"]
    return kept


def _told_content(place: Place) -> Any:
    content = place.content
    if place.role == "constant":
        array = np.asarray(content)
        if array.nbytes > LARGEST:
            raise ValueError(place.name)
        return [array.dtype.str, array.shape, base64.b64encode(array.tobytes()).decode()]
    if content is not None and not all(type(part) in (str, int) for part in content):
        raise ValueError(place.name)
    return content


def _told_size(size: Any) -> Any:
    return [size.offset, size.slope] if isinstance(size, Linear) else size


def _made(told: dict[str, Any]) -> Form:
    """Return the form that plain values tell."""
    places = []
    for name, role, content, dtype, order, sizes, own in told["places"]:
        if role == "constant":
            kind, shape, entries = content
            content = np.frombuffer(base64.b64decode(entries), kind).reshape(shape)
        elif content is not None:
            content = tuple(content)
        shape = tuple(Linear(*size) if isinstance(size, list) else size for size in sizes)
        places.append(Place(name, role, content, np.dtype(dtype), tuple(order), shape, own))
    return Form(**{**told, "places": places, "cost": tuple(told["cost"])})
