"""Checks for the networks of several labs, by comparison with a reference network.

``right`` creates the reference network for some layer sizes. Its random weights are copied into the
learner's network, so that both must compute equal results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check import Diagnosis, check_gradients
from chainrule._src.teach import expect
from chainrule._src.teach.calls import Candidate, an_object
from chainrule._src.teach.exercise import Draw, Exercise
from chainrule._src.teach.exercises.data import batches as shuffled
from chainrule._src.teach.exercises.data import digits, few

Right = Callable[..., Any]
SAMPLES = 6
ROUNDS, PART = 200, 20  # epochs of 20 digits, enough to overfit; the loss is asked after each part


def network(
    exercise: Exercise, right: Right, sizes: tuple[int, ...], *, batches: bool = False
) -> None:
    """Add the checks of shapes, values, gradients and updates.

    If ``batches`` is true, ``grad_loss`` and ``train`` take a batch, else one sample.
    """
    called = f"{exercise.name}({', '.join(map(str, sizes))})"

    @exercise.check("shape")
    def _(network: Any, draw: Draw) -> None:
        candidate, reference = create_network(network, sizes), right(*sizes)
        for name, value in reference.parameters.items():
            expect.shape(getattr(candidate, name), value.shape, f"{name} of {called}")
        X, n_classes = draw.normal(size=(SAMPLES, sizes[0])), sizes[-1]
        expect.shape(candidate.forward(X[0]), (n_classes,), "forward(x) of one sample")
        expect.shape(candidate.forward(X), (SAMPLES, n_classes), f"forward(X) of {SAMPLES} samples")

    @exercise.check("dtype")
    def _(network: Any, draw: Draw) -> None:
        candidate = create_network(network, sizes)
        for name in right(*sizes).parameters:
            expect.floating(getattr(candidate, name), f"{name} of {called}")

    @exercise.check("finite")
    def _(network: Any, draw: Draw) -> None:
        candidate, _, X, y = drawn(network, right, sizes, draw)
        expect.finite(candidate.forward(X), "forward(X)")
        expect.number(candidate.loss(X, y), "loss(X, y)")

    @exercise.check("values", points=2)
    def _(network: Any, draw: Draw) -> None:
        candidate, reference, X, y = drawn(network, right, sizes, draw)
        expect.close(candidate.forward(X[0]), reference.forward(X[0]), "forward(x) of one sample")
        expect.close(candidate.forward(X), reference.forward(X), "forward(X)")
        what = "loss(X, y), the average negative log likelihood,"
        expect.close(
            expect.number(candidate.loss(X, y), what), reference.loss(X, y), what, rtol=1e-5
        )
        if hasattr(reference, "forward_keep_activations"):
            answer, expected = (net.forward_keep_activations(X) for net in (candidate, reference))
            activations(answer, expected, ("y", "h", "z_h"))
        right_classes = np.argmax(reference.forward(X), axis=1)
        expect.close(candidate.predict(X[0]), right_classes[0], "predict(x) of one sample")
        classified(candidate, X, right_classes)

    @exercise.check("properties")
    def _(network: Any, draw: Draw) -> None:
        candidate = create_network(network, sizes)
        for name, value in right(*sizes).parameters.items():
            if value.ndim == 2:
                W = expect.shape(getattr(candidate, name), value.shape, f"{name} of {called}")
                apart(W, f"{name} of {called}")

    @exercise.check("gradient", points=3)
    def _(network: Any, draw: Draw) -> None:
        candidate, reference, X, y = drawn(network, right, sizes, draw)
        x, c = (X, y) if batches else (X[0], y[0])
        gradient_dict = gradients(candidate.grad_loss(x, c), reference.parameters)
        expected = reference.grad_loss(x, c)
        for name in reversed(expected):  # from the loss backwards
            expect.close(gradient_dict[name], expected[name], f"the gradient of {name}")

    exercise.diagnosis("gradient")(gradient_of(right, sizes, batches))


def updates(
    exercise: Exercise, right: Right, sizes: tuple[int, ...], *, batches: bool = False
) -> None:
    """Add the check of a plain update: each parameter moves against its gradient."""

    @exercise.check("update", points=2)
    def _(network: Any, draw: Draw) -> None:
        candidate, reference, X, y = drawn(network, right, sizes, draw)
        x, c = (X, y) if batches else (X[0], y[0])
        answer = gradients(candidate.grad_loss(x, c), reference.parameters)
        candidate.train(x, c, 0.5)
        for name, before in reference.parameters.items():
            gradient = expect.shape(answer[name], before.shape, f"the gradient of {name}")
            moved(getattr(candidate, name), before, 0.5 * gradient, name)


def learning(
    exercise: Exercise, hidden: tuple[int, ...], *, batch_size: int, rate: float, epochs: int,
    least: float,
) -> None:  # fmt: skip
    """Add the checks that 20 digits are overfitted, and that all digits are learned well.

    Training ends as soon as the loss is small, or the accuracy high enough.

    ``least`` is the accuracy on the test set that ``epochs`` must reach.
    """
    batches = batch_size > 1

    @exercise.check("overfits")
    def _(network: Any, draw: Draw) -> None:
        d, (X, y) = digits(), few()
        candidate = create_network(network, (d.n_features, *hidden, d.n_classes))
        before = expect.number(candidate.loss(X, y), "loss(X, y)")
        rounds, after = 2 * ROUNDS if batches else ROUNDS, before
        rows = np.tile(np.arange(20), (PART, 1))
        rows = rows if batches else rows.ravel()
        for _ in range(rounds // PART):
            candidate.each("train", X[rows], y[rows], [rate] * len(rows))
            after = expect.number(candidate.loss(X, y), "loss(X, y)")
            if after < min(0.2, before):
                return
        raise expect.Wrong(
            f"{rounds} rounds of training with 20 digits bring their loss from "
            f"{before:.3f} to {after:.3f}: a network that learns knows so few by heart"
        )

    @exercise.check("numbers", points=2)
    def _(network: Any, draw: Draw) -> None:
        d = digits()
        candidate = create_network(network, (d.n_features, *hidden, d.n_classes))
        for _ in range(epochs):
            X, y = shuffled(draw, batch_size)
            if not batches:
                X, y = X[:, 0], y[:, 0]
            candidate.each("train", X, y, [rate] * len(X))
            accuracy = expect.number(candidate.accuracy(d.X_test, d.y_test), "accuracy(X, y)")
            if accuracy >= least:
                return
        raise expect.Wrong(
            f"after {epochs} epoch{'s' * (epochs > 1)} with learning rate {rate} the accuracy on "
            f"the test set is {accuracy:.3f}, it must reach {least}"
        )


def create_network(network: Any, sizes: tuple[int, ...]) -> Any:
    """Create a network of these sizes from a learner's class or its candidate."""
    candidate = network(*sizes)
    if isinstance(network, Candidate):
        an_object(candidate, f"{vars(network)['_what']}{sizes}")
    return candidate


