"""A catalogue of mistakes, each applied to the right gradient.

The loss is recorded once. A mistake of the backward pass is that pass with one rule changed; a
mistake of the forward pass is the recording played again with one operation changed. What comes out
is the gradient that someone who makes the mistake would get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from chainrule.autodiff.backward import adjoints, ancestors
from chainrule.autodiff.names import watch_names
from chainrule.autodiff.tensor import Level, Tensor
from chainrule.ops import NUMPY
from chainrule.ops.nn import LOG_SOFTMAX, RELU, SIGMOID, SOFTMAX, SOFTPLUS
from chainrule.ops.primitive import Rule, unbroadcast
from chainrule.validation import Array

Gradients = dict[str, Array]
Loss = Callable[[Mapping[str, Any]], Any]
DIVIDE, EXP = NUMPY[np.divide], NUMPY[np.exp]
ACTIVATIONS: tuple[Any, ...] = (SIGMOID, NUMPY[np.tanh], RELU, SOFTPLUS)
SMALL = 1e-3  # what a constant added inside a logarithm is at most


@dataclass(frozen=True)
class Mistake:
    """A mistake and the gradient that it gives.

    Attributes
    ----------
    kind : str
        A short name: ``"activation derivative missing"``.
    message : str
        A sentence about it, with what to do.
    gradients : dict of str to ndarray
        By parameter.
    slope : dict of str to ndarray or None
        If given, the mistake gives ``gradients - rate * slope`` with an unknown ``rate``.
    """

    kind: str
    message: str
    gradients: Gradients
    slope: Gradients | None = None


class Recording:
    """A loss recorded once, to be differentiated rightly and wrongly.

    Parameters
    ----------
    loss : callable
        Takes parameters by name and returns a number; NumPy code.
    parameters : mapping of str to ndarray
    """

    def __init__(self, loss: Loss, parameters: Mapping[str, Array]) -> None:
        level = Level()
        self.leaves = {name: _leaf(name, value, level) for name, value in parameters.items()}
        with watch_names():
            output = loss(self.leaves)
        if not isinstance(output, Tensor):
            raise TypeError("the loss does not depend on the parameters")
        self.output = output
        self.nodes = [t for t in reversed(ancestors(output)) if t.primitive is not None]

    def gradients(self, rules: Mapping[int, Rule] | None = None) -> Gradients:
        """Return the gradient by parameter, with some operations' rules replaced."""
        found = adjoints(self.output, np.ones(()), rules)
        return {
            name: np.asarray(found.get(leaf.order, np.zeros(leaf.shape)))
            for name, leaf in self.leaves.items()
        }

    def replayed(self, changed: Mapping[int, tuple[Any, ...]]) -> Gradients:
        """Return the gradient of the loss played again with other operands in some operations."""
        again = Recording.__new__(Recording)
        level = Level()
        again.leaves = {n: _leaf(n, t.value, level) for n, t in self.leaves.items()}
        new = {t.order: again.leaves[name] for name, t in self.leaves.items()}
        for node in self.nodes:
            operands = list(changed.get(node.order, node.operands))
            for i, parent in node.parents:
                operands[i] = new[parent.order]
            assert node.primitive is not None
            new[node.order] = node.primitive(*operands, **node.params)
        again.output = new[self.output.order]
        return again.gradients()

    def called(self, tensor: Tensor, letter: str = "z") -> str:
        """Say what a tensor is: the code's name for it, or a letter and the weights below it."""
        if tensor.name:
            return str(tensor.name)
        names = {t.order: name for name, t in self.leaves.items()}
        below = [t for t in ancestors(tensor) if t.order in names]
        nearest = next((t for t in below if t.ndim == 2), None)
        return f"{letter} of {names[nearest.order]}'s layer" if nearest is not None else letter


def _leaf(name: str, value: Any, level: Level) -> Tensor:
    tensor = Tensor.made(np.asarray(value, np.float64), level)
    tensor.name = name
    return tensor


def mistakes(recording: Recording) -> Iterator[Mistake]:
    """Yield every mistake that can be made in this loss's gradient."""
    yield from _activation_mistakes(recording)
    yield from _softmax_mistakes(recording)
    yield from _product_mistakes(recording)
    yield from _regularisation_mistakes(recording)


