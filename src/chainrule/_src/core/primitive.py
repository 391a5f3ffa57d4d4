"""The record of one operation: its value, its gradient rules, its text and its kernel.

An operation is called with operands, which may be differentiated, and parameters, which are fixed:
``SUM(x, axis=0)``. A gradient rule gets the adjoint ``g`` of the output, the output ``y``, the
operands and the parameters, and returns the adjoint of one operand. Rules are NumPy code: on arrays
they run at full speed, on tensors they are recorded and can be differentiated again.

Read next: `elementwise`, where most primitives are made.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chainrule._src.base.handles import Handle, values_of
from chainrule._src.core.forms import of_first_entries
from chainrule._src.core.kernel import Elementwise, Kernel

Rule = Callable[..., Any]


@dataclass(frozen=True)
class EachOperand:
    """One gradient rule for an operation with any number of operands.

    ``rule(position, g, y, *operands, **params)`` returns the adjoint of the operand at
    ``position``.
    """

    rule: Rule

    def __getitem__(self, position: int) -> Rule:
        return partial(self.rule, position)


@dataclass(frozen=True)
class JointRule:
    """One gradient rule that computes the adjoints of several operands together.

    ``rule(g, y, positions, *operands, **params)`` returns a dict with the adjoints of the operands
    at these positions; an operand without an adjoint is left out.
    """

    rule: Callable[..., Mapping[int, Any]]

    def __getitem__(self, position: int) -> Rule:
        def alone(g: Any, y: Any, *operands: Any, **params: Any) -> Any:
            return self.rule(g, y, (position,), *operands, **params).get(position)

        return alone


Rules = tuple[Rule | None, ...] | EachOperand | JointRule | None


@dataclass(frozen=True)
class Lines:
    """The text of an operation that does not fit in one expression, for example a loop.

    The wing that writes text has a rule for it. ``brief`` is the expression for a table, which has
    one row for each result.
    """

    brief: str | Callable[..., str]


Text = str | Callable[..., str] | Lines | None


class Traced:
    """Base of the objects that record an operation instead of computing it on plain arrays."""

    __slots__ = ()
    about: Any  # if this is an adjoint: the tensor that it is the adjoint of

    def record(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        """Apply ``primitive`` to the operands and record the operation."""
        raise NotImplementedError


def tensor_or(check: Callable[..., Any], value: Any, *about: Any) -> Any:
    """Return a tensor unchanged, and ``check(value, *about)`` for other values."""
    value = values_of(value)
    return value if isinstance(value, Traced) else check(value, *about)


@dataclass(frozen=True, eq=False)
class Primitive:
    """The record of one operation.

    Attributes
    ----------
    name : str
    value : callable
        ``value(*operands, **params)`` on plain arrays.
    gradients : tuple of callable or None, or EachOperand, or JointRule, or None
        One rule for each operand, ``rule(g, y, *operands, **params)``, or None if no gradient flows
        to that operand; None instead of the tuple if the operation has no gradient at all.
    text : str or callable or Lines, optional
        The operation as NumPy code: an expression in which ``_0``, ``_1`` stand for the operands
        and parameters are written by name; or a function of the operands' shapes and the parameters
        that returns such an expression; or several lines that assign the result to ``_y``.
    broadcasts : int
        The first ``broadcasts`` operands may be written as one number if they are constant arrays
        whose entries are all equal.
    kernel : Kernel or None
        The description that the compiler turns into loops; None if the operation is not compiled.
    helpers : tuple of callable
        Functions that the text calls, each after the functions that it calls itself. Their source
        is written above the text, so they may use nothing but each other and imported modules.
    form : callable, optional
        Cheap replacement for ``value``: returns an array with the result's shape and dtype, whose
        numbers do not matter.
    prune : callable, optional
        For an operation with several results: ``prune(equations, result)`` returns the equations
        without the results that no equation uses.
    view : callable, optional
        For an operation of one operand whose result is a view, as in NumPy: ``view(base, part,
        **params)`` returns the operand after ``part`` was written into the result.
    """

    name: str
    value: Callable[..., Any]
    gradients: Rules = None
    text: Text = None
    broadcasts: int = 0
    kernel: Kernel | None = None
    helpers: tuple[Callable[..., Any], ...] = ()
    form: Callable[..., Any] | None = None
    prune: Callable[..., Any] | None = None
    view: Callable[..., Any] | None = None

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Apply the operation. If an operand is a tensor, the operation is recorded."""
        for operand in operands:
            if isinstance(operand, Traced):
                return operand.record(self, operands, params)
            if isinstance(operand, Handle):
                return self(*values_of(operands), **params)
        return self.value(*operands, **params)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> Any:
        return primitive_named, (self.name,)


