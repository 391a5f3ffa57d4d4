"""The subject of a blackboard: a loss of named parameters, its data, and its settings."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.validation import lookup
from chainrule._src.blackboard.fields import Check, Listed, Members, Number, text
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.nn import optimizers
from chainrule._src.nn.training.minimize import Update

LARGEST = 1024  # batch size
WIDEST, DEEPEST = 1024, 6  # units of a layer and hidden layers, in a network built from settings
FLIGHT = {
    "rate": Number(1e-6, 100.0), "momentum": Number(0.0, 0.999),
    "batch_size": Number(1, LARGEST, whole=True),
}  # fmt: skip
SETTINGS: dict[str, Check] = {
    "layers": Listed(Number(1, WIDEST, whole=True), 0, DEEPEST),
    "activation": text, "init": text, "optimizer": text,
    "seed": Number(0, 2**32 - 1, whole=True), **FLIGHT,
}  # fmt: skip
"""The checks of all settings."""
LIMITS = {name: (number.low, number.high) for name, number in FLIGHT.items()}
IN_FLIGHT = tuple(FLIGHT)


@dataclass(frozen=True)
class TargetScale:
    """The name of a target, and its scaling: ``y = (raw - mean) / scale``."""

    name: str
    mean: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Data:
    """Samples for training and a hold-out.

    Attributes
    ----------
    name : str
    X, X_held : ndarray
        Training and hold-out samples, one in each row.
    y, y_held : ndarray of int32 or float64
        Class indices, or quantities.
    classes : tuple of str or None
        Names of the classes; None for regression.
    features : tuple of str
        Names of the features.
    image : tuple of int or None
        Height and width, if the samples are pictures.
    sequence : tuple of int or None
        Steps and values per step, if the samples are sequences.
    mean, scale : ndarray or None
        Scaling of the raw numbers: ``x = (raw - mean) / scale``.
    target : TargetScale or None
        Name and scaling of what is predicted.
    ink : float
        The largest raw number of a picture; the smallest is 0.
    code : str or None
        Python expression for these data.
    """

    name: str
    X: Array
    y: Array
    X_held: Array
    y_held: Array
    classes: tuple[str, ...] | None
    features: tuple[str, ...]
    image: tuple[int, int] | None = None
    sequence: tuple[int, int] | None = None
    target: TargetScale | None = None
    mean: Array | None = None
    scale: Array | None = None
    ink: float = 1.0
    code: str | None = None


@dataclass(frozen=True)
class Unit:
    """The names of a hidden layer, its weights, its biases, and the next layer's weights."""

    name: str
    weights: str
    bias: str | None
    out: str