def without_epsilon(recording: Recording) -> Gradients | None:
    """Return the gradient with no small constant inside the logarithms, None if there is none.

    Not a mistake: the loss adds the constant for safety, the textbook's gradient leaves it out.
    """
    changed = {}
    for node in recording.nodes:
        if node.primitive is not NUMPY[np.log]:
            continue
        inside = node.parents[0][1]
        if inside.primitive is NUMPY[np.add]:
            parts = [0 * o if np.ndim(o) == 0 and 0 < o <= SMALL else o for o in inside.operands]
            if any(a is not b for a, b in zip(parts, inside.operands, strict=True)):
                changed[inside.order] = tuple(parts)
    if not changed:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        gradients = recording.replayed(changed)
    return gradients if all(np.isfinite(g).all() for g in gradients.values()) else None


def at_kinks(recording: Recording) -> tuple[Gradients, Gradients] | None:
    """Return the gradients with every tie and kink decided one way and the other way.

    At a kink any slope between those of the two sides is right; None if no value sits on one.
    """
    ways: list[Gradients] = []
    for share in (0.0, 1.0):
        rules: dict[int, Rule] = {}
        for node in recording.nodes:
            rule = _KINKS.get(node.primitive)
            if rule is not None and _on_kink(node):
                rules[node.order] = partial(rule, share)
        if not rules:
            return None
        ways.append(recording.gradients(rules))
    return ways[0], ways[1]


def _on_kink(node: Tensor) -> bool:
    if node.primitive in (RELU, NUMPY[np.abs]):
        return bool(np.any(node.operands[0] == 0))
    return bool(np.any(np.equal(node.operands[0], node.operands[1])))


def _tied(share: float, i: int, g: Any, y: Any, a: Any, b: Any) -> Any:
    mine, part = (a, share) if i == 0 else (b, 1 - share)
    return unbroadcast(g * np.where(np.equal(a, b), part, y == mine), np.asarray(mine))


_KINKS: dict[Any, Callable[..., Any]] = {
    RELU: lambda share, i, g, y, x: g * np.where(x == 0, share, x > 0),
    NUMPY[np.abs]: lambda share, i, g, y, x: g * np.where(x == 0, 2 * share - 1, np.sign(x)),
    **{NUMPY[f]: _tied for f in (np.maximum, np.minimum, np.fmax, np.fmin)},
}


def _activation_mistakes(recording: Recording) -> Iterator[Mistake]:
    sites = [node for node in recording.nodes if node.primitive in ACTIVATIONS]
    for node in sites:
        assert node.primitive is not None
        name = node.primitive.name
        z, h = recording.called(node.parents[0][1]), recording.called(node, "h")
        right = node.primitive.gradients
        assert isinstance(right, tuple)
        derivative: Any = right[0]
        value = node.primitive.value
        forms: dict[tuple[str, str], Rule] = {
            (
                "activation derivative missing",
                f"the derivative of the {name} at {z} is missing: multiply by it on the way back "
                f"from {h} to {z}",
            ): lambda i, g, y, x: g,
            (
                "activation derivative at the output",
                f"the derivative of the {name} is taken at {h} (its output) instead of at {z} (its "
                "input): a function of z was given h",
            ): lambda i, g, y, x, d=derivative, f=value: d(g, f(y), y),
            (
                "activation derivative of the input as output",
                f"the derivative of the {name} is written in terms of its output, but was given "
                f"its input {z} instead of {h}",
            ): lambda i, g, y, x, d=derivative: d(g, x, x),
        }
        if node.primitive is SIGMOID:
            forms["activation derivative incomplete", f"of h * (1 - h) at {z} only h is there"] = (
                lambda i, g, y, x: g * y
            )
            forms[
                "activation derivative incomplete", f"of h * (1 - h) at {z} only 1 - h is there"
            ] = lambda i, g, y, x: g * (1 - y)
        for other in ACTIVATIONS:
            if other is not node.primitive:
                forms[
                    "derivative of another activation",
                    f"at {z} stands the derivative of {other.name}, but the loss has {name} there",
                ] = lambda i, g, y, x, o=other: o.gradients[0](g, o.value(x), x)
        for (kind, message), rule in forms.items():
            yield Mistake(kind, message, recording.gradients({node.order: rule}))
    if len(sites) > 1:
        yield Mistake(
            "activation derivative missing",
            "the derivatives of all activations are missing: multiply by each on the way back",
            recording.gradients({node.order: (lambda i, g, y, x: g) for node in sites}),
        )


