"""Lab 5: optimizers, as functions of the weights, the gradient and the optimizer's state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.core.transforms import grad
from chainrule._src.teach import expect
from chainrule._src.teach.exercise import Diagnose, Draw, Exercise, compared_with
from chainrule._src.teach.exercises.data import digits, few, network_loss

State = dict[str, Any]
Rule = Callable[..., tuple[Any, State]]
SMALL = 1e-4  # the size of gradients between an epsilon of 1e-7 and its root
CURVATURES = np.array([1.0, 50.0])


def _momentum(
    w: Any, g: Any, state: State, learning_rate: float = 0.01, mu: float = 0.9
) -> tuple[Any, State]:
    v = mu * state.get("v", 0.0) - learning_rate * g
    return w + v, {"v": v}


def _nesterov(
    w: Any, g: Any, state: State, learning_rate: float = 0.01, mu: float = 0.9
) -> tuple[Any, State]:
    v = mu * state.get("v", 0.0) - learning_rate * g
    return w + mu * v - learning_rate * g, {"v": v}


def _rmsprop(
    w: Any, g: Any, state: State, learning_rate: float = 0.001, rho: float = 0.9,
    epsilon: float = 1e-7,
) -> tuple[Any, State]:  # fmt: skip
    s = rho * state.get("s", 0.0) + (1 - rho) * g**2
    return w - learning_rate * g / np.sqrt(s + epsilon), {"s": s}


def _adam(
    w: Any, g: Any, state: State, learning_rate: float = 0.001, beta_1: float = 0.9,
    beta_2: float = 0.999, epsilon: float = 1e-7,
) -> tuple[Any, State]:  # fmt: skip
    t = state.get("t", 0) + 1
    m = beta_1 * state.get("m", 0.0) + (1 - beta_1) * g
    s = beta_2 * state.get("s", 0.0) + (1 - beta_2) * g**2
    change = m / (1 - beta_1**t) / (np.sqrt(s / (1 - beta_2**t)) + epsilon)
    return w - learning_rate * change, {"t": t, "m": m, "s": s}


RIGHT: dict[str, Rule] = {
    "momentum": _momentum, "nesterov": _nesterov, "rmsprop": _rmsprop, "adam": _adam,
}  # fmt: skip


def _pair(answer: Any, what: str) -> tuple[Any, Any]:
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise expect.Wrong(
            f"{what} returns {expect.short_text(answer)}, it must be the pair w, state"
        )
    return answer[0], answer[1]


def _gradients(draw: Draw, steps: int, shape: tuple[int, ...], scale: float = 1.0) -> Array:
    """Return gradients of the size of ``scale``; 1 is so large that an epsilon has no effect."""
    size = draw.uniform(0.5 * scale, 2.0 * scale, size=(steps, *shape))
    signs: Array = draw.choice([-1.0, 1.0], size=size.shape)
    return size * signs


def _check_steps(rule: Any, name: str, draw: Draw, steps: int, **options: float) -> None:
    """Check each step against the reference rule."""
    w = draw.normal(size=3)
    state: Any = {}
    right_w, right_state = w, dict[str, Any]()
    arguments = "".join(f", {key}={value}" for key, value in options.items())
    for step, g in enumerate(_gradients(draw, steps, (3,)), 1):
        new, state = _pair(rule(w, g, state, **options), name)
        right_new, right_state = RIGHT[name](right_w, g, right_state, **options)
        change = expect.finite(expect.shape(new, (3,), f"w of {name}"), f"w of {name}") - w
        what = f"the change of w in step {step} of {name}(w, g, state{arguments})"
        try:
            expect.close(change, right_new - right_w, what, rtol=1e-4)
        except expect.Wrong as wrong:
            if step == 1:
                raise
            raise expect.Wrong(f"{wrong}; step 1 is right, so look at what is remembered") from None
        w, right_w = np.asarray(new), right_new


def _check_small(rule: Any, name: str, draw: Draw) -> None:
    """Check the first step with gradients beside which epsilon is small, but not its root.

    Right rules that add epsilon at another place differ there by a few percent.
    """
    w, (g,) = draw.normal(size=3), _gradients(draw, 1, (3,), SMALL)
    new, _ = _pair(rule(w, g, {}, learning_rate=0.1), name)
    right, _ = RIGHT[name](w, g, {}, learning_rate=0.1)
    what = f"the change of w in a step of {name} with gradients of about {SMALL}"
    expect.close(np.asarray(new) - w, right - w, what, rtol=0.1)


def _compared(right: Rule, options: dict[str, float], scale: Any) -> Diagnose:
    """Return a diagnosis that compares the weights after some steps with those of the rule."""

    def steps(rule: Any) -> Callable[..., Any]:
        def trained(w: Any, gradients: Any) -> Any:
            state: Any = {}
            for g in gradients:
                w, state = rule(w, g, state, learning_rate=0.1, **options)
            return w

        return trained

    def args(draw: Draw) -> tuple[Any, ...]:
        return draw.normal(size=3), _gradients(draw, 4, (3,)) * scale

    return lambda rule, draw: compared_with(steps(right), args)(steps(rule), draw)


def _rule(
    exercise: Exercise, options: dict[str, float], rate: float, least: float, small: bool = False
) -> Exercise:
    """Add the checks of an optimizer.

    ``options`` differ from the defaults. With the learning rate ``rate`` the loss in a narrow
    valley must be at most ``least`` after 100 steps. If ``small``, small gradients must make steps
    as long as others do.
    """
    name = exercise.name
    scale = np.array([1.0, SMALL, 2e-7]) if small else 1.0

    exercise.diagnosis("values", "properties")(_compared(RIGHT[name], options, scale))

    @exercise.check("shape")
    def _(rule: Any, draw: Draw) -> None:
        for shape in ((3, 2), (4,), ()):
            state: Any = {}
            w, gradients = draw.normal(size=shape), _gradients(draw, 2, shape)
            for step, g in enumerate(gradients, 1):
                w, state = _pair(rule(w, g, state), name)
                expect.shape(w, shape, f"w of shape {shape} after step {step} of {name}")

    @exercise.check("dtype")
    def _(rule: Any, draw: Draw) -> None:
        w, state = np.ones(3, np.float32), dict[str, Any]()
        for g in _gradients(draw, 2, (3,)).astype(np.float32):
            w, state = _pair(rule(w, g, state), name)
            w = expect.floating(w, f"w of float32 after a step of {name}", np.float32)

    @exercise.check("finite")
    def _(rule: Any, draw: Draw) -> None:
        w = np.ones(2)
        new, state = _pair(rule(w, np.zeros(2), {}), name)
        expect.close(new, w, "w after a step with the gradient 0")
        new, _ = _pair(rule(w, np.zeros(2), state), name)
        expect.close(new, w, "w after a second step with the gradient 0")

    @exercise.check("values", points=2)
    def _(rule: Any, draw: Draw) -> None:
        _check_steps(rule, name, draw, 1, learning_rate=0.1)
        _check_steps(rule, name, draw, 1)
        _check_steps(rule, name, draw, 1, learning_rate=0.1, **options)
        if small:
            _check_small(rule, name, draw)

    @exercise.check("properties", points=3)
    def _(rule: Any, draw: Draw) -> None:
        _check_steps(rule, name, draw, 4, learning_rate=0.1)
        _check_steps(rule, name, draw, 4, learning_rate=0.1, **options)
        _check_steps(rule, name, draw, 30)

    @exercise.check("numbers")
    def _(rule: Any, draw: Draw) -> None:
        w, state = np.array([-10.0, 1.0]), dict[str, Any]()
        for _ in range(100):
            w, state = _pair(rule(w, CURVATURES * w, state, learning_rate=rate), name)
            w = expect.finite(expect.shape(w, (2,), f"w of {name}"), f"w of {name}")
        loss = float(0.5 * np.sum(CURVATURES * w**2))
        sentence = f"in the valley {name} has the loss {loss:.3g} after 100 steps with {rate}"
        expect.true(loss <= least, f"{sentence}, it must be at most {least}")

    return exercise


momentum = _rule(
    Exercise(
        "momentum",
        "gradient descent with a velocity",
        (
            "Look at the velocity: is the old one kept, and is the new one in the state?",
            "The new velocity is mu times the old one, less the learning rate times the gradient. "
            "The weights move by the new velocity.",
            "v ← μ v − η g, w ← w + v, with v = 0 at first",
        ),
    ),
    {"mu": 0.6}, rate=0.012, least=0.05,
)  # fmt: skip
nesterov = _rule(
    Exercise(
        "nesterov",
        "momentum that looks ahead",
        (
            "Look at the second line: which velocity does it use, the old or the new one?",
            "The velocity is that of momentum. The weights move by mu times the new velocity, less "
            "the learning rate times the gradient; what is remembered is the velocity alone.",
            "v ← μ v − η g, w ← w + μ v − η g, the second with the new v",
        ),
    ),
    {"mu": 0.6}, rate=0.012, least=0.01,
)  # fmt: skip
rmsprop = _rule(
    Exercise(
        "rmsprop",
        "gradients divided by their usual size",
        (
            "Look at the running mean: of what is it, and which share is new?",
            "s keeps the share rho of what it was and takes the share 1 - rho of the gradient's "
            "square, element by element. The step divides by the root of s, with epsilon inside.",
            "s ← ρ s + (1 − ρ) g², w ← w − η g / √(s + ε), with s = 0 at first",
        ),
    ),
    {"rho": 0.6}, rate=0.2, least=0.6,
)  # fmt: skip
adam = _rule(
    Exercise(
        "adam",
        "running means of the gradient and its square, corrected for their start",
        (
            "Look at the first step: with the correction it has the length of the learning rate.",
            "Two running means, m with beta_1 and s with beta_2, and the number of steps t, which "
            "is 1 in the first. The corrected means go into the step; the plain ones are kept.",
            "m̂ = m / (1 − β₁ᵗ), ŝ = s / (1 − β₂ᵗ), w ← w − η m̂ / (√ŝ + ε)",
        ),
    ),
    {"beta_1": 0.6, "beta_2": 0.8}, rate=0.5, least=0.2, small=True,
)  # fmt: skip

train = Exercise(
    "train",
    "a loop that trains with any optimizer and any schedule",
    (
        "Look at what is counted and what is kept: the steps over all epochs, a state for each "
        "parameter.",
        "Begin with a copy of the dict and an empty state for each name. In each step take the "
        "batch's loss and gradients, the rate of this step, and put each parameter through the "
        "optimizer with its own state; the new state takes the place of the old one.",
        "for each batch, for each name p: w_p, state_p ← optimizer(w_p, g_p, state_p, η_t); then "
        "t ← t + 1",
    ),
    uses=("sgd", "averaged", "scheduled", "initial_params"),
)


def _params(train: Any, hidden: int = 10) -> dict[str, Array]:
    params: dict[str, Array] = train.beside("initial_params")(hidden)
    return params


def _training_result(
    answer: Any, steps: int, params: dict[str, Array]
) -> tuple[dict[str, Any], Array]:
    """Check the result of ``train``; return the parameters and the losses."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        what = f"train returns {expect.short_text(answer)}"
        raise expect.Wrong(f"{what}, it must be the pair params, losses")
    expect.entries(answer[0], params, "the parameters that train returns")
    for name, value in params.items():
        expect.shape(answer[0][name], value.shape, f"{name} after training")
    losses = expect.shape(answer[1], (steps,), f"the list of losses of {steps} steps")
    return answer[0], expect.finite(losses, "the list of losses")