@dataclass(frozen=True)
class Subject:
    """A model with its data, ready to be trained.

    Attributes
    ----------
    title, kind : str
    data : Data
    params : dict of str to ndarray
        The initial parameters.
    loss : callable
        ``loss(params, X, y)`` returns the mean loss of a batch.
    forward : callable or None
        ``forward(params, X, *parts)`` returns probabilities of the classes, or predicted values.
    settings : dict
        ``layers``, ``activation``, ``init``, ``optimizer``, ``seed``, ``rate``, ``momentum`` and
        ``batch_size``, as far as the model has them.
    make : callable or None
        Function that returns a subject with other settings; None if the model cannot be rebuilt.
    choices : dict of str to sequence of str
        The possible values of settings that are texts.
    units : sequence of Unit
        The hidden layers.
    slopes : callable or None
        ``slopes(params, X)`` returns, by hidden layer, the slopes of the activation for each sample
        and unit, between 0 and 1.
    gradients : callable or None
        ``gradients(params, X, y)``, which replaces the derived gradient of the loss.
    update : callable
        Function from an optimizer to a step ``(carry, X, y) → (loss, carry)``.
    parts : dict
        Initial values of the carry's parts other than parameters and optimizer state.
    mistake : str or None
        Name of a deliberate mistake in the gradient.
    optimizer : Optimizer, optional
        Replaces the optimizer named in the settings, but uses the learning rate of the settings.
    model : Sequential, optional
        The model of which the weights are trained.
    code : str or None
        Python expression for the subject with its initial settings.
    """

    title: str
    kind: str
    data: Data
    params: Mapping[str, Array]
    loss: Callable[..., Any]
    forward: Callable[..., Any] | None
    settings: Mapping[str, Any]
    make: Callable[[Mapping[str, Any]], Subject] | None = None
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    units: Sequence[Unit] = ()
    slopes: Callable[..., Mapping[str, Array]] | None = None
    gradients: Callable[..., Any] | None = None
    update: Callable[[Any], Callable[..., Any]] | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)
    mistake: str | None = None
    optimizer: Any = None
    model: Any = None
    code: str | None = None

    @property
    def names(self) -> list[str]:
        """The names of the parameters."""
        return list(self.params)

    def states(self, parts: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
        """Return the parts that predictions depend on, such as layers' moving means, by name."""
        values = {name: np.asarray(leaf) for part in parts for name, leaf in part.items()}
        return {name: leaf for name, leaf in values.items() if leaf.dtype.kind == "f"}

    def rule(self) -> Any:
        """Return the optimizer; an SGD has momentum in its state, even if the momentum is 0."""
        rate, name = self.settings["rate"], self.settings["optimizer"]
        if self.optimizer is not None:
            rule = copy.copy(self.optimizer)
            if optimizers.schedule_of(rule) is None:
                rule.learning_rate = rate
            return rule
        if name == "sgd":
            return optimizers.SGD(rate, momentum=0.9)  # the momentum in use is in the carry
        return optimizers.OPTIMIZERS[name](rate)

    def carry(self) -> dict[str, Any]:
        """Return the initial carry: parameters, optimizer state, other parts, settings."""
        params = {name: np.array(value) for name, value in self.params.items()}
        state = self.rule().init(params)
        return {"params": params, "state": state, **self.parts, "settings": self.in_carry()}

    def in_carry(self) -> dict[str, Any]:
        """Return the settings that an update reads."""
        return {"momentum": np.float64(self.settings["momentum"])}

    def step(self) -> Callable[..., tuple[Any, Any]]:
        """Return a function of an update, which reads changeable settings from the carry."""
        rule, update = self.rule(), self.update or self._plain

        def step(carry: Any, *data: Any) -> tuple[Any, Any]:
            moved = copy.copy(rule)
            if isinstance(rule, optimizers.SGD):
                vars(moved)["momentum"] = carry["settings"]["momentum"]
            value, new = update(moved)(carry, *data)
            return value, {**new, "settings": carry["settings"]}

        return step

    def _plain(self, rule: Any) -> Callable[..., tuple[Any, Any]]:
        if self.gradients is None:
            return Update(self.loss, rule)
        by_hand = self.gradients

        def step(carry: Any, *data: Any) -> tuple[Any, Any]:
            params, state = rule.update(
                carry["params"], by_hand(carry["params"], *data), carry["state"]
            )
            return self.loss(carry["params"], *data), {"params": params, "state": state}

        return step

    def gradient(self, carry: Any, *data: Any) -> Any:
        """Return the gradient that an update with this batch uses."""
        if self.gradients is not None:
            return self.gradients(carry["params"], *data)
        more = [carry[part] for part in self.parts]
        return value_and_grad(self.loss)(carry["params"], *data, *more)[1]


def checked(
    settings: Mapping[str, Any], defaults: Mapping[str, Any], choices: Any
) -> dict[str, Any]:
    """Return all settings: those in ``settings`` checked, the others as in ``known``.

    Raises
    ------
    DataError, UnknownNameError
        If a setting does not exist or is out of range.
    """
    of_subject = Members({name: SETTINGS[name] for name in defaults}, "setting")
    chosen = {**defaults, **of_subject("blackboard", settings)}
    for name in settings:
        if SETTINGS[name] is text:
            lookup(name, chosen[name], dict.fromkeys(choices.get(name, ())))
    return chosen