@dataclass(frozen=True)
class _SoftmaxSite:
    """Where a softmax is computed, by one operation or written out with exp and sum."""

    y: Tensor
    z: Tensor
    axis: int
    through: tuple[Tensor, ...]

    def rules(self, desired: Callable[[Any, Any], Any]) -> dict[int, Rule]:
        """Return rules that give ``z`` the adjoint ``desired(g, y)``."""
        y = self.y.value
        rules: dict[int, Rule] = {self.y.order: lambda i, g, *_, **__: None if i else desired(g, y)}
        for inner in self.through:
            rules[inner.order] = lambda i, g, *_, **__: None if i else g
        return rules


def _softmax_sites(recording: Recording) -> Iterator[_SoftmaxSite]:
    for node in recording.nodes:
        if node.primitive is SOFTMAX:
            yield _SoftmaxSite(node, node.parents[0][1], node.params["axis"], ())
        elif node.primitive is DIVIDE and [i for i, _ in node.parents] == [0, 1]:
            (_, exp), (_, total) = node.parents
            if exp.primitive is EXP and any(parent is exp for _, parent in total.parents):
                z, through = exp.parents[0][1], [exp]
                if z.primitive is NUMPY[np.subtract]:  # the maximum, subtracted for safety
                    z, through = z.parents[0][1], [exp, z]
                axis = total.params.get("axis", -1)
                yield _SoftmaxSite(node, z, -1 if axis is None else axis, tuple(through))


def _with_probabilities(other: Any, axis: int, g: Any, y: Any) -> Any:
    """Return the adjoint of the logits with other probabilities in y - Y."""
    return y * g - other * np.sum(g * y, axis=axis, keepdims=True)


def _softmax_mistakes(recording: Recording) -> Iterator[Mistake]:
    for site in _softmax_sites(recording):
        axis, z = site.axis, recording.called(site.z)

        def inner(g: Any, y: Any, axis: Any = axis) -> Any:
            return np.sum(g * y, axis=axis, keepdims=True)

        forms: dict[tuple[str, str], Callable[[Any, Any], Any]] = {
            (
                "softmax derivative missing",
                f"the derivative of the softmax is missing: on the way back to {z} it is "
                "y * (g - sum(g * y))",
            ): lambda g, y: g,
            (
                "softmax treated element by element",
                "the softmax is differentiated as y * (1 - y), element by element; but every "
                "output depends on every logit: y * (g - sum(g * y)), or y - Y with the loss",
            ): lambda g, y: g * y * (1 - y),
            _no_target(z): lambda g, y: -y * inner(g, y),
            _no_prediction(z): lambda g, y: y * g,
        }
        if site.z.ndim == 2:
            other = SOFTMAX.value(site.z.value, axis=0 if axis in (-1, 1) else -1)
            forms[
                "softmax over the wrong axis",
                "the softmax is taken over the batch (axis 0) instead of the classes (axis -1)",
            ] = partial(_with_probabilities, other, axis)
        for (kind, message), desired in forms.items():
            yield Mistake(kind, message, recording.gradients(site.rules(desired)))
    for node in recording.nodes:
        if node.primitive is LOG_SOFTMAX:
            z = recording.called(node.parents[0][1])
            only_softmax = {node.order: _log_softmax_without_target}
            only_target = {node.order: lambda i, g, y, x, axis: g}
            yield Mistake(*_no_target(z), recording.gradients(only_softmax))
            yield Mistake(*_no_prediction(z), recording.gradients(only_target))


def _log_softmax_without_target(i: int, g: Any, y: Any, x: Any, axis: int) -> Any:
    return -np.exp(y) * np.sum(g, axis=axis, keepdims=True)


def _no_target(z: str) -> tuple[str, str]:
    message = f"the one-hot target is not subtracted: the gradient at {z} is y - Y, not y"
    return "target not subtracted", message