@train.check("shape")
def _(train: Any, draw: Draw) -> None:
    (X, y), params = few(20), _params(train)
    answer = train(train.beside("sgd"), params, X, y, 0.1, epochs=3, batch_size=8)
    _training_result(answer, 9, params)


def _stepped(params: dict[str, Array], X: Array, y: Array, rate: float) -> dict[str, Array]:
    gradients = grad(network_loss)(params, X, y)
    return {name: w - rate * gradients[name] for name, w in params.items()}


@train.check("values", points=2)
def _(train: Any, draw: Draw) -> None:
    (X, y), params = few(20), _params(train)
    result = train(train.beside("sgd"), params, X, y, 0.5, epochs=1, batch_size=20)
    trained, _ = _training_result(result, 1, params)
    for name, w in _stepped(params, X, y, 0.5).items():
        what = f"the change of {name} in one step of sgd with all 20 samples"
        expect.close(trained[name] - params[name], w - params[name], what, rtol=1e-4)
    expected, losses = params, []
    for _ in range(3):
        losses.append(float(network_loss(expected, X, y)))
        expected = _stepped(expected, X, y, 0.5)
    result = train(train.beside("sgd"), params, X, y, 0.5, epochs=3, batch_size=20)
    trained, trained_losses = _training_result(result, 3, params)
    expect.close(trained_losses, losses, "the losses of 3 steps with all 20 samples", rtol=1e-5)
    for name, w in expected.items():
        change = trained[name] - params[name]
        what = f"the change of {name} in 3 steps of sgd with all 20 samples"
        expect.close(change, w - params[name], what, rtol=1e-4)


