"""The lessons of `chainrule blackboard --export`: five networks, and tables of one's own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._src.blackboard import models, subjects
from chainrule._src.blackboard.course import Lesson
from chainrule._src.blackboard.subject import Data
from chainrule._src.nn import optimizers
from chainrule._src.nn.layers import Conv2D, Dense, Flatten, MaxPooling2D, SimpleRNN
from chainrule._src.nn.sequential.model import Sequential

ACTIVATIONS = ("sigmoid", "tanh", "relu")
LAYERS: tuple[list[int], ...] = ([], [10], [32, 32], [10, 10, 10, 10])
STEPS, WAVES = 20, 600  # values of a wave; waves
SHAPES = ("sine", "square", "sawtooth")
OWN: dict[str, dict[str, Any]] = {
    "classes": {}, "quantity": {"rate": 0.1, "activation": "tanh", "init": "glorot_uniform"},
}  # fmt: skip


def lessons() -> list[Lesson]:
    """Return the lessons; the first is the one that a page begins with."""
    digits = subjects.digits()
    broken = ("", "10 sigmoid", "32-32 sigmoid")
    of_lab: dict[str, Any] = {
        "layers": LAYERS, "activations": ACTIVATIONS, "broken": broken,
    }  # fmt: skip
    deep = {"layers": [32, 32], "activation": "sigmoid", "init": "glorot_uniform"}
    wine = subjects.table("wine")
    return [
        Lesson("lab", "The lab's network, on digits", subjects.network(digits), **of_lab),
        Lesson(
            "softmax", "Softmax regression, on digits", subjects.network(digits, {"layers": []}),
            **of_lab,
        ),
        Lesson(
            "deep", "Two hidden layers, on digits", subjects.network(digits, deep), **of_lab
        ),
        Lesson("convolution", "A convolution, on digits", models.layered(_convolution(), digits)),
        Lesson("recurrent", "A recurrent network, on waves", models.layered(_recurrent(), waves())),
        Lesson(
            "wine", "The lab's network, on wine", subjects.network(wine),
            layers=([], [10]), activations=ACTIVATIONS, fits=True,
        ),
    ]  # fmt: skip


def own_lessons() -> dict[str, Lesson]:
    """Return the lessons for tables that a reader brings, by the task of their target."""
    return {task: Lesson("own", "Your own table", subjects.network(_no_table(task), settings),
                         layers=([], [10]), activations=ACTIVATIONS, fits=True)
            for task, settings in OWN.items()}  # fmt: skip


def _no_table(task: str) -> Data:
    """Return data without a name, in whose place the page has those of the reader."""
    y = np.zeros(2, np.int32 if task == "classes" else float)
    return replace(subjects.of_arrays(np.zeros((2, 2)), y, classes=("a", "b")), name="")


def waves() -> Data:
    """Return waves of three shapes, each at a random phase, length and height, with noise."""
    rng = np.random.default_rng(0)
    shape = rng.integers(0, len(SHAPES), WAVES)
    length, phase = rng.uniform(8, 14, (WAVES, 1)), rng.uniform(0, 1, (WAVES, 1))
    turns = (np.arange(STEPS) / length + phase) % 1
    by_shape = np.stack([np.sin(2 * np.pi * turns), np.sign(0.5 - turns), 2 * turns - 1])
    X = rng.uniform(0.7, 1.3, (WAVES, 1)) * by_shape[shape, np.arange(WAVES)]
    X = np.round(64 * (X + rng.normal(0, 0.1, X.shape))) / 64  # compresses well
    features = [f"value {i + 1}" for i in range(STEPS)]
    return subjects.of_arrays(X, shape, name="waves", classes=SHAPES, features=features)


def _convolution() -> Sequential:
    layers = [
        Conv2D(6, 3, activation="relu", name="conv"), MaxPooling2D(2, name="pool"),
        Flatten(name="flat"), Dense(10, activation="softmax", name="o"),
    ]  # fmt: skip
    return _compiled(Sequential(layers, seed=0, dtype="float64", name="convolution"),
                     (8, 8, 1), optimizers.SGD(0.1))  # fmt: skip


def _recurrent() -> Sequential:
    layers = [SimpleRNN(8, name="rnn"), Dense(len(SHAPES), activation="softmax", name="o")]
    return _compiled(Sequential(layers, seed=0, dtype="float64", name="recurrent"),
                     (STEPS, 1), optimizers.Adam(0.01))  # fmt: skip


def _compiled(model: Sequential, shape: tuple[int, ...], rule: Any) -> Sequential:
    model.build((None, *shape))
    model.compile(optimizer=rule, loss="sparse_categorical_crossentropy")
    return model
