"""Sentences that describe a change of a program as the mistake that it repairs."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.check.code import nodes_of
from chainrule._src.check.edits import is_numpy
from chainrule._src.check.templates import TEMPLATES

# A change of the right program that gives the wrong gradient -> the mistake in the learner's.
INVERSE = {
    "missing factor": "extra factor", "extra factor": "missing factor",
    "missing divisor": "extra divisor", "extra divisor": "missing divisor",
    "missing term": "extra term", "extra term": "missing term",
    "term inside": "term behind", "term behind": "term inside",
    "missing sum": "extra call", "extra call": "missing call", "missing call": "extra call",
    "extra power": "missing power", "overwritten": "added", "added": "overwritten",
    "extra line": "missing line", "extra index": "one sample", "one sample": "extra index",
}  # fmt: skip
# Functions of NumPy that a derivative of an activation is written with.
SLOPES = ("cosh", "exp", "heaviside", "maximum", "minimum", "sign", "square", "tanh", "where")
SYMBOLS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**",
    ast.Gt: ">", ast.Lt: "<", ast.GtE: ">=", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


@dataclass(frozen=True)
class Context:
    """The values that a sentence may refer to.

    Attributes
    ----------
    n : int or None
        The number of samples.
    roles : callable
        Returns the role of a value in the right program, "" if it has none.
    activations : callable
        Returns the name of the function that the right program applies to a value, "" if none.
    parameters : mapping of str to ndarray
    """

    n: int | None
    roles: Callable[[Any], str]
    activations: Callable[[Any], str]
    parameters: dict[str, Any]
    values: dict[str, Any]  # by the text of the code's names and expressions

    def named(self, text: str) -> Any:
        """Return the value of a name or expression of the code, or None."""
        return self.values.get(text)


def sentence(kind: str, wrong: Any, right: Any, detail: Any, context: Context) -> str:
    """Describe the mistake that the code has ``wrong`` instead of ``right``, two syntax trees."""
    if kind in TEMPLATES:
        texts = {"wrong": _short(wrong), "right": _short(right), "detail": _short(detail)}
        return TEMPLATES[kind].format(**texts)
    return _SENTENCES.get(kind, _other)(wrong, right, detail, context)


def text_of(tree: Any) -> str:
    """Return a tree as code; a list of statements as its lines."""
    if isinstance(tree, list):
        return "; ".join(text_of(part) for part in tree)
    return ast.unparse(tree) if isinstance(tree, ast.AST) else str(tree)


def _scalar(detail: Any, context: Context) -> float | None:
    """Return a detail as a number, None if it is not a number."""
    if isinstance(detail, int | float):
        return float(detail)
    if isinstance(detail, ast.Call) and text_of(detail.func) == "len":
        return float(context.n or 0)
    match detail:
        case ast.BinOp(ast.Constant(1), ast.Sub(), part):
            size = _scalar(part, context)
            return None if size is None else 1 - size
    value = context.named(text_of(detail))
    if value is not None and np.ndim(value) == 0 and not isinstance(value, bool | str):
        return float(value)
    try:
        return float(ast.literal_eval(text_of(detail)))
    except (ValueError, SyntaxError, TypeError):
        return None


def _is_derivative(detail: Any, context: Context) -> bool:
    """Return true if an expression looks like a slope: a comparison, ``1 - h``, a function."""
    if not isinstance(detail, ast.AST):
        return False
    for node in nodes_of(detail):
        if isinstance(node, ast.Compare):
            return True
        match node:
            case ast.BinOp(ast.Constant(1), ast.Sub(), _):
                return _scalar(node, context) is None
            case ast.Call(ast.Name(name)) if name not in vars(builtins):
                return True
            case ast.Call(ast.Attribute(receiver, name)) if is_numpy(receiver):
                return name in SLOPES
    return False


def _derivative(detail: Any, context: Context) -> str:
    """Describe an expression as a derivative, with the function and its argument."""
    names = [n for n in nodes_of(detail) if isinstance(n, ast.Name | ast.Subscript | ast.Attribute)]
    for node in names:
        at = text_of(node)
        function = context.activations(context.named(at))
        if function:
            return f"the derivative of the {function} ({at})"
    at = text_of(names[0]) if names else "the activation"
    return f"the derivative of the activation ({at})"


def _missing_factor(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    size = _scalar(detail, context)
    text = text_of(detail)
    if size is not None:
        if context.n and abs(size - 1 / context.n) < 1e-12:
            return "the average over the batch is missing: divide by the number of samples"
        if context.n and size == context.n:
            return (
                f"the average over the batch is taken twice: {text} is the number of samples, "
                "divide by it once"
            )
        if abs(size) == 2:
            return "a factor 2 is missing: the derivative of a square is 2 times its root"
        if abs(size) == 0.5:
            return "the gradient is twice what it must be: a factor 0.5 is missing"
        return _squared(wrong, text, ast.Mult) or f"the factor {text} is missing"
    if _is_derivative(detail, context):
        return f"{_derivative(detail, context)} is missing: multiply by {text} (the chain rule)"
    role = context.roles(context.named(text))
    missing = f"the factor {text} is missing{f' ({role})' if role and role != text else ''}"
    return _squared(wrong, text, ast.Mult) or missing


def _squared(tree: Any, text: str, operator: type[ast.operator]) -> str:
    """Say that a factor or divisor must be squared, if it stands in a product already; else ""."""
    while isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult | ast.Div):
        sides = [tree.right] if operator is ast.Div else [tree.left, tree.right]
        if isinstance(tree.op, operator) and text in map(text_of, sides):
            verb = "a division by" if operator is ast.Div else "the factor"
            return f"{verb} {text} is missing: its square, {text} ** 2, belongs here (a power)"
        tree = tree.left
    return ""


def _extra_factor(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    size, text = _scalar(detail, context), text_of(detail)
    if size is not None:
        if context.n and size == context.n:
            return f"the factor {text} is too much: the average over the batch is undone"
        if abs(size) == 2:
            return "the factor 2 is too much: the gradient is twice what it must be"
        return f"the factor {text} is too much: it is {size:g} times the right one"
    if _is_derivative(detail, context):
        return f"{_derivative(detail, context)} is multiplied in once too often: {text} is too much"
    return f"the factor {text} is too much"


def _missing_divisor(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    size, text = _scalar(detail, context), text_of(detail)
    if size is not None and context.n and size == context.n:
        return f"the average over the batch is missing: divide by {text}, the number of samples"
    if squared := _squared(wrong, text, ast.Div):
        return squared
    if size is not None:
        return f"a division by {text} is missing (an average, or a factor {1 / size:.3g})"
    return f"the division by {text} is missing: this is not normalised"


def _extra_divisor(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    size, text = _scalar(detail, context), text_of(detail)
    if size is not None and context.n and size == context.n:
        return f"the average over the batch is taken once too often: do not divide by {text} here"
    return f"the division by {text} is too much"


def _missing_term(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    text = text_of(detail)
    if detail == "labels":
        return "the labels are not subtracted: y - Y needs the one-hot target, 1 at each label"
    if isinstance(detail, ast.AST):
        for node in nodes_of(detail):
            name = text_of(node) if isinstance(node, ast.Name | ast.Subscript) else ""
            if isinstance(detail, ast.BinOp) and isinstance(detail.op, ast.Mult) and any(
                np.array_equal(context.named(name), p) for p in context.parameters.values()
                if name and context.named(name) is not None
            ):  # fmt: skip
                return f"the gradient of the regularisation (the penalty, L2) is missing: + {text}"
        value = context.named(text)
        for name, parameter in context.parameters.items():
            if value is not None and np.array_equal(value, parameter):
                return f"the term {text} is missing: {name} is left out (a bias or offset)"
        role = context.roles(value)
        if role:
            return f"a path is left out: the term {text} is missing ({role}), add it up"
    return f"the term {text} is missing: a path of the gradient is left out"


def _extra_term(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    text, result_value = text_of(detail), context.named(text_of(right))
    names = [text_of(n) for n in nodes_of(detail) if isinstance(n, ast.Name | ast.Subscript)]
    for name, parameter in context.parameters.items():
        updated = result_value is not None and np.array_equal(result_value, parameter)
        if updated and any(context.roles(context.named(n)).startswith("the grad") for n in names):
            return (
                f"{name} is already updated where the gradient passes through it: compute all "
                f"gradients first, then update (- {text})"
            )
    return f"the term {text} is too much: it does not belong to this sum"


def _sign(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    if text_of(right) in ("1", "-1"):
        return "the order is the wrong way round (flipped, reversed): a step of 1 for one of -1"
    return f"the sign is wrong: {_short(right)} (minus for plus, or the other way round)"


def _short(tree: Any, most: int = 60) -> str:
    text = text_of(tree)
    return text if len(text) <= most else text[: most - 3] + "..."


def _operator(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    ops = [SYMBOLS.get(type(getattr(t, "op", None)), "") for t in (wrong, right)]
    if isinstance(wrong, ast.AugAssign):
        ops = [f"{op}=" for op in ops]
        if {"+=", "-="} == set(ops):
            return f"the sign is wrong: {ops[0]} where {ops[1]} belongs (add, or subtract)"
    what = {"@": "a matrix product", "*": "a product entry by entry", "/": "a quotient",
            "+": "a sum", "-": "a difference"}.get(ops[1], ops[1])  # fmt: skip
    sign = "the sign is wrong: " if set(ops) == {"+", "-"} else ""
    return f"{sign}{ops[0]} stands where {ops[1]} belongs ({what}): {_short(right)}"


def _other_value(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    if isinstance(detail, tuple):
        old, new = detail
    else:
        old, new = _short(wrong), _short(right)
    roles = [context.roles(context.named(text)) for text in (old, new)]
    described = [
        f"{t} ({r})" if r and r != t else t for t, r in zip((old, new), roles, strict=True)
    ]
    function = context.activations(context.named(new)) or context.activations(context.named(old))
    slope = f"; the derivative of the {function} is taken there" if function else ""
    return f"{described[0]} stands where {described[1]} belongs{slope}"


def _missing_sum(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    over = "the batch" if detail == 0 else f"axis {detail}"
    return f"the sum over {over} is missing: {_short(right)}"


def _function(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    names = [t.func.attr if isinstance(t.func, ast.Attribute) else text_of(t.func)
             for t in (wrong, right) if isinstance(t, ast.Call)]  # fmt: skip
    if names == ["sum", "mean"]:
        return f"a sum stands where the average (mean) over the batch belongs: {_short(right)}"
    if names == ["mean", "sum"]:
        return (
            "the average (mean) is taken where a sum belongs, so the division by the number of "
            f"samples comes twice or too much: {_short(right)}"
        )
    if len(names) < 2:
        return f"another function belongs here: {_short(right)}"
    return f"{names[0]} stands where {names[1]} belongs: {_short(right)} (another function)"


def _is_literal(text: str) -> bool:
    try:
        return isinstance(ast.literal_eval(text), int | float)
    except (ValueError, SyntaxError):
        return False


def _constant(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    old, new = text_of(wrong), text_of(right)
    if isinstance(right, ast.Call) and text_of(right.func) == "len":
        return f"the average is over another number: divide by {new}, the number of samples"
    more = ""
    sizes = [abs(float(ast.literal_eval(t))) for t in (old, new) if _is_literal(t)]
    if len(sizes) == 2 and max(sizes) == 2 * min(sizes) > 0:
        more = ": a factor 2, as the derivative of a square has it"
    elif old == "0" or new == "0":
        more = ": a threshold or a start at zero"
    return f"the number {old} must be {new}{more}"


def _extra_call(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    name = str(detail) if isinstance(detail, str) else _short(wrong)
    if name == "clip":
        return "the gradient is clipped: clip changes it, leave it as it is"
    if name in ("mean", "sum"):
        what = "the average (a division by the number of samples)" if name == "mean" else "the sum"
        return f"{what} is taken once too often: {name} is too much here"
    return f"{name} is applied once too often (twice, or where it does not belong): {_short(right)}"


def _missing_call(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    return f"{detail if isinstance(detail, str) else _short(right)} is missing: {_short(right)}"


def _slice(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    flipped = "::-1" in text_of(right) or "::-1" in text_of(wrong)
    if flipped:
        return (
            f"the order along an axis is the wrong way round (flipped, reversed): {_short(right)}"
        )
    return f"another part belongs here (the slice is off): {_short(right)} for {_short(wrong)}"


def _exchanged(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    one, two = (text_of(part) for part in detail)
    return f"{one} and {two} are swapped (exchanged): the order must be {_short(right)}"


def _alias(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    name, other = map(text_of, detail.elts)
    return (
        f"{name} and {other} are the same array (an alias): what changes {name} in place changes "
        f"{other}, too, which is read later: copy it"
    )


def _in_place(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    return (
        f"{text_of(detail)} is changed in place (overwritten), but its old value is read later, "
        "perhaps by another name of the same array (an alias): compute a new array"
    )


def _other(wrong: Any, right: Any, detail: Any, context: Context) -> str:
    """Describe the slope that is missing, else which variables are missing or too many."""
    trees = [t for t in (wrong, right) if isinstance(t, ast.AST)]
    masks = [any(isinstance(node, ast.Compare) for node in nodes_of(t)) for t in trees]
    slope = _derivative(right, context) if masks == [False, True] else ""
    if slope and "activation" not in slope:
        return f"{slope} is missing (the chain rule): it must be {_short(right, 100)}"
    names = [
        {text_of(n) for n in nodes_of(t) if isinstance(n, ast.Name | ast.Subscript)} - {"np", "len"}
        if isinstance(t, ast.AST) else set()
        for t in (wrong, right)
    ]  # fmt: skip
    lacking, extra = sorted(names[1] - names[0]), sorted(names[0] - names[1])
    parts = []
    if lacking:
        verb = "are" if len(lacking) > 1 else "is"
        parts.append(f"{', '.join(lacking[:3])} {verb} missing (left out)")
    if extra:
        verb = "do" if len(extra) > 1 else "does"
        parts.append(f"{', '.join(extra[:3])} {verb} not belong here")
    slopes = [t for t in (right, wrong) if _is_derivative(t, context)]
    if slopes and not parts:
        parts.append(f"{_derivative(slopes[0], context)} (slope, mask) is not the right one")
    reason = "; ".join(parts) or "the formula is not the right one"
    return f"{reason}: it must be {_short(right, 100)}"


_SENTENCES: dict[str, Callable[[Any, Any, Any, Context], str]] = {
    "missing factor": _missing_factor,
    "extra factor": _extra_factor,
    "missing divisor": _missing_divisor,
    "extra divisor": _extra_divisor,
    "missing term": _missing_term,
    "extra term": _extra_term,
    "sign": _sign,
    "operator": _operator,
    "other value": _other_value,
    "missing sum": _missing_sum,
    "function": _function,
    "constant": _constant,
    "extra call": _extra_call,
    "missing call": _missing_call,
    "slice": _slice,
    "exchanged": _exchanged,
    "alias": _alias,
    "in place": _in_place,
}