@train.check("properties", points=3)
def _(train: Any, draw: Draw) -> None:
    (X, y), params = few(20), _params(train)
    expected, means = params, dict.fromkeys(params, 0.0)
    for _ in range(3):
        gradients = grad(network_loss)(expected, X, y)
        means = {name: 0.5 * means[name] + 0.5 * gradients[name] for name in means}
        expected = {name: w - 0.5 * means[name] for name, w in expected.items()}
    result = train(train.beside("averaged"), params, X, y, 0.5, epochs=3, batch_size=20)
    trained, _ = _training_result(result, 3, params)
    for name, w in params.items():
        what = f"the change of {name} in 3 steps of averaged, which remembers gradients,"
        expect.close(trained[name] - w, expected[name] - w, what, rtol=1e-4)
    _visits(train, params)


def _visits(train: Any, params: dict[str, Array]) -> None:
    """Check that an epoch takes each sample once, and that the order is random in each epoch."""
    (X, y), sgd, rate = few(20), train.beside("sgd"), 1e-6
    trained, first = _training_result(train(sgd, params, X, y, rate, 1, batch_size=1), 20, params)
    expected = _stepped(params, X, y, 20 * rate)
    for name, w in params.items():
        what = f"the change of {name} in an epoch of 20 tiny steps, one for each sample,"
        expect.close(trained[name] - w, expected[name] - w, what, rtol=1e-3)
    alone = [float(network_loss(params, X[i : i + 1], y[i : i + 1])) for i in range(20)]
    in_order = np.allclose(first, alone, rtol=1e-3)
    expect.true(not in_order, "train visits the samples in the order in which they come")
    every = np.allclose(np.sort(first), np.sort(alone), rtol=1e-3)
    expect.true(every, "the losses of an epoch are not those of its samples, one by one")
    _, both = _training_result(train(sgd, params, X, y, rate, 2, batch_size=1), 40, params)
    again = np.allclose(both[:20], both[20:], rtol=1e-3)
    expect.true(not again, "train visits the samples in the same order in each epoch")
    _, same = _training_result(train(sgd, params, X, y, rate, 1, batch_size=1, seed=1), 20, params)
    differs = not np.allclose(same, first, rtol=1e-3)
    expect.true(differs, "train visits the samples in the same order with another seed")


