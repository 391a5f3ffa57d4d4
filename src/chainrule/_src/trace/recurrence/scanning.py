"""`scan`: the recurrence that users call; it records one step and makes one equation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import as_argument, refuse_foreign
from chainrule._src.base.errors import DataError, ShapeError, TraceError
from chainrule._src.base.handles import values_of
from chainrule._src.core.backward import ancestors
from chainrule._src.core.captured import around
from chainrule._src.core.elementwise import as_numpy_number
from chainrule._src.core.primitive import Traced
from chainrule._src.core.recording import leaf_names, program_of, recording_level
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.core.trees import leaves, map_leaves, path_text
from chainrule._src.core.weak import is_weak
from chainrule._src.trace.arguments import argument_names
from chainrule._src.trace.recurrence.body import StepBody, recurrence
from chainrule._src.trace.recurrence.primitives import ITEM

WHERE = "scan"


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    *,
    recompute: bool = False,
) -> tuple[Any, Any]:
    r"""Apply a function step by step, each time to its previous result.

    .. math:: (c_t, y_t) = f(c_{t-1}, x_t), \qquad t = 1, \dots, T

    With plain arrays, a Python loop calls ``f``. If tensors are among the arguments, or among the
    values that ``f`` uses from outside, ``f`` is recorded for one step and the recurrence is one
    equation: its gradient is a recurrence that runs backwards, its text is a ``for`` loop, and
    compilation takes as long for a thousand steps as for two.

    Parameters
    ----------
    f : callable
        Written in NumPy. ``f(carry, x)`` returns ``(carry, y)``, where the new carry has the
        structure, the shapes and the dtypes of the old one. Values that ``f`` uses from outside,
        for instance weights, are differentiated too.
    init : array or tree of arrays
        The first carry: a dict, list or tuple of arrays, nested as you like.
    xs : array or tree of arrays, optional
        Step ``t`` gets row ``t`` of these arrays as ``x``. Without ``xs``, ``x`` is None.
    length : int, optional
        The number of steps, required without ``xs``.
    reverse : bool, default False
        If true, the last row comes first; ``ys`` stay in the order of ``xs``.
    recompute : bool, default False
        If true, the backward pass computes a step's values again from its carry, instead of storing
        them: less memory, for about a third more work.

    Returns
    -------
    carry : array or tree of arrays
        The last carry.
    ys : array or tree of arrays
        The results ``y`` of the steps, stacked along a new first axis.

    Raises
    ------
    ShapeError
        If the lengths of ``xs`` differ, or the carry changes its structure or shapes.
    DataError
        If the carry changes its dtype, or ``f`` does not return a pair.
    TraceError
        If ``f`` branches on a recorded value; write ``np.where``.

    Notes
    -----
    The meaning is that of ``jax.lax.scan``. For a batch, samples first, exchange the axes:
    ``scan(cell, h, np.swapaxes(X, 0, 1))``.

    Examples
    --------
    >>> scan(lambda total, x: (total + x, total + x), 0.0, np.array([1.0, 2.0, 3.0]))
    (array(6.), array([1., 3., 6.]))
    >>> from chainrule._src.core.transforms import grad
    >>> def loss(w, x):
    ...     h, _ = scan(lambda h, x: (np.tanh(w * h + x), None), 0.0, x)
    ...     return h**2
    >>> grad(loss)(0.5, np.array([0.1, 0.2, 0.3])).round(6)
    np.float64(0.195639)
    """
    if not callable(f):
        raise DataError(f"{WHERE}: the first argument must be a function, received {f!r}")
    init = map_leaves(lambda leaf: _array(leaf, "init"), init)
    xs = map_leaves(lambda leaf: _array(leaf, "xs"), xs)
    steps = _steps(xs, length)
    plain = not any(isinstance(leaf, Traced) for _, leaf in leaves([init, xs]))
    result = _looped(f, init, xs, steps, reverse) if plain and steps else None
    return result or _recorded(f, init, xs, steps, reverse, recompute)


def _array(leaf: Any, name: str) -> Any:
    leaf = values_of(leaf)
    if isinstance(leaf, Traced):
        return as_numpy_number(leaf) if is_weak(leaf) else leaf
    return np.asarray(as_argument(leaf, name, WHERE))


def _steps(xs: Any, length: int | None) -> int:
    """Return the number of steps."""
    lengths = {}
    for path, leaf in leaves({"xs": xs}):
        name = path_text(path)
        if not np.ndim(leaf):
            raise ShapeError(f"{WHERE}: {name} has no axis to run over, it is one number")
        lengths[name] = np.shape(leaf)[0]
    if length is not None:
        if not isinstance(length, int | np.integer) or length < 0:
            raise DataError(f"{WHERE}: length must be a whole number, received {length!r}")
        lengths["length"] = int(length)
    if not lengths:
        raise DataError(f"{WHERE}: without xs, give the number of steps as length")
    if len(set(lengths.values())) > 1:
        description = ", ".join(f"{name} {size}" for name, size in lengths.items())
        raise ShapeError(f"{WHERE}: expected one number of steps, received {description}")
    return int(next(iter(lengths.values())))


def _turn(xs: Any, step: int) -> Any:
    return map_leaves(lambda leaf: leaf[step], xs)


def _looped(f: Any, init: Any, xs: Any, steps: int, reverse: bool) -> tuple[Any, Any] | None:
    """Run a loop on plain arrays; return None if a step returns tensors."""
    carry, ys = init, []
    for step in range(steps)[::-1] if reverse else range(steps):
        carry, y = _checked(f(carry, _turn(xs, step)), init)
        if any(isinstance(leaf, Traced) for _, leaf in leaves([carry, y])):
            return None
        carry = map_leaves(np.asarray, carry)
        ys.append(y)
    first, *others = ys[::-1] if reverse else ys
    return carry, map_leaves(lambda *parts: np.stack(parts), first, *others)


def _checked(result: Any, init: Any) -> tuple[Any, Any]:
    """Return a step's pair of results; refuse a carry that differs from ``init`` in structure.

    Shapes and dtypes must be equal, too.
    """
    if not isinstance(result, tuple | list) or len(result) != 2:
        size = f" of {len(result)}" if isinstance(result, tuple | list) else ""
        raise DataError(
            f"{WHERE}: f must return a pair, the new carry and what to stack, received "
            f"{type(result).__name__}{size}"
        )
    carry, y = result
    if _structure(carry) != _structure(init):
        raise ShapeError(
            f"{WHERE}: f must return a carry of init's structure: expected {_structure(init)}, "
            f"received {_structure(carry)}"
        )

    def like(path: Any, old: Any, new: Any) -> Any:
        if type(new) in (int, float, bool) and np.result_type(old.dtype, new) == old.dtype:
            new = np.asarray(new, old.dtype)
        if not isinstance(new, Traced):
            refuse_foreign(new, "the new carry", WHERE)
            new = new if hasattr(new, "dtype") else np.asarray(new)
        message = f"{WHERE}: f must return a carry like init, but {path_text(path)} "
        if np.shape(new) != np.shape(old):
            raise ShapeError(f"{message}has shape {np.shape(new)}, expected {np.shape(old)}")
        if new.dtype != old.dtype:
            raise DataError(
                f"{message}has dtype {new.dtype}, expected {old.dtype}; give init that dtype, or "
                "convert with .astype"
            )
        return new

    olds = dict(leaves({"carry": init}))
    news = iter([like(path, olds[path], new) for path, new in leaves({"carry": carry})])
    return map_leaves(lambda _: next(news), carry), y


def _structure(tree: Any) -> str:
    """Return a tree's structure as text, with a star for each array."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {_structure(part)}" for key, part in tree.items()) + "}"
    if isinstance(tree, list | tuple):
        inside = ", ".join(map(_structure, tree))
        return f"[{inside}]" if isinstance(tree, list) else f"({inside}{',' * (len(tree) == 1)})"
    return "None" if tree is None else "*"


