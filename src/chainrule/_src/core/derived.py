"""The functions that transforms return: they can be printed and pickled.

A supporting module of `transforms`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar

from chainrule._src.base.errors import DataError
from chainrule._src.base.showing import short
from chainrule._src.core.refusals import check_named

P = ParamSpec("P")
R = TypeVar("R")


class _Bound(dict[Any, Any]):
    """Cache of an object's derived methods, stored in the object; never copied with the object."""

    def __reduce__(self) -> Any:
        return _Bound, ()


class Derived(Generic[P, R]):
    """A function that a transform made, printed and pickled as ``maker(f, *options)``.

    Its name and docstring are those of ``f``.

    Parameters
    ----------
    call : callable
        The function that is called.
    maker : callable
        The public transform, for instance `grad`.
    f : callable
        The function that was transformed. If it can be pickled, so can the derived function.
    *options, **named
        The other arguments of ``maker``.

    Examples
    --------
    >>> from chainrule._src.core.transforms import grad
    >>> from chainrule._src.nn.functions import softmax
    >>> grad(softmax, 0)
    grad(softmax, 0)
    """

    def __init__(
        self,
        call: Callable[..., R],
        maker: Callable[..., Any],
        f: Callable[P, Any],
        *options: Any,
        **named: Any,
    ) -> None:
        if not any(hasattr(f, name) for name in ("__call__", "__get__")):
            raise DataError(
                f"{maker.__name__}: the first argument must be a function, received {short(f)}"
            )
        functools.update_wrapper(self, f, updated=())
        self._call = call
        self._made = (maker, (f, *options), named)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the derived function. Refuse keyword arguments that it does not take."""
        if kwargs:
            check_named(self._call, kwargs, self._made[0].__name__)
        return self._call(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """Return the derived function of the bound method.

        If the maker has ``argnums``, the argument ``self`` is counted as well, as in JAX.
        """
        maker, (f, *options), named = self._made
        if "argnums" in maker.__code__.co_varnames:
            return self if instance is None else MethodType(self, instance)
        method = f.__get__(instance, owner) if hasattr(f, "__get__") else f
        if method is f:
            return self
        of = getattr(method, "__self__", None)  # a class, or None of a static method
        home = self if of is None or isinstance(of, type) else of
        key, bound = (self, id(of)), {}
        if hasattr(home, "__dict__"):
            bound = vars(home).setdefault("_chainrule_methods", _Bound())
        if key not in bound:
            bound[key] = maker(method, *options, **named)
        return bound[key]

    def __reduce__(self) -> Any:
        maker, parts, named = self._made
        return functools.partial(maker, **named), parts

    def __repr__(self) -> str:
        maker, parts, named = self._made
        texts = [*map(short, parts), *(f"{name}={short(part)}" for name, part in named.items())]
        return f"{maker.__name__}({', '.join(texts)})"
