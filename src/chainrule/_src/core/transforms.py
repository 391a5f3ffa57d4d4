r"""Transforms: functions that take a function and return a function of its derivatives.

Parameters may be arrays or nested dicts, lists and tuples of arrays; the gradients have the same
structure. ``argnums`` names the arguments to differentiate, by position, as in JAX.

Read next: `captured`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, Literal, TypeVar, overload

import numpy as np

from chainrule._src.base.arrays import Array, as_argument, as_floats
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.handles import Exchangeable, holding
from chainrule._src.core.backward import adjoints, as_number, scalar_seed
from chainrule._src.core.captured import around
from chainrule._src.core.derived import Derived, P, R
from chainrule._src.core.elementwise import ASTYPE, STOP_GRADIENT
from chainrule._src.core.tensor import Level, Tensor
from chainrule._src.core.trees import leaves, map_leaves, with_own_memory
from chainrule._src.core.weak import as_value, is_weak, strong

Argnums = int | tuple[int, ...]
T = TypeVar("T")


def wrap(tree: Any, level: Level, where: str, variables: dict[Exchangeable, Tensor]) -> Any:
    """Return the tree with each leaf, which must be floating, wrapped in a tensor of ``level``.

    The tensors of variables are added to ``variables``.
    """

    def tensor(leaf: Any) -> Tensor:
        value: Any = (
            leaf if type(leaf) is Tensor else as_value(as_argument(leaf, "a parameter", where))
        )
        if value.dtype.kind in "iub" and is_weak(value):
            value = value * 1.0
        if value.dtype.kind != "f":
            raise DataError(
                f"{where}: cannot differentiate with respect to an array of dtype {value.dtype}; "
                "convert it with .astype(float), or leave its argument out of argnums"
            )
        wrapped = Tensor.made(level.captured(value), level)
        if type(leaf) is Tensor:
            wrapped.name = leaf.name
        elif isinstance(leaf, Exchangeable):
            variables[leaf] = wrapped
        return wrapped

    return map_leaves(tensor, tree)


@overload  # an argnums of type int may be 0 at run time, hence "ignore"
def value_and_grad(  # type: ignore[overload-overlap]
    f: Callable[Concatenate[T, P], R], argnums: Literal[0] = 0, has_aux: bool = False
) -> Callable[Concatenate[T, P], tuple[R, T]]: ...
@overload
def value_and_grad(
    f: Callable[P, R], argnums: int, has_aux: bool = False
) -> Callable[P, tuple[R, Any]]: ...
@overload
def value_and_grad(
    f: Callable[P, R], argnums: tuple[int, ...], has_aux: bool = False
) -> Callable[P, tuple[R, tuple[Any, ...]]]: ...
def value_and_grad(f: Any, argnums: Argnums = 0, has_aux: bool = False) -> Any:
    """Return a function that computes ``f`` and its gradient.

    Parameters
    ----------
    f : callable
        Written in NumPy; returns a single number, also as an array of shape (1,) or (1, 1), whose
        value is returned as a number. It may write into arrays that it has used before,
        because a recorded operation copies its operands. Arrays above a megabyte are not copied; a
        write into such an array is refused. Variables among the arguments to differentiate, such as
        ``model.trainable_variables``, hold tensors while ``f`` runs: what reads them depends on
        these arguments.
    argnums : int or tuple of int, default 0
        Which arguments to differentiate; of a method, ``self`` is argument 0.
    has_aux : bool, default False
        If true, ``f`` returns ``(value, aux)``: the number, and another value that is not
        differentiated.

    Returns
    -------
    callable
        Takes ``f``'s arguments; returns ``(value, gradient)``, or ``((value, aux), gradient)``. The
        gradient has the structure, shapes and dtypes of the argument; for a tuple of ``argnums``
        it is a tuple.

    Raises
    ------
    ShapeError
        When called, if ``f`` returns anything but a single number.
    DataError
        When called, if an argument to differentiate is not of floating dtype.
    TraceError
        When called, if ``f`` does something that would lose the gradient.

    Examples
    --------
    >>> value_and_grad(lambda w, x: np.sum(np.tanh(w * x)))(np.zeros(2), np.array([1.0, 2.0]))
    (np.float64(0.0), array([1., 2.]))
    """

    def value_and_grad_f(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        value, pullback, aux = _vjp(f, args, kwargs, argnums, "grad", has_aux)
        seed = scalar_seed(value, "grad")
        output = as_number(_outside(value, pullback.level))
        return (output, aux) if has_aux else output, pullback(seed)

    return Derived(value_and_grad_f, value_and_grad, f, argnums, has_aux)


@overload
def grad(  # type: ignore[overload-overlap]
    f: Callable[Concatenate[T, P], R], argnums: Literal[0] = 0
) -> Callable[Concatenate[T, P], T]: ...
@overload
def grad(f: Callable[P, R], argnums: int) -> Callable[P, Any]: ...
@overload
def grad(f: Callable[P, R], argnums: tuple[int, ...]) -> Callable[P, tuple[Any, ...]]: ...
def grad(f: Any, argnums: Argnums = 0) -> Any:
    r"""Return a function that computes the gradient of ``f``.

    .. math:: \nabla f(\theta) = \Big(\frac{\partial f}{\partial \theta_i}\Big)_i

    Parameters
    ----------
    f : callable
        Written in NumPy; returns a single number.
    argnums : int or tuple of int, default 0
        Which arguments to differentiate; of a method, ``self`` is argument 0.

    Returns
    -------
    callable
        Takes ``f``'s arguments. The gradient has the structure, shapes and dtypes of the argument;
        for a tuple of ``argnums`` it is a tuple.

    Raises
    ------
    ShapeError, DataError, TraceError
        When called, as for `value_and_grad`.

    Examples
    --------
    >>> grad(lambda x: x**3)(2.0)
    np.float64(12.0)
    >>> grad(grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    >>> grad(lambda p: p["w"] @ p["w"] + p["b"])({"w": np.array([1.0, 2.0]), "b": 0.5})
    {'w': array([2., 4.]), 'b': np.float64(1.0)}
    """
    value_and_grad_f = value_and_grad(f, argnums)

    def grad_f(*args: Any, **kwargs: Any) -> Any:
        return value_and_grad_f(*args, **kwargs)[1]

    return Derived(grad_f, grad, f, argnums)


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], Any]]:
    r"""Return ``f(*args)`` and its pullback, the vector-Jacobian product.

    .. math:: \mathrm{pullback}(v) = v^\top \frac{\partial f}{\partial x}

    Parameters
    ----------
    f : callable
        Returns an array of any shape.
    *args
        The arguments of ``f``; all are differentiated.

    Returns
    -------
    value : ndarray
    pullback : callable
        Takes an array of the value's shape; returns a tuple with one adjoint for each argument. It
        can be called many times, and differentiated.

    Raises
    ------
    ShapeError
        If ``f`` returns no array, or the pullback is called with an array of another shape.
    DataError, TraceError
        As for `value_and_grad`.

    Examples
    --------
    >>> y, pullback = vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pullback(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    value, pullback, _ = _vjp(f, args, {}, tuple(range(len(args))), "vjp")

    def checked(v: Any) -> Any:
        if not isinstance(v, Tensor):
            v = as_floats(v, "v", "vjp").astype(value.dtype, copy=False)
        if np.shape(v) != np.shape(value):
            raise ShapeError(
                f"vjp: the pullback takes an array of the value's shape {np.shape(value)}, "
                f"received shape {np.shape(v)}"
            )
        return pullback(v)

    result = _outside(value, pullback.level)
    return with_own_memory(result, [result]), checked  # rules may still need the value


def jacobian(f: Callable[P, Any], argnums: int = 0) -> Callable[P, Any]:
    r"""Return a function that computes the derivatives of all outputs.

    .. math:: J_{i \dots j \dots} = \frac{\partial f_{i \dots}}{\partial x_{j \dots}}

    Parameters
    ----------
    f : callable
        Written in NumPy; returns an array of any shape.
    argnums : int, default 0
        Which argument to differentiate.

    Returns
    -------
    callable
        Takes ``f``'s arguments. The result has the shape of the output followed by the shape of the
        argument, in the argument's structure.

    Raises
    ------
    ShapeError
        When called, if ``f`` returns no array.
    DataError, TraceError
        When called, as for `value_and_grad`.

    Examples
    --------
    >>> jacobian(lambda x: np.array([2.0, 3.0]) * x)(np.array([1.0, 1.0]))
    array([[2., 0.],
           [0., 3.]])
    """

    def jacobian_f(*args: Any, **kwargs: Any) -> Any:
        value, pullback, _ = _vjp(f, args, kwargs, argnums, "jacobian")
        shape, size = np.shape(value), int(np.prod(np.shape(value), dtype=int))
        if size == 0:
            return map_leaves(lambda x: np.zeros((*shape, *np.shape(x))), args[argnums])
        basis = np.eye(size, dtype=value.dtype).reshape(size, *shape)
        rows = [pullback(v) for v in basis]

        def stacked(*parts: Any) -> Any:
            return np.reshape(np.stack(parts), (*shape, *np.shape(parts[0])))

        return map_leaves(stacked, rows[0], *rows[1:])

    return Derived(jacobian_f, jacobian, f, argnums)


def hessian(f: Callable[P, Any], argnums: int = 0) -> Callable[P, Array]:
    r"""Return a function that computes the matrix of second derivatives.

    .. math:: H_{ij} = \frac{\partial^2 f}{\partial x_i \partial x_j}

    Parameters
    ----------
    f : callable
        Written in NumPy; returns a single number.
    argnums : int, default 0
        Which argument to differentiate; it must be one array.

    Returns
    -------
    callable
        Takes ``f``'s arguments. For an argument of some shape ``s`` the result has the shape
        ``s + s``.

    Raises
    ------
    ShapeError, DataError, TraceError
        When called, as for `value_and_grad`.

    Examples
    --------
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    return Derived(jacobian(grad(f, argnums), argnums), hessian, f, argnums)


def hvp(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    r"""Return a function that computes the product of the Hessian and a vector.

    The Hessian itself is not computed.

    .. math:: \mathrm{hvp}(x, v) = \nabla_x \big(\nabla f(x) \cdot v\big) = H v

    Parameters
    ----------
    f : callable
        Written in NumPy; returns a single number.
    argnums : int, default 0
        Which argument to differentiate.

    Returns
    -------
    callable
        ``hvp(f)(*args, v)``: ``f``'s arguments, then ``v`` in the structure of the argument.

    Raises
    ------
    DataError
        When called, if ``v`` is missing, and as for `value_and_grad`.
    ShapeError
        When called, if ``v`` has another structure or other shapes than the argument.

    Examples
    --------
    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    gradient = grad(f, argnums)

    def hvp_f(*args: Any) -> Any:
        if len(args) < 2:
            raise DataError("hvp: give the function's arguments and then the vector v")
        *args_f, v = args
        at, along = dict(leaves(args_f[argnums])), dict(leaves(v))
        if {p: np.shape(x) for p, x in at.items()} != {p: np.shape(x) for p, x in along.items()}:
            raise ShapeError("hvp: v must have the structure and the shapes of the argument")

        def slope(*inner: Any) -> Any:
            products = map_leaves(lambda g, u: np.sum(g * u), gradient(*inner), v)
            return sum(product for _, product in leaves(products))

        return grad(slope, argnums)(*args_f)

    return Derived(hvp_f, hvp, f, argnums)


def stop_gradient(x: T) -> T:
    """Return ``x`` as a constant, through which no gradient flows.

    Parameters
    ----------
    x : array_like

    Returns
    -------
    ndarray
        The same values.

    Examples
    --------
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    constant: T = STOP_GRADIENT(x)
    return constant


class _Pullback:
    """Function that maps the adjoint of a function's value to the adjoints of its inputs."""

    __slots__ = ("inputs", "level", "single", "value")

    def __init__(self, value: Any, level: Level, inputs: tuple[Any, ...], single: bool) -> None:
        self.value, self.level, self.inputs, self.single = value, level, inputs, single

    def __call__(self, v: Any) -> Any:
        by_order = {}
        if type(self.value) is Tensor and self.value.level is self.level:
            by_order = adjoints(self.value, v)

        def gradient(leaf: Tensor) -> Any:
            g = by_order.get(leaf.order)
            if g is None:
                g = np.zeros(leaf.shape, leaf.dtype)
            elif g.dtype is not leaf.value.dtype and g.dtype != leaf.dtype:
                # Operands of a wider dtype have promoted the adjoint.
                g = ASTYPE(g, dtype=leaf.dtype.type)
            # An array without axes becomes a NumPy number.
            return g if g.shape or type(g) is Tensor else g[()]

        gradients = with_own_memory(map_leaves(gradient, self.inputs), [v])
        return gradients[0] if self.single else gradients


def _vjp(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Any,
    argnums: Argnums,
    where: str,
    has_aux: bool = False,
) -> tuple[Any, _Pullback, Any]:
    positions = argnums if isinstance(argnums, tuple) else (argnums,)
    if not callable(f):
        raise DataError(f"{where}: the first argument must be a function, received {f!r}")
    if type(argnums) is not int and not (positions and all(type(i) is int for i in positions)):
        raise DataError(
            f"{where}: argnums must be a position or a tuple of positions, received {argnums!r}"
        )
    if not -len(args) <= min(positions) <= max(positions) < len(args):
        raise DataError(f"{where}: argnums={argnums} but {len(args)} positional arguments came")
    level = Level(locks=where != "vjp")  # the pullback of vjp is called later
    wrapped, variables = list(args), dict[Exchangeable, Tensor]()
    for i in positions:
        wrapped[i] = wrap(args[i], level, where, variables)
    kwargs = {name: around.argument(value) for name, value in kwargs.items()}
    if variables:
        f = holding(variables)(f)
    with level.captured:
        result = around.result(f(*map(around.argument, wrapped), **kwargs))
    value, aux = result if has_aux else (result, None)
    if type(value) is not Tensor:
        value = _checked_output(value, where)
    inputs = tuple(wrapped[i] for i in positions)
    aux = map_leaves(lambda leaf: _outside(leaf, level), aux)
    return value, _Pullback(value, level, inputs, not isinstance(argnums, tuple)), aux


def _outside(value: Any, level: Level) -> Any:
    """Return a value without this level's tensor around it, for the code that called."""
    return strong(value.value if type(value) is Tensor and value.level is level else value)


def _checked_output(value: Any, where: str) -> Any:
    if isinstance(value, tuple | list | dict):
        raise ShapeError(
            f"{where}: the function must return one number or array, received a "
            f"{type(value).__name__}; return the loss alone"
        )
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"{where}: the function must return numbers, received {type(value).__name__}"
        )
    return array[()]