@train.check("update", points=2)
def _(train: Any, draw: Draw) -> None:
    (X, y), params = few(20), _params(train)
    schedule = train.beside("scheduled")
    expected = params
    for t in range(4):
        expected = _stepped(expected, X, y, 0.5 / (t + 1))
    trained, _ = _training_result(
        train(train.beside("sgd"), params, X, y, schedule, 4, 20), 4, params
    )
    for name, w in params.items():
        what = f"the change of {name} in 4 steps with the learning rate 0.5 / (t + 1)"
        expect.close(trained[name] - w, expected[name] - w, what, rtol=1e-4)


@train.check("overfits")
def _(train: Any, draw: Draw) -> None:
    (X, y), params = few(20), _params(train)
    result = train(train.beside("sgd"), params, X, y, 2.0, epochs=150, batch_size=10)
    loss = float(_training_result(result, 300, params)[1][-1])
    expect.true(
        loss < 0.1,
        f"after 300 steps of sgd with 20 digits their loss is {loss:.3f}: a network that learns "
        "knows them by heart",
    )


@train.check("numbers", points=2)
def _(train: Any, draw: Draw) -> None:
    d, params = digits(), _params(train)
    result = train(train.beside("sgd"), params, d.X_train, d.y_train, 1.0, epochs=12)
    trained, _ = _training_result(result, 576, params)
    h = 1 / (1 + np.exp(-(d.X_test @ trained["W_h"] + trained["b_h"])))
    accuracy = np.mean(np.argmax(h @ trained["W_o"] + trained["b_o"], axis=1) == d.y_test)
    expect.true(
        accuracy > 0.94,
        f"after 12 epochs of sgd the test accuracy is {accuracy:.3f}, it must be above 0.94",
    )
