"""What a primitive is: one record with its value, its gradient, its text and its kernel.

An operation is called with operands, which may be differentiated, and parameters, which are
fixed: ``SUM(x, axis=0)``. A gradient rule gets the adjoint ``g`` of the output, the output ``y``,
the operands and the parameters, and returns the adjoint of one operand. Rules are NumPy code: on
arrays they run at full speed, on tensors they are recorded and can be differentiated again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chainrule._src.core.forms import of_first_entries
from chainrule._src.core.kernel import Elementwise, Kernel

Rule = Callable[..., Any]


@dataclass(frozen=True)
class EachOperand:
    """The rules of an operation of any number of operands: one function of the position."""

    rule: Rule

    def __getitem__(self, position: int) -> Rule:
        return partial(self.rule, position)


@dataclass(frozen=True)
class Together:
    """One rule for all operands: it is told which ones are asked for, and gives what it has.

    ``rule(g, y, wanted, *operands, **params)`` returns adjoints by the operand's position.
    """

    rule: Callable[..., Mapping[int, Any]]

    def __getitem__(self, position: int) -> Rule:
        def alone(g: Any, y: Any, *operands: Any, **params: Any) -> Any:
            return self.rule(g, y, (position,), *operands, **params).get(position)

        return alone


Rules = tuple[Rule | None, ...] | EachOperand | Together | None


@dataclass(frozen=True)
class Lines:
    """The text of an operation that does not fit in one expression, for example a loop.

    The wing that writes text has a rule for it. ``brief`` is the expression for a table, which has
    one row for each result.
    """

    brief: str | Callable[..., str]


Text = str | Callable[..., str] | Lines | None


class Traced:
    """What takes part in an operation and records it instead of a plain array."""

    __slots__ = ()
    about: Any  # of an adjoint: what it is the adjoint of

    def record(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
        """Apply ``primitive`` and record it."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Primitive:
    """One operation.

    Attributes
    ----------
    name : str
    value : callable
        ``value(*operands, **params)`` on plain arrays.
    gradients : tuple of callable or None, or EachOperand, or Together, or None
        One rule an operand, ``rule(g, y, *operands, **params)``, None where no gradient flows; None
        if the operation has no gradient at all.
    text : str or callable or Lines, optional
        The operation as NumPy: an expression in which ``_0``, ``_1`` stand for operands and the
        parameters for themselves, or a function of the operands' shapes and the parameters that
        returns one; or several lines that leave the result in ``_y``; or a rule that writes lines.
    broadcasts : int
        How many operands, from the first on, may stand as one number where they are constants with
        that number everywhere.
    kernel : Kernel or None
        How it becomes loops; None if it runs in NumPy alone.
    helpers : tuple of callable
        Functions that the text calls, each after those that it calls itself. Their source is
        written above the text; they use nothing but each other and modules.
    form : callable, optional
        Instead of ``value`` where numbers do not matter: the result's shape and dtype, with less
        work.
    prune : callable, optional
        ``prune(equations, result)`` returns recorded equations without what nobody uses, where the
        operation computes more than one thing.
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

    def __call__(self, *operands: Any, **params: Any) -> Any:
        """Apply the operation; a tensor among the operands records it."""
        for operand in operands:
            if isinstance(operand, Traced):
                return operand.record(self, operands, params)
        return self.value(*operands, **params)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> Any:
        return known, (self.name,)


_KNOWN: dict[str, Primitive] = {}
NUMPY: dict[Callable[..., Any], Any] = {}
"""NumPy function → what to call when a tensor takes part. The families fill it. Two keys
are no function of NumPy: ``operator.getitem`` for an index, ``list`` for a list of tensors."""
# By module of another library whose functions find tensors: what loads the family for them.
LOADED_LATER: dict[str, Callable[[], object]] = {}


def target_of(function: Callable[..., Any]) -> Any:
    """Return what to call for a function when a tensor takes part; None if it is not covered."""
    while function not in NUMPY:
        module = next((name for name in LOADED_LATER if name in sys.modules), None)
        if module is None:
            return None
        LOADED_LATER.pop(module)()
    return NUMPY[function]


def known(name: str) -> Primitive:
    """Return a primitive of the tables by its name."""
    return _KNOWN[name]


@dataclass
class Family:
    """A table of primitives, and how NumPy's own functions lead to them.

    Attributes
    ----------
    primitives : dict of str to Primitive
    numpy : dict of callable to callable
        NumPy function → what to call when a tensor takes part: a primitive, or a function of the
        same signature that leads to primitives.
    """

    primitives: dict[str, Primitive] = field(default_factory=dict)
    numpy: dict[Callable[..., Any], Callable[..., Any]] = field(default_factory=dict)

    def lead(self, function: Callable[..., Any], target: Callable[..., Any]) -> None:
        """Let a NumPy function lead to a target when a tensor takes part."""
        self.numpy[function] = NUMPY[function] = target

    def add(
        self,
        name: str,
        value: Callable[..., Any],
        gradients: Rules = None,
        text: Text = None,
        *,
        of: Callable[..., Any] | None = None,
        broadcasts: int = 0,
        kernel: Kernel | None = None,
        helpers: tuple[Callable[..., Any], ...] = (),
        form: Callable[..., Any] | None = None,
        prune: Callable[..., Any] | None = None,
    ) -> Primitive:
        """Add a primitive, reached by the NumPy function ``of`` if one is given."""
        if isinstance(kernel, Elementwise):
            form = form or of_first_entries(value)
        made = Primitive(name, value, gradients, text, broadcasts, kernel, helpers, form, prune)
        self.primitives[name] = _KNOWN[name] = made
        if of is not None:
            self.lead(of, made)
        return made

    def implements(self, *functions: Callable[..., Any]) -> Callable[[Rule], Rule]:
        """Let a function stand for NumPy functions when a tensor takes part."""

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
