r"""`vmap`: turns a function of one example into a function of many examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule._src.base.arrays import as_argument
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.handles import values_of
from chainrule._src.core.captured import around
from chainrule._src.core.derived import Derived, P, R
from chainrule._src.core.primitive import Traced
from chainrule._src.core.recording import recording_level
from chainrule._src.core.tensor import Tensor
from chainrule._src.core.trees import Path, leaves, map_leaves, path_text, with_own_memory
from chainrule._src.trace.batching.call import moved, spread
from chainrule._src.trace.batching.replaying import MappedValue, replay, steps_of_tensors

WHERE = "vmap"


def vmap(f: Callable[P, R], in_axes: Any = 0, out_axes: Any = 0) -> Callable[P, R]:
    r"""Return a function that applies ``f`` to each of the examples along an axis.

    .. math:: \mathrm{vmap}(f)(x)_i = f(x_i)

    ``f`` is recorded for one example, and each operation is done for all examples at once: products
    with a shared array become one matrix product. The returned function can be differentiated,
    recorded, compiled and mapped again.

    Parameters
    ----------
    f : callable
        Written in NumPy; takes and returns arrays, or dicts, lists and tuples of them.
    in_axes : int or None, or tree of these, default 0
        The axis of the examples in the positional arguments; None if every example uses the whole
        argument. A tuple or list has one entry for each argument, which may have the argument's
        structure: ``({"W": 0, "b": None}, 0)``.
    out_axes : int or None, or tree of these, default 0
        The axis of the examples in the results; None for a result that is equal for all examples.

    Returns
    -------
    callable
        Takes ``f``'s arguments; keyword arguments are mapped along axis 0.

    Raises
    ------
    ShapeError
        When called, if the arrays have different sizes along the axis, or no such axis.
    DataError
        When called, if no argument is mapped, an array is not numeric, or ``in_axes`` or
        ``out_axes`` does not fit the structure of the arguments or results.
    TraceError
        When called, if ``f`` branches on a value; write ``np.where``.

    Notes
    -----
    The meaning is that of ``jax.vmap``.

    Examples
    --------
    The gradient of every sample, one in each row:

    >>> from chainrule._src.core.transforms import grad
    >>> def loss(w, x, y):
    ...     return (x @ w - y) ** 2
    >>> X, y = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]]), np.array([1.0, 0.0, 2.0])
    >>> vmap(grad(loss), in_axes=(None, 0, 0))(np.array([1.0, 1.0]), X, y)
    array([[ 4.,  8.],
           [42., 56.],
           [-0., -2.]])

    Three models side by side:

    >>> vmap(lambda w: np.sum(np.tanh(X @ w)))(np.zeros((3, 2)))
    array([0., 0., 0.])
    """
    if not callable(f):
        raise DataError(f"{WHERE}: the first argument must be a function, received {f!r}")

    def mapped(*args: Any, **kwargs: Any) -> Any:
        return _mapped(f, in_axes, out_axes, args, kwargs)

    return Derived(mapped, vmap, f, in_axes, out_axes)


def _mapped(f: Any, in_axes: Any, out_axes: Any, args: Any, kwargs: Any) -> Any:
    positional = list(in_axes) if isinstance(in_axes, tuple | list) else in_axes
    axes = [*_axes_of(positional, list(args), "in_axes"), *_axes_of(0, kwargs, "in_axes")]
    inputs = [*leaves({"args": list(args)}), *leaves(kwargs)]
    moved = [
        None if axis is None else _axis_last(leaf, axis, path)
        for axis, (path, leaf) in zip(axes, inputs, strict=True)
    ]
    size = _size(moved, inputs)
    level = recording_level()
    input_values: dict[Any, MappedValue] = {}

    def tensor(array: Any, mapped: bool) -> Tensor:
        example = Tensor.made(np.asarray(_one_of(array) if mapped else array), level)
        example.name = getattr(array, "name", None)
        input_values[example.order] = MappedValue(array, mapped)
        return example

    def argument(leaf: Any, array: Any) -> Any:
        if array is not None:
            return tensor(array, True)
        table = isinstance(leaf, np.ndarray) and leaf.ndim > 0 and leaf.dtype.kind == "f"
        return tensor(leaf, False) if table else around.argument(leaf)

    replaced = iter([argument(leaf, array) for array, (_, leaf) in zip(moved, inputs, strict=True)])
    inner_args, inner_kwargs = map_leaves(lambda _: next(replaced), (args, kwargs))
    with level.captured:
        result = around.result(f(*inner_args, **inner_kwargs))
    results = list(leaves({"result": result}))
    recorded = [leaf for _, leaf in results if type(leaf) is Tensor and leaf.level is level]
    values = replay(steps_of_tensors(recorded), input_values, size) if recorded else input_values

    def outcome(path: Path, leaf: Any, axis: Any) -> Any:
        inside = type(leaf) is Tensor and leaf.level is level
        value = values[leaf.order] if inside else MappedValue(_array(leaf, path), False)
        return _placed(value, axis, size, path)

    placed = iter(
        outcome(path, leaf, axis)
        for (path, leaf), axis in zip(results, _axes_of(out_axes, result, "out_axes"), strict=True)
    )
    return with_own_memory(map_leaves(lambda _: next(placed), result), [leaf for _, leaf in inputs])


def _one_of(array: Any) -> Any:
    """Return the first example's value; zeros if there is no example."""
    while type(array) is Tensor:
        array = array.value
    return array[..., 0] if array.shape[-1] else np.zeros(array.shape[:-1], array.dtype)