def drawn(
    network: Any, right: Right, sizes: tuple[int, ...], draw: Draw
) -> tuple[Any, Any, Array, Array]:
    """Return a learner's and a reference network with equal random weights, samples and classes."""
    candidate, reference = create_network(network, sizes), right(*sizes)
    for name, value in reference.parameters.items():
        weights = draw.normal(0, 0.7, size=value.shape)
        setattr(reference, name, weights)
        setattr(candidate, name, weights.copy())
    X, y = draw.normal(size=(SAMPLES, sizes[0])), draw.integers(0, sizes[-1], size=SAMPLES)
    return candidate, reference, X, y


def classified(candidate: Any, X: Array, right: Array) -> None:
    """Check ``predict`` and ``accuracy`` for samples whose most probable classes are known."""
    expect.close(candidate.predict(X), right, "predict(X)")
    half = np.where(np.arange(len(X)) % 2, right, right + 1)  # every second one is right
    expect.close(candidate.accuracy(X, half), np.mean(half == right), "accuracy(X, y)")


def activations(
    answer: Any, expected: tuple[Any, ...], names: tuple[str, ...],
    what: str = "forward_keep_activations(X)",
) -> None:  # fmt: skip
    """Check the arrays, or tuples of an array per layer, of ``forward_keep_activations``."""
    if not isinstance(answer, tuple | list) or len(answer) != len(expected):
        raise expect.Wrong(f"{what} must hold {len(expected)} arrays: {', '.join(names)}")
    for values, right, name in zip(answer, expected, names, strict=True):
        if isinstance(right, tuple):
            layers = tuple(f"{name}{i + 1}" for i in range(len(right)))
            activations(values, right, layers, f"{name} of {what}")
        else:
            expect.close(values, right, f"{name} of {what}")


def gradients(answer: Any, parameters: dict[str, Array]) -> dict[str, Any]:
    """Return the result of ``grad_loss``, which must be a dict with the parameters' names."""
    names = ", ".join(parameters)
    if answer is None:
        raise expect.Wrong("grad_loss returns None: does it end with a return?")
    if not isinstance(answer, dict):
        raise expect.Wrong(f"grad_loss must return a dict with the keys {names}")
    for name in parameters:
        if name not in answer:
            raise expect.Wrong(f"grad_loss returns no {name}; it must return {names}")
    return answer


def moved(after: Any, before: Array, step: Array, name: str) -> None:
    """Check that a parameter moved by a step against its gradient."""
    values = expect.shape(after, before.shape, f"{name} after train")
    if np.allclose(values, before, rtol=1e-9) and np.abs(step).max() > 1e-6:
        raise expect.Wrong(f"train does not change {name}")
    if np.allclose(values, before + step, rtol=1e-6):
        raise expect.Wrong(
            f"train moves {name} along its gradient, so that the loss rises: subtract it"
        )
    expect.close(values, before - step, f"{name} after train")


def apart(W: Array, what: str) -> None:
    """Check that the columns of initial weights differ: equal units would stay equal."""
    if W.size and not W.any():
        raise expect.Wrong(
            f"{what} is all zero: units that start alike stay alike, start at random"
        )
    if W.shape[1] > 1 and np.ptp(W, axis=1).max() == 0:
        raise expect.Wrong(f"{what}: all units start with the same weights and would stay alike")


def gradient_of(
    right: Right, sizes: tuple[int, ...], batches: bool
) -> Callable[[Any, Draw], Iterable[Diagnosis]]:
    """Return a diagnosis of a learner's ``grad_loss``."""

    def diagnose(subject: Any, draw: Draw) -> Iterable[Diagnosis]:
        candidate, _, X, y = drawn(subject, right, sizes, draw)
        return check_gradients(candidate)(*((X, y) if batches else (X[0], y[0]))).diagnoses

    return diagnose