_BY_NAME: dict[str, Primitive] = {}
NUMPY: dict[Callable[..., Any], Any] = {}
"""NumPy function → function to call if an argument is a tensor. The families fill it. Two keys
are no functions of NumPy: ``operator.getitem`` for an index, ``list`` for a list of tensors."""
# Name of another library's module → function that loads the family for that module's functions.
LOADED_LATER: dict[str, Callable[[], object]] = {}


def target_of(function: Callable[..., Any]) -> Any:
    """Return the function to call if an argument is a tensor; None if there is no such function."""
    while function not in NUMPY:
        module = next((name for name in LOADED_LATER if name in sys.modules), None)
        if module is None:
            return None
        LOADED_LATER.pop(module)()
    return NUMPY[function]


def primitive_named(name: str) -> Primitive:
    """Return the primitive with this name."""
    return _BY_NAME[name]


@dataclass
class Family:
    """A table of primitives, and of the NumPy functions that call primitives.

    Attributes
    ----------
    primitives : dict of str to Primitive
    numpy : dict of callable to callable
        NumPy function → function to call if an argument is a tensor: a primitive, or a function of
        the same signature that calls primitives.
    """

    primitives: dict[str, Primitive] = field(default_factory=dict)
    numpy: dict[Callable[..., Any], Callable[..., Any]] = field(default_factory=dict)

    def lead(self, function: Callable[..., Any], target: Callable[..., Any]) -> None:
        """Set the function that replaces a NumPy function if an argument is a tensor."""
        self.numpy[function] = NUMPY[function] = target

    def add(
        self,
        name: str,
        value: Callable[..., Any],
        gradients: Rules = None,
        text: Text = None,
        *,
        kernel: Kernel | None,
        of: Callable[..., Any] | None = None,
        broadcasts: int = 0,
        helpers: tuple[Callable[..., Any], ...] = (),
        form: Callable[..., Any] | None = None,
        prune: Callable[..., Any] | None = None,
        view: Callable[..., Any] | None = None,
    ) -> Primitive:
        """Add a primitive. The NumPy function ``of``, if given, calls it for tensors.

        An operation that is not compiled has ``kernel=None``, which cannot be left out.
        """
        if isinstance(kernel, Elementwise):
            form = form or of_first_entries(value)
        record = Primitive(
            name, value, gradients, text, broadcasts, kernel, helpers, form, prune, view
        )
        self.primitives[name] = _BY_NAME[name] = record
        if of is not None:
            self.lead(of, record)
        return record

    def implements(self, *functions: Callable[..., Any]) -> Callable[[Rule], Rule]:
        """Return a decorator: the function replaces these NumPy functions for tensors."""

        def register(function: Rule) -> Rule:
            for each in functions:
                self.lead(each, function)
            return function

        return register


def unbroadcast(g: Any, x: Any) -> Any:
    """Sum the adjoint ``g`` over the axes along which ``x`` was repeated by broadcasting."""
    shape = x.shape
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    if extra:
        g = g.sum(axis=0 if extra == 1 else tuple(range(extra)))
    repeated = tuple(i for i, size in enumerate(shape) if size == 1 != g.shape[i])
    if repeated:
        g = g.sum(axis=repeated[0] if len(repeated) == 1 else repeated, keepdims=True)
    return g