def _axes_of(axes: Any, tree: Any, name: str) -> Iterator[int | None]:
    """Yield the axis of every leaf; an axis for a whole branch holds for all its leaves."""
    if axes is None or (isinstance(axes, int | np.integer) and not isinstance(axes, bool)):
        axis = None if axes is None else int(axes)
        yield from (axis for _ in leaves(tree))
        return
    sequences = isinstance(axes, tuple | list) and isinstance(tree, tuple | list)
    if sequences and len(axes) == len(tree):
        for part, branch in zip(axes, tree, strict=True):
            yield from _axes_of(part, branch, name)
    elif isinstance(axes, dict) and isinstance(tree, dict) and axes.keys() == tree.keys():
        for key, branch in tree.items():
            yield from _axes_of(axes[key], branch, name)
    else:
        fits = f"{len(tree)} entries" if isinstance(tree, tuple | list) else type(tree).__name__
        raise DataError(
            f"{WHERE}: {name} must be an axis, None, or have the structure of what it stands for: "
            f"{axes!r} does not fit {fits}"
        )


def _array(leaf: Any, path: Path) -> Any:
    leaf = values_of(leaf)
    if isinstance(leaf, Traced):
        return leaf
    return np.asarray(as_argument(leaf, path_text(path), WHERE))


def _axis_last(leaf: Any, axis: int, path: Path) -> Any:
    """Return an argument with the mapped axis as its last axis."""
    array = _array(leaf, path)
    if not -np.ndim(array) <= axis < np.ndim(array):
        raise ShapeError(
            f"{WHERE}: {path_text(path)} has shape {np.shape(array)} and no axis {axis} to be "
            "mapped along; None in in_axes gives every example the whole"
        )
    return moved(array, axis, -1)


def _size(moved: list[Any], arguments: list[tuple[Path, Any]]) -> int:
    """Return the size of the mapped axis, which must be equal for all mapped arguments."""
    sizes = {
        path_text(path): np.shape(array)[-1]
        for array, (path, _) in zip(moved, arguments, strict=True)
        if array is not None
    }
    if not sizes:
        raise DataError(f"{WHERE}: no argument is mapped; give in_axes an axis for at least one")
    if len(set(sizes.values())) > 1:
        description = ", ".join(f"{name} has {size}" for name, size in sizes.items())
        raise ShapeError(f"{WHERE}: expected one size along the mapped axes, but {description}")
    return int(next(iter(sizes.values())))


def _placed(value: MappedValue, axis: int | None, size: int, path: Path) -> Any:
    """Return a result with the mapped axis at the position ``axis``."""
    if axis is None:
        if value.mapped:
            raise DataError(
                f"{WHERE}: out_axes is None for {path_text(path)}, which differs from example to "
                "example; give it an axis"
            )
        return value.array
    array = value.array if value.mapped else spread(value.array, size)
    if not -np.ndim(array) <= axis < np.ndim(array):
        raise ShapeError(
            f"{WHERE}: out_axes is {axis} for {path_text(path)}, which has shape "
            f"{np.shape(array)[:-1]} for one example"
        )
    return moved(array, -1, axis)
