"""Lab 3: reverse-mode differentiation, from numbers to a network. First numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from chainrule._src.teach import expect
from chainrule._src.teach.calls import an_object
from chainrule._src.teach.exercise import Draw, Exercise

Var = Exercise(
    "Var",
    "a number that knows what was made of it, and its derivative",
    (
        "Look at the weights: each operation enters its result among the children of every number "
        "that it was made of, with the derivative of this one step.",
        "The derivative of a product by one factor is the other factor, that of sin is cos. grad() "
        "adds up, over the children, the weight times the child's own grad(), and keeps the sum in "
        "grad_value.",
        "∂z/∂w = Σ_i ∂c_i/∂w · ∂z/∂c_i over the children c_i; ∂(xy)/∂x = y, ∂(xy)/∂y = x, "
        "∂ sin(x)/∂x = cos(x)",
    ),
)


def _var(Var: Any, value: float) -> Any:
    return an_object(Var(value), f"Var({value})")


@Var.check("values")
def _(Var: Any, draw: Draw) -> None:
    x, y = draw.uniform(0.5, 2, 2).round(2).tolist()
    a, b = _var(Var, x), _var(Var, y)
    results = {
        f"Var({x}) + Var({y})": (a + b, x + y),
        f"Var({x}) * Var({y})": (a * b, x * y),
        f"Var({x}).sin()": (a.sin(), math.sin(x)),
    }
    for what, (var, value) in results.items():
        expect.close(an_object(var, what).value, value, f"the value of {what}")


def _derivatives(z: Any, what: str, *variables: Any) -> list[Any]:
    an_object(z, what).grad_value = 1.0
    return [variable.grad() for variable in variables]


@Var.check("gradient", points=3)
def _(Var: Any, draw: Draw) -> None:
    x, y = draw.uniform(0.5, 2, 2).round(2).tolist()
    cases: dict[str, tuple[Callable[[Any, Any], Any], float, float]] = {
        "x + y": (lambda a, b: a + b, 1, 1),
        "x * y": (lambda a, b: a * b, y, x),
        "sin(x)": (lambda a, b: a.sin(), math.cos(x), 0),
        "x * x": (lambda a, b: a * a, 2 * x, 0),
        "y + y": (lambda a, b: b + b, 0, 2),
        "x + x * y": (lambda a, b: a + a * b, 1 + y, x),
        "x * y + sin(x)": (lambda a, b: a * b + a.sin(), y + math.cos(x), x),
        "sin(x * y) * y": (
            lambda a, b: (a * b).sin() * b,
            y * y * math.cos(x * y), x * y * math.cos(x * y) + math.sin(x * y),
        ),
    }  # fmt: skip
    for what, (make, by_x, by_y) in cases.items():
        a, b = _var(Var, x), _var(Var, y)
        derivatives = _derivatives(make(a, b), what, a, b)
        for name, value, expected in zip("xy", derivatives, (by_x, by_y), strict=True):
            expect.close(value, expected, f"dz/d{name} of z = {what} at x = {x}, y = {y}")


@Var.check("properties")
def _(Var: Any, draw: Draw) -> None:
    x = round(draw.uniform(0.5, 1.5), 2)
    a = _var(Var, x)
    w = an_object(a * a, "x * x")
    z = w + w
    first, second = _derivatives(z, "w + w", a, a)
    expect.close(first, 4 * x, f"dz/dx of w = x * x, z = w + w at x = {x}")
    expect.close(second, first, "what grad() returns when it is called a second time")
    sentence = "grad() does not keep what it computes in grad_value: long programs take for ever"
    expect.true(w.grad_value is not None and a.grad_value is not None, sentence)
    expect.close(w.grad_value, 2, "the grad_value that w keeps for w = x * x, z = w + w")
