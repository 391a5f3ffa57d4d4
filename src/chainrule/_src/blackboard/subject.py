"""What is trained on a blackboard: a loss of named parameters, its data, and its settings."""

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

LARGEST = 1024  # batch
WIDEST, DEEPEST = 1024, 6  # layers of a network that is made from settings
FLIGHT = {
    "rate": Number(1e-6, 100.0), "momentum": Number(0.0, 0.999),
    "batch_size": Number(1, LARGEST, whole=True),
}  # fmt: skip
SETTINGS: dict[str, Check] = {
    "layers": Listed(Number(1, WIDEST, whole=True), 0, DEEPEST),
    "activation": text, "init": text, "optimizer": text,
    "seed": Number(0, 2**32 - 1, whole=True), **FLIGHT,
}  # fmt: skip
"""The checks of all settings, whoever sets them."""
LIMITS = {name: (number.low, number.high) for name, number in FLIGHT.items()}
IN_FLIGHT = tuple(FLIGHT)


@dataclass(frozen=True)
class Data:
    """Samples to train on and samples held back.

    Attributes
    ----------
    name : str
    X, X_held : ndarray, a sample a row
    y, y_held : ndarray of int32 or float64
        Numbers of classes, or targets.
    classes : tuple of str or None
    features : tuple of str
    image : tuple of int or None
        Height and width, where a sample is a picture.
    mean, scale : ndarray or None
        What became of the raw numbers: ``x = (raw - mean) / scale``.
    ink : float
        The largest raw number of a picture; the smallest is 0.
    code : str or None
        Python that gives the same data.
    """

    name: str
    X: Array
    y: Array
    X_held: Array
    y_held: Array
    classes: tuple[str, ...] | None
    features: tuple[str, ...]
    image: tuple[int, int] | None = None
    mean: Array | None = None
    scale: Array | None = None
    ink: float = 1.0
    code: str | None = None


@dataclass(frozen=True)
class Unit:
    """A hidden layer: its name, those of its weights and biases, and of the weights behind it."""

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
        Where training starts.
    loss : callable
        ``loss(params, X, y)``: the mean over the samples of a batch.
    forward : callable or None
        ``forward(params, X, *parts)``: probabilities of the classes, or predicted values.
    settings : dict
        All that is set: ``layers``, ``activation``, ``init``, ``optimizer``, ``seed``, ``rate``,
        ``momentum``, ``batch_size``, as far as the model has them.
    make : callable or None
        From settings to a subject with them, where the model can be made anew.
    choices : dict of str to sequence of str
    units : sequence of Unit
    slopes : callable or None
        ``slopes(params, X)``: by hidden layer, the slopes of its activation at each sample and
        unit, between 0 and 1.
    gradients : callable or None
        ``gradients(params, X, y)``, in place of the loss's own.
    update : callable
        From an optimizer to a step ``(carry, X, y) → (loss, carry)``.
    parts : dict
        What of the carry is neither parameters nor the optimizer's.
    mistake : str or None
        That the gradient was given.
    optimizer : Optimizer, optional
        In place of the one that the settings name; its learning rate is that of the settings.
    model : Sequential, optional
        Whose weights are trained.
    code : str or None
        Python that gives it, with the settings as they are at first.
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
        """Those of the parameters."""
        return list(self.params)

    def states(self, parts: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
        """Return what of the parts predictions depend on: layers' moving means, by name."""
        found = {name: np.asarray(leaf) for part in parts for name, leaf in part.items()}
        return {name: leaf for name, leaf in found.items() if leaf.dtype.kind == "f"}

    def rule(self) -> Any:
        """Return the optimizer, with room for momentum where it knows it."""
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
        """Return all that goes from one update to the next, at the start."""
        params = {name: np.array(value) for name, value in self.params.items()}
        state = self.rule().init(params)
        return {"params": params, "state": state, **self.parts, "settings": self.in_carry()}

    def in_carry(self) -> dict[str, Any]:
        """Return the settings that an update reads."""
        return {"momentum": np.float64(self.settings["momentum"])}

    def step(self) -> Callable[..., tuple[Any, Any]]:
        """Return an update, in which what can be set in flight is a number of the carry."""
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
        """Return the gradient that an update with such a batch takes."""
        if self.gradients is not None:
            return self.gradients(carry["params"], *data)
        more = [carry[part] for part in self.parts]
        return value_and_grad(self.loss)(carry["params"], *data, *more)[1]


def checked(settings: Mapping[str, Any], known: Mapping[str, Any], choices: Any) -> dict[str, Any]:
    """Return all settings: those in ``settings`` checked, the others as in ``known``.

    Raises
    ------
    DataError, UnknownNameError
        For one that does not exist or is out of range.
    """
    of_subject = Members({name: SETTINGS[name] for name in known}, "setting")
    chosen = {**known, **of_subject("blackboard", settings)}
    for name in settings:
        if SETTINGS[name] is text:
            lookup(name, chosen[name], dict.fromkeys(choices.get(name, ())))
    return chosen