def _no_prediction(z: str) -> tuple[str, str]:
    message = f"the predicted probabilities are left out: the gradient at {z} is y - Y, not -Y"
    return "prediction left out", message


def _product_mistakes(recording: Recording) -> Iterator[Mistake]:
    names = {t.order: name for name, t in recording.leaves.items()}
    right = recording.gradients()
    for node in recording.nodes:
        if node.primitive is not NUMPY[np.matmul] or node.value.ndim != 2:
            continue
        parents = dict(node.parents)
        weights, below = parents.get(1), parents.get(0)
        if weights is None or weights.order not in names or below is None:
            continue
        W = names[weights.order]
        if below.primitive in ACTIVATIONS:
            z = below.parents[0][1]
            used = _with_operand(node, 0, z.value, (1,))
            yield Mistake(
                "pre-activation in place of activation",
                f"the gradient of {W} uses {recording.called(z)} where the activation "
                f"{recording.called(below, 'h')} belongs",
                recording.gradients({node.order: used}),
            )

        def through(other: Any, node: Tensor = node) -> Gradients:
            """Let the adjoint of what is below pass through other weights."""
            return recording.gradients({node.order: _with_operand(node, 1, other, (0,))})

        if weights.shape[0] == weights.shape[1]:
            yield Mistake(
                "weights not transposed",
                f"on the way back the adjoint is multiplied by {W} instead of by its transpose",
                through(weights.value.T),
            )
        # What passes through W - rate * dW is linear in the unknown rate.
        updated = through(weights.value - right[W])
        yield Mistake(
            "weights already updated",
            f"{W} was updated before the gradient passed through it: compute all gradients first, "
            "then update",
            right,
            {name: right[name] - updated[name] for name in right},
        )


def _with_operand(node: Tensor, position: int, other: Any, where: tuple[int, ...]) -> Rule:
    """Return the node's rule with one operand exchanged, for the adjoints of some positions."""
    assert node.primitive is not None
    right: Any = node.primitive.gradients

    def rule(i: int, g: Any, y: Any, *operands: Any, **params: Any) -> Any:
        given = list(operands)
        if i in where:
            given[position] = other
        return right[i](g, y, *given, **params)

    return rule


def _regularisation_mistakes(recording: Recording) -> Iterator[Mistake]:
    free: dict[int, bool] = {t.order: True for t in recording.leaves.values()}
    for node in recording.nodes:
        plain = all(np.ndim(o) == 0 for o in node.operands if not _is_value_of(node, o))
        free[node.order] = plain and all(free[parent.order] for _, parent in node.parents)
    cuts = {}
    for node in recording.nodes:
        if not free[node.order] and any(
            free[p.order] and p.primitive is not None for _, p in node.parents
        ):
            parents = dict(node.parents)
            cuts[node.order] = (
                node,
                {i for i, p in parents.items() if free[p.order] and p.primitive},
            )
    if not cuts:
        return
    rules: dict[int, Rule] = {}
    for order, (node, penalties) in cuts.items():
        assert node.primitive is not None
        gradients: Any = node.primitive.gradients

        def cut(i: int, *args: Any, _g: Any = gradients, _p: Any = penalties, **params: Any) -> Any:
            return None if i in _p or _g[i] is None else _g[i](*args, **params)

        rules[order] = cut
    without, right = recording.gradients(rules), recording.gradients()
    parts = {name: right[name] - without[name] for name in right}
    if not any(part.any() for part in parts.values()):
        return
    for share, kind, message in (
        (0.0, "regularisation forgotten", "the gradient of the regularisation term is missing"),
        (0.5, "regularisation halved", "the regularisation term's gradient is half of what it must "
         "be: the derivative of λ W² is 2 λ W"),
        (2.0, "regularisation doubled", "the regularisation term's gradient is twice what it must "
         "be: the derivative of ½ λ W² is λ W"),
        (-1.0, "regularisation with the wrong sign", "the regularisation term's gradient is "
         "subtracted; it must be added"),
    ):  # fmt: skip
        yield Mistake(kind, message, {n: without[n] + share * parts[n] for n in right})


def _is_value_of(node: Tensor, operand: Any) -> bool:
    return any(parent.value is operand for _, parent in node.parents)
