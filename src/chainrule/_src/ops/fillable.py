"""Plain arrays that become tensors as soon as the user's code writes tensors into entries.

While a function is recorded, NumPy's creation functions return such arrays to the user's code, and
data arguments are such arrays, too. Until a tensor is written into one, it is an array like any
other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.handles import Handle
from chainrule._src.core.primitive import NUMPY
from chainrule._src.core.tensor import GROUND, Tensor
from chainrule._src.core.trees import map_leaves
from chainrule._src.ops.writing import standing_for

_NUMERIC = "fiub"


class Fillable(np.ndarray[Any, Any], Handle):
    """An array that becomes a tensor as soon as the code writes a tensor into entries.

    Attributes
    ----------
    tensor : Tensor or None
        The tensor that stands for the array since then.
    created : bool
        True of an array that a creation function made: nobody else uses its memory.
    origin : tuple of callable and Fillable, or None
        Of a view: a function of the other array, or of its tensor, that returns the view.
    """

    tensor: Tensor | None
    origin: tuple[Callable[..., Any], Fillable] | None
    created = False
    _shown: Tensor | None  # the tensor of the other array that `tensor` is a view of

    def __array_finalize__(self, other: Any) -> None:
        self.tensor = self.origin = self._shown = None

    @property
    def recorded(self) -> Tensor | None:
        """The tensor that stands for the array, or None."""
        if self.origin is None:
            return self.tensor
        function, parent = self.origin
        base = parent.recorded
        if base is not self._shown:
            self.tensor = None if base is None else function(base)
            self._shown = base
        return self.tensor

    @property
    def plain(self) -> Any:
        """The array as a plain array that shares its memory."""
        return self.view(np.ndarray)

    def value_among(self, operands: Any) -> Any:
        """Return the tensor that stands for the array, or the plain array."""
        recorded = self.tensor if self.origin is None else self.recorded
        return self.view(np.ndarray) if recorded is None else recorded

    def become_tensor(self) -> Tensor:
        """Return the tensor that stands for the array from now on."""
        root = self._root
        if root.tensor is None:
            root.tensor = standing_for(np.array(root.plain), GROUND)
            root.tensor.content.owner = root
            if root.created and root.dtype.kind == "f" and not root._is_locked:
                root.plain[...] = np.nan  # for code that reads the memory directly
        return self.recorded  # type: ignore[return-value]

    @property
    def _root(self) -> Fillable:
        root = self
        while root.origin is not None:
            root = root.origin[1]
        return root

    @property
    def _is_locked(self) -> bool:
        """True if a recording uses the memory, which writes must not change."""
        root = self._root
        return not (root if root.base is None else root.base).flags.writeable

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        values = [x.value_among(()) if type(x) is Fillable else x for x in inputs]
        if method == "__call__" and not options:
            return fillable(ufunc(*values))
        (target,) = options.pop("out", (None,)) or (None,)
        written = inputs[0] if method == "at" else target
        if type(written) is Fillable and (written._is_locked or holds_tensor(values)):
            written.become_tensor()
            values = [value_of(x) for x in inputs]
        if target is not None and not holds_tensor([*values, value_of(target)]):
            getattr(ufunc, method)(*values, out=value_of(target), **options)
            return target
        result = getattr(ufunc, method)(*values, **options)
        if target is None:
            return fillable(result)
        return _write_whole(target, result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in _WRITES and holds_tensor((args, kwargs)):
            return NUMPY[function](*args, **kwargs)
        target = kwargs.pop("out", None)
        result = function(*values_in(args), **values_in(kwargs))
        if target is not None:
            return _write_whole(target, result)
        first = args[0] if args else None
        if type(first) is not Fillable or first.recorded is not None:
            return fillable(result)
        return _viewing(result, lambda x: function(x, *args[1:], **kwargs), first)

    def __getitem__(self, index: Any) -> Any:
        recorded = self.recorded
        if recorded is not None:
            return recorded[values_in(index)]
        if holds_tensor(index):
            return NUMPY[operator.getitem](self.plain, values_in(index))
        return _viewing(super().__getitem__(index), lambda x: x[index], self)

    def __setitem__(self, index: Any, value: Any) -> None:
        value, index = values_in(value), values_in(index)
        recorded = self.recorded
        if recorded is None:
            if not self._is_locked and not holds_tensor((value, index)):
                super().__setitem__(index, value)
                return
            recorded = self.become_tensor()
        recorded[index] = value

    def fill(self, value: Any) -> None:
        """Write a number into all entries."""
        self[...] = value

    def __iter__(self) -> Any:
        recorded = self.recorded
        return super().__iter__() if recorded is None else iter(recorded)

    def __repr__(self) -> str:
        return repr(value_of(self))

    def __str__(self) -> str:
        return str(value_of(self))

    def __reduce__(self) -> Any:
        return value_of(self).__reduce__()

    def __deepcopy__(self, memo: Any) -> Any:
        return fillable(value_of(self).copy())

    def __copy__(self) -> Any:
        return self.__deepcopy__({})


_WRITES = (np.copyto, np.putmask, np.fill_diagonal, np.put, np.put_along_axis)
_IN_PLACE = ("sort", "partition", "put", "resize", "byteswap")


def _method(name: str) -> Callable[..., Any]:
    plain_method = getattr(np.ndarray, name)

    def method(self: Fillable, *args: Any, **options: Any) -> Any:
        is_refused = name in _IN_PLACE and self._is_locked
        recorded = self.become_tensor() if is_refused else self.recorded
        if recorded is not None:
            return getattr(recorded, name)(*values_in(args), **values_in(options))
        if holds_tensor((args, options)):
            return getattr(np, name)(self.plain, *values_in(args), **values_in(options))
        result = plain_method(self, *args, **options)
        return _viewing(result, lambda x: getattr(x, name)(*args, **options), self)

    return method


_KEPT = {"view", "setflags", "tobytes"}
for _name in set(vars(np.ndarray)) - set(vars(Fillable)) - _KEPT:
    if not _name.startswith("_") and callable(getattr(np.ndarray, _name)):
        setattr(Fillable, _name, _method(_name))
for _name in ("__float__", "__int__", "__bool__", "__index__", "__complex__", "__contains__",
              "__format__"):  # fmt: skip
    setattr(Fillable, _name, _method(_name))


def _attribute(name: str) -> property:
    plain_get: Any = getattr(np.ndarray, name).__get__

    def get(self: Fillable) -> Any:
        recorded = self.recorded
        if recorded is not None:
            return getattr(recorded, name)
        return _viewing(plain_get(self), lambda x: getattr(x, name), self)

    return property(get)


for _name in ("T", "mT", "real", "imag", "flat"):
    setattr(Fillable, _name, _attribute(_name))


def value_of(x: Any) -> Any:
    """Return the tensor or plain array that a `Fillable` stands for; other objects unchanged."""
    return x.value_among(()) if type(x) is Fillable else x


def values_in(tree: Any) -> Any:
    """Return nested containers with the tensors and plain arrays of their `Fillable` arrays."""
    if type(tree) in (list, tuple):
        return type(tree)(map(values_in, tree))
    if type(tree) is dict:
        return {key: values_in(part) for key, part in tree.items()}
    return value_of(tree)


def holds_tensor(tree: Any) -> bool:
    """Return true if nested containers hold a tensor."""
    if type(tree) is dict:
        tree = list(tree.values())
    if type(tree) in (list, tuple):
        return any(map(holds_tensor, tree))
    return type(value_of(tree)) is Tensor


def fillable(result: Any) -> Any:
    """Return the result of a function for the user's code: arrays become `Fillable`."""
    if type(result) is np.ndarray and result.dtype.kind in _NUMERIC:
        return result.view(Fillable)
    if type(result) in (list, tuple):
        return type(result)(map(fillable, result))
    return result


def argument(value: Any) -> Any:
    """Return an argument as the recorded function gets it; only arrays of floats are replaced."""
    is_floats = type(value) is np.ndarray and value.dtype.kind == "f"
    return value.view(Fillable) if is_floats else value


def _viewing(result: Any, function: Callable[..., Any], parent: Fillable) -> Any:
    """Return a result of a function, for the user's code; a view tells what it is a view of."""
    if result is parent:
        return parent
    if isinstance(result, list | tuple):
        parts = [
            _viewing(part, lambda x, i=i: function(x)[i], parent) for i, part in enumerate(result)
        ]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    result = fillable(result)
    if type(result) is Fillable and np.may_share_memory(result, parent):
        result.origin = function, parent
    return result


def _write_whole(target: Any, result: Any) -> Any:
    target = target[0] if isinstance(target, tuple) else target
    if type(target) is Fillable:
        target.become_tensor()
    value_of(target)[...] = result
    return target


def present(tree: Any) -> Any:
    """Return the result of a recorded function, with nodes for tensors and filled arrays."""

    def leaf(value: Any) -> Any:
        value = value_of(value)
        return value.settled() if type(value) is Tensor else value

    return tree.settled() if type(tree) is Tensor else map_leaves(leaf, tree)