def _recorded(
    f: Any, init: Any, xs: Any, steps: int, reverse: bool, recompute: bool
) -> tuple[Any, Any]:
    """Record one step, and apply the recurrence of that step."""
    level = recording_level()
    called = dict(zip(argument_names(f, 2), (init, xs), strict=True))
    names = iter(leaf_names(tuple([path for path, _ in leaves(called)])))

    def tensors(tree: Any, value: Any) -> Any:
        def named(x: Any) -> Tensor:
            tensor = Tensor.made(value(_plain(x)), level)
            tensor.name = next(names)
            return tensor

        return map_leaves(named, tree)

    at = steps - 1 if reverse else 0
    carry = tensors(init, lambda x: x)

    def turn(stack: Any) -> Any:
        return np.asarray(stack[at]) if steps else np.zeros(stack.shape[1:], stack.dtype)

    x = tensors(xs, turn)
    with level.captured:
        new, y = _checked(around.result(f(carry, x)), init)
    results = [[leaf for _, leaf in leaves(tree)] for tree in (new, y)]
    results = [[_as_result(leaf, level) for leaf in part] for part in results]
    closed = _closed(results, level)
    inputs = {
        "carry": [leaf for _, leaf in leaves(carry)],
        "closed": [tensor for _, tensor in closed],
        "x": [leaf for _, leaf in leaves(x)],
    }
    program, _ = program_of(inputs, (results[0], results[1]), level)
    for variable in program.variables:
        variable.value = _plain(variable.value)
    operands = [
        *(leaf for _, leaf in leaves(init)),
        *(outer for outer, _ in closed),
        *(leaf for _, leaf in leaves(xs)),
    ]
    body = StepBody(program)
    several = recurrence(
        body, operands, steps=steps, reverse=bool(reverse), recompute=bool(recompute)
    )
    items = (ITEM(several, number=number) for number in range(len(body.results)))
    return map_leaves(lambda _: next(items), new), map_leaves(lambda _: next(items), y)


