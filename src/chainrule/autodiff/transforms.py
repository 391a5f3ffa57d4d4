r"""From a function to its derivatives.

Parameters may be arrays or nested dicts, lists and tuples of arrays; gradients come back in the
same structure. ``argnums`` names the arguments to differentiate, by position, as in JAX.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.autodiff.backward import adjoints, scalar_seed
from chainrule.autodiff.tensor import Level, Tensor
from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.errors import DataError, ShapeError

Argnums = int | tuple[int, ...]


class _Depth(threading.local):
    number = 0


_depth = _Depth()


class new_level:  # noqa: N801, used like a function
    """Give a level above all that are in use in this thread, for the time of a ``with`` block."""

    __slots__ = ("records_all",)

    def __init__(self, records_all: bool = False) -> None:
        self.records_all = records_all

    def __enter__(self) -> Level:
        _depth.number += 1
        return Level(_depth.number, self.records_all)

    def __exit__(self, *_: object) -> None:
        _depth.number -= 1


def wrap(tree: Any, level: Level, where: str) -> Any:
    """Return the tree with a tensor of ``level`` around each leaf, which must be floating."""

    def tensor(leaf: Any) -> Tensor:
        if type(leaf) is np.ndarray or type(leaf) is Tensor:
            value = leaf
        else:  # a Python number, whole or not, or a list that stands for an array
            value = np.asarray(leaf, np.float64 if isinstance(leaf, int) else None)
        if value.dtype.kind != "f":
            raise DataError(
                f"{where}: cannot differentiate with respect to an array of dtype {value.dtype}; "
                "convert it with .astype(float), or leave its argument out of argnums"
            )
        wrapped = Tensor.made(value, level)
        if type(leaf) is Tensor:
            wrapped.name = leaf.name
        return wrapped

    return map_leaves(tensor, tree)


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """Return a function that computes ``f`` and its gradient.

    Parameters
    ----------
    f : callable
        Written in NumPy; returns a single number.
    argnums : int or tuple of int, default 0
        Which arguments to differentiate.

    Returns
    -------
    callable
        With ``f``'s arguments; returns ``(value, gradient)``. The gradient has the structure,
        shapes and dtypes of the argument; for a tuple of ``argnums`` it is a tuple.

    Raises
    ------
    ShapeError
        When called, if ``f`` returns anything but a single number.
    DataError
        When called, if an argument to differentiate is not floating.
    TraceError
        When called, if ``f`` does what would lose the gradient.

    Examples
    --------
    >>> value_and_grad(lambda w, x: np.sum(np.tanh(w * x)))(np.zeros(2), np.array([1.0, 2.0]))
    (np.float64(0.0), array([1., 2.]))
    """

    @functools.wraps(f)
    def value_and_grad_f(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        value, pullback = _vjp(f, args, kwargs, argnums, "grad")
        if type(value) is not Tensor:
            return value, pullback(_constant(value))
        return value.value, pullback(scalar_seed(value, "grad"))

    return value_and_grad_f


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    r"""Return a function that computes the gradient of ``f``.

    .. math:: \nabla f(\theta) = \Big(\frac{\partial f}{\partial \theta_i}\Big)_i

    Parameters, errors and the structure of the result are those of `value_and_grad`.

    Examples
    --------
    >>> grad(lambda x: x**3)(2.0)
    np.float64(12.0)
    >>> grad(grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    >>> grad(lambda p: p["w"] @ p["w"] + p["b"])({"w": np.array([1.0, 2.0]), "b": 0.5})
    {'w': array([2., 4.]), 'b': np.float64(1.0)}
    """

    @functools.wraps(f)
    def grad_f(*args: Any, **kwargs: Any) -> Any:
        return value_and_grad(f, argnums)(*args, **kwargs)[1]

    return grad_f


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], Any]]:
    r"""Return ``f(*args)`` and its pullback, the vector-Jacobian product.

    .. math:: \mathrm{pullback}(v) = v^\top \frac{\partial f}{\partial x}

    Parameters
    ----------
    f : callable
        Returns an array of any shape.
    *args
        All are differentiated.

    Returns
    -------
    value : ndarray
    pullback : callable
        Takes an array of the value's shape; returns a tuple with one adjoint an argument. It can be
        called many times, and differentiated.

    Examples
    --------
    >>> y, pullback = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    value, pullback = _vjp(f, args, {}, tuple(range(len(args))), "vjp")

    def checked(v: Any) -> Any:
        v = v if isinstance(v, Tensor) else np.asarray(v)
        if np.shape(v) != np.shape(value):
            raise ShapeError(
                f"vjp: the pullback takes an array of the value's shape {np.shape(value)}, "
                f"received shape {np.shape(v)}"
            )
        return pullback(v)

    return _value(value), checked


def jacobian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    r"""Return a function that computes all derivatives of all outputs.

    .. math:: J_{i \dots j \dots} = \frac{\partial f_{i \dots}}{\partial x_{j \dots}}

    Returns
    -------
    callable
        With ``f``'s arguments; the result has the shape of the output followed by the shape of the
        argument (in the argument's structure).

    Examples
    --------
    >>> jacobian(lambda x: np.array([2.0, 3.0]) * x)(np.array([1.0, 1.0]))
    array([[2., 0.],
           [0., 3.]])
    """

    def jacobian_f(*args: Any, **kwargs: Any) -> Any:
        value, pullback = _vjp(f, args, kwargs, argnums, "jacobian")
        shape, size = np.shape(value), int(np.prod(np.shape(value), dtype=int))
        basis = np.eye(size, dtype=value.dtype).reshape(size, *shape)
        rows = [pullback(v) for v in basis]

        def stacked(*parts: Any) -> Any:
            return np.reshape(np.stack(parts), (*shape, *np.shape(parts[0])))

        return map_leaves(stacked, rows[0], *rows[1:])

    return jacobian_f


def hessian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    r"""Return a function that computes the matrix of second derivatives.

    .. math:: H_{ij} = \frac{\partial^2 f}{\partial x_i \partial x_j}

    The argument must be one array; the result has its shape twice.

    Examples
    --------
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    r"""Return a function that multiplies the Hessian with a vector, without forming it.

    .. math:: \mathrm{hvp}(x, v) = \nabla_x \big(\nabla f(x) \cdot v\big) = H v

    Returns
    -------
    callable
        ``hvp(f)(*args, v)``: ``f``'s arguments, then ``v`` in the structure of the argument.

    Examples
    --------
    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """

    def hvp_f(*args: Any) -> Any:
        *args_f, v = args

        def slope(*inner: Any) -> Any:
            products = map_leaves(lambda g, u: np.sum(g * u), grad(f, argnums)(*inner), v)
            return sum(product for _, product in leaves(products))

        return grad(slope, argnums)(*args_f)

    return hvp_f


def stop_gradient(x: Any) -> Any:
    """Return ``x`` as a constant: no gradient flows through it.

    Examples
    --------
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    from chainrule.ops.elementwise import STOP_GRADIENT

    return STOP_GRADIENT(x)


def _vjp(
    f: Callable[..., Any], args: Sequence[Any], kwargs: Any, argnums: Argnums, where: str
) -> tuple[Any, Callable[[Any], Any]]:
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    if not -len(args) <= min(chosen) <= max(chosen) < len(args):
        raise DataError(f"{where}: argnums={argnums} but {len(args)} positional arguments came")
    with new_level() as level:
        wrapped = list(args)
        for i in chosen:
            wrapped[i] = wrap(args[i], level, where)
        value = f(*wrapped, **kwargs)
    inputs = tuple(wrapped[i] for i in chosen)

    def pullback(v: Any) -> Any:
        found = {}
        if isinstance(value, Tensor) and value.level is level:
            found = adjoints(value, v)

        def gradient(leaf: Tensor) -> Any:
            g = found.get(leaf.order)
            if g is None:
                g = np.zeros(leaf.shape, leaf.dtype)
            return g if g.shape else g[()]  # an array without axes becomes NumPy's number

        gradients = map_leaves(gradient, inputs)
        return gradients if isinstance(argnums, tuple) else gradients[0]

    if not isinstance(value, Tensor):
        value = _checked_output(value, where)
    return value, pullback


def _value(value: Any) -> Any:
    return value.value if isinstance(value, Tensor) else value


def _checked_output(value: Any, where: str) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"{where}: the function must return numbers, received {type(value).__name__}"
        )
    return array


def _constant(value: Any) -> Any:
    if np.shape(value) != ():
        raise ShapeError(
            "grad: the function must return a single number, but its result has shape "
            f"{np.shape(value)}; take np.sum or np.mean of it, or use jacobian"
        )
    return np.ones(())