def _as_result(leaf: Any, level: Level) -> Any:
    """Return a step's result as a tensor of the recording, or as a constant array."""
    if isinstance(leaf, Tensor):
        if leaf.level.number > level.number:
            raise TraceError(f"{WHERE}: f returns a tensor of a transformation that is over")
        return leaf
    refuse_foreign(leaf, "what f returns", WHERE)
    return np.asarray(leaf)


def _plain(value: Any) -> Any:
    """Return the plain value inside a tensor."""
    while type(value) is Tensor:
        value = value.value
    return value


def _closed(results: list[list[Any]], level: Level) -> list[tuple[Tensor, Tensor]]:
    """Turn the outer tensors that a step uses into inputs; return pairs of outer and input."""
    pairs: dict[int, tuple[Tensor, Tensor]] = {}

    def inside(outer: Tensor) -> Tensor:
        if id(outer) not in pairs:
            input_tensor = Tensor.made(_plain(outer), level)
            input_tensor.name = _name(outer)
            pairs[id(outer)] = (outer, input_tensor)
        return pairs[id(outer)][1]

    outputs = [t for part in results for t in part if type(t) is Tensor and t.level is level]
    for tensor in reversed(ancestors(*outputs)):
        parents = dict(tensor.parents)
        for i, operand in enumerate(tensor.operands):
            if i not in parents and type(operand) is Tensor:
                parents[i] = inside(operand)
        tensor.parents = sorted(parents.items())
    for part in results:
        part[:] = [
            inside(leaf) if type(leaf) is Tensor and leaf.level is not level else leaf
            for leaf in part
        ]
    return list(pairs.values())


def _name(tensor: Any) -> str | None:
    while type(tensor) is Tensor:
        if tensor.name:
            return tensor.name
        tensor = tensor.value
    return None
