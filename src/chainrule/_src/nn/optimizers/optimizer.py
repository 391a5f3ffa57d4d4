"""The base class of optimizers."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Annotated, Any, Self

import numpy as np

from chainrule._src.base.arguments import Flag, Number, Positive, PositiveNumber, Share
from chainrule._src.base.errors import DataError, ReadOnlyError
from chainrule._src.base.handles import SymbolicNumber
from chainrule._src.base.showing import snake_case
from chainrule._src.base.validation import check_number
from chainrule._src.core.trees import Path, leaves, map_leaves
from chainrule._src.nn.optimizers.applying import Applicable
from chainrule._src.nn.optimizers.variable import OptimizerVariable

UNDECAYED = "exclude_from_weight_decay"  # key of the patterns in a config
Schedule = Callable[[Any], Any]
# Attributes that do not change the update rule: the state holds the learning rate.
_APART = {"learning_rate", "_done", "applied", "__config__"}


def check_decay(decay: Any, name: str, where: str) -> Any:
    """Return a weight decay: a schedule, or a number after a check."""
    return decay if callable(decay) else check_number(decay, name, where)


Decay = Annotated[float | Schedule, check_decay]


def checked_patterns(patterns: Any, name: str, where: str) -> list[str]:
    """Return regular expressions as a list; raise an error if one is wrong."""
    try:
        for pattern in patterns:
            re.compile(pattern)
    except (re.error, TypeError) as error:
        raise DataError(
            f"{where}: {name} must be regular expressions, received {patterns!r}: {error}"
        ) from error
    return list(patterns)


class Optimizer(Applicable):
    r"""Base class of optimizers; it has the learning rate, clipping, weight decay and averages.

    Parameters
    ----------
    learning_rate : float or callable
        A number, or a function of the number of updates, in NumPy: see `chainrule.schedules`;
        a function without arguments is called when a run starts.
    weight_decay : float or callable, optional
        Weights are multiplied by 1 minus this times the learning rate at every update
        (Loshchilov, Hutter, *Decoupled Weight Decay Regularization*, 2019); a number, or a
        function of the number of batches, as for the learning rate.
    clipnorm : float, optional
        Largest norm of the gradient of one array; longer gradients are scaled down.
    clipvalue : float, optional
        Largest absolute value of a gradient's entry.
    global_clipnorm : float, optional
        Largest norm of all gradients together.
    use_ema : bool, default False
        If true, running averages replace the weights at the end of
        training (Polyak, Juditsky, *Acceleration of Stochastic Approximation by Averaging*, 1992).
    ema_momentum : float, default 0.99
        Share of its old value in the new value of an average.
    ema_overwrite_frequency : int, optional
        Number of updates after which the averages replace the weights during training as well.
    gradient_accumulation_steps : int, optional
        Number of batches, at least 2, whose mean gradient makes one update. A schedule still
        counts batches, as in Keras.
    l2 : float, default 0
        Weight of :math:`\lVert w \rVert^2 / 2` in the loss, as gradient :math:`\lambda w`.
    loss_scale_factor : float, optional
        Ignored: Keras multiplies the loss by this factor and divides the gradients, for float16.
    learning_rate_multipliers : dict of str to float, optional
        Factors of the learning rate by parameter: the first pattern that occurs in a parameter's
        name, as a regular expression, is used; see `exclude_from_weight_decay`. Decay follows the
        learning rate.
    name : str, optional
        By default the class's name in snake case.

    Attributes
    ----------
    slots : tuple of str
        Names of the arrays that the state has for every parameter, see `start`.
    learning_rate : Variable
        Learning rate of the next update: can be read as a number and set, also during
        training, unless it follows a schedule.
    iterations : Variable
        Number of updates so far, at the last event of callbacks.

    Raises
    ------
    DataError, UnknownNameError
        For options that are out of range, contradict one another or do not exist.

    Examples
    --------
    >>> class Signs(Optimizer):
    ...     def step(self, w, g, learning_rate, t, **slots):
    ...         return w - learning_rate * np.sign(g), {}
    >>> signs, w = Signs(0.5), np.array([1.0, 1.0])
    >>> signs.update(w, np.array([3.0, -0.2]), signs.init(w))[0]
    array([0.5, 1.5])
    """

    slots: tuple[str, ...] = ()
    _undecayed: tuple[str, ...] = ()

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        *,
        weight_decay: Decay | None = None,
        clipnorm: PositiveNumber | None = None,
        clipvalue: PositiveNumber | None = None,
        global_clipnorm: PositiveNumber | None = None,
        use_ema: Flag = False,
        ema_momentum: Share = 0.99,
        ema_overwrite_frequency: Positive | None = None,
        gradient_accumulation_steps: Positive | None = None,
        l2: Number = 0.0,
        loss_scale_factor: float | None = None,
        learning_rate_multipliers: Mapping[str, float] | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name or snake_case(self._name)
        self.loss_scale_factor = loss_scale_factor
        self._done = [0]  # batches; a list, so that no attribute changes
        self.applied = {}
        self.learning_rate = learning_rate
        self.weight_decay, self.l2 = weight_decay, l2
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        limits = ("clipnorm", "clipvalue", "global_clipnorm")
        chosen = [name for name in limits if getattr(self, name) is not None]
        if len(chosen) > 1:
            raise DataError(f"{self._name}: expected one way of clipping, received {chosen}")
        self.learning_rate_multipliers = self._factors(learning_rate_multipliers or {})
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        if ema_overwrite_frequency and not use_ema:
            raise DataError(f"{self._name}: ema_overwrite_frequency needs use_ema=True")
        self.gradient_accumulation_steps = gradient_accumulation_steps
        if gradient_accumulation_steps == 1:
            raise DataError(
                f"{self._name}: gradient_accumulation_steps must be at least 2, or None for an "
                "update with every batch, received 1"
            )

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next update."""

        def read() -> float:
            rate = vars(self)["learning_rate"]
            return float(rate(self._done[0]) if callable(rate) else rate)

        return OptimizerVariable(read, lambda rate: setattr(self, "learning_rate", rate))

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        if callable(rate):
            rate = rate if _takes_a_step(rate) else partial(_constantly, rate)
        else:
            schedule = schedule_of(self)
            if schedule is not None:
                raise ReadOnlyError(
                    f"{self._name}: the learning rate follows {schedule!r} and cannot be set; make "
                    "the optimizer with a number instead of a schedule"
                )
            if not isinstance(rate, SymbolicNumber) and np.shape(rate) == ():
                rate = rate.item() if hasattr(rate, "item") else rate
            rate = float(rate) if isinstance(rate, OptimizerVariable) else rate
            rate = check_number(rate, "learning_rate", self._name)
        vars(self)["learning_rate"] = rate

    @property
    def iterations(self) -> OptimizerVariable:
        """The number of updates so far."""
        batches = self.gradient_accumulation_steps or 1
        return OptimizerVariable(lambda: self._done[0] // batches, dtype=np.int64)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Any] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Exclude parameters from weight decay, before training starts; saved in the config.

        Parameters
        ----------
        var_list : iterable, optional
            Variables with a ``name``.
        var_names : iterable of str, optional
            Regular expressions that match names of parameters; a parameter's name is its key:
            ``"b_h"`` of ``params["b_h"]``, ``"bias"`` of a layer.
        """
        exact = [f"^{re.escape(variable.name)}$" for variable in var_list or ()]
        self._undecayed = (*exact, *(var_names or ()))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, and the patterns without decay, as plain values for JSON."""
        patterns = {UNDECAYED: list(self._undecayed)} if self._undecayed else {}
        return super().get_config() | patterns

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Return an optimizer from a config of `get_config`.

        Raises
        ------
        DataError, UnknownNameError
            If the arguments are not those of the class.
        """
        if not isinstance(config, Mapping) or UNDECAYED not in config:
            return super().from_config(config)
        optimizer = super().from_config({n: value for n, value in config.items() if n != UNDECAYED})
        patterns = checked_patterns(config[UNDECAYED], UNDECAYED, cls.__name__)
        optimizer.exclude_from_weight_decay(var_names=patterns)
        return optimizer

    def _is_decayed(self, path: Path) -> bool:
        return not any(re.search(pattern, _name_of(path)) for pattern in self._undecayed)

    def _multiplier(self, path: Path) -> float:
        factors = self.learning_rate_multipliers.items()
        return next(
            (factor for pattern, factor in factors if re.search(pattern, _name_of(path))), 1.0
        )

    def step(self, w: Any, g: Any, learning_rate: Any, t: Any, **slots: Any) -> Any:
        """Return the new value of one array and of its slots.

        Parameters
        ----------
        w, g : array
            The parameter and its gradient.
        learning_rate : number
            The learning rate, of ``w``'s dtype.
        t : number
            Number of the update, from 1; a float64, so cast results with ``.astype(w.dtype)``.
        **slots
            The slots of this parameter, by name.
        """
        raise NotImplementedError(f"{type(self).__name__} must define step")

    def start(self, slot: str, w: Any) -> Any:
        """Return the initial value of a slot for the parameter ``w``: zeros."""
        return np.zeros(w.shape, w.dtype)  # their memory is not touched yet

    def init(self, params: Any) -> dict[str, Any]:
        """Return the initial state of the optimizer for these parameters."""
        state: dict[str, Any] = {
            slot: map_leaves(lambda w, slot=slot: self.start(slot, w), params)
            for slot in self.slots
        }
        state["iteration"] = np.float64(0)
        if schedule_of(self) is None:
            state["learning_rate"] = np.float64(self.learning_rate)
        if self.use_ema:
            state["ema"] = map_leaves(np.zeros_like, params)
        if self.gradient_accumulation_steps:
            state["accumulated"] = map_leaves(np.zeros_like, params)
        return state

    def update(self, params: Any, gradients: Any, state: dict[str, Any]) -> tuple[Any, Any]:
        """Return new parameters and a new state for gradients."""
        done, batches = state["iteration"], self.gradient_accumulation_steps
        updates = done // batches if batches else done
        apply = self._accumulated if batches else self._stepped
        params, new_state = apply(params, gradients, state, updates + 1)
        if self.use_ema:
            params, new_state = self._averaged(params, new_state, updates)
        return params, {**new_state, "iteration": done + 1}

    def finalize_variable_values(self, params: Any, state: dict[str, Any]) -> Any:
        """Return the final parameters of training: the averages with ``use_ema``."""
        return state["ema"] if self.use_ema and state["iteration"] else params

    def _stepped(self, params: Any, gradients: Any, state: Any, t: Any) -> tuple[Any, Any]:
        gradients, rate = self._clipped(params, gradients), self._rate(state)
        decay = self.weight_decay
        if callable(decay):
            decay = decay(state["iteration"])

        def renewed(path: Path, w: Any, g: Any, *values: Any) -> Any:
            lr, factor, (step, share) = like(rate, w), self._multiplier(path), self._rule(path, w)
            if factor != 1:
                lr = lr * factor
            if share and self._is_decayed(path):
                w = w - w * (lr * like(decay if callable(share) else share, w))
            return step(w, g, lr, t, **dict(zip(self.slots, values, strict=True)))

        slots = (state[slot] for slot in self.slots)
        trees = [[leaf for _, leaf in leaves(tree)] for tree in (gradients, *slots)]
        parameters = [*leaves(params)]
        results = [renewed(*w, *others) for w, *others in zip(parameters, *trees, strict=True)]
        new = iter([like(w, old) for (w, _), (_, old) in zip(results, parameters, strict=True)])
        changed = dict(state)
        for slot in self.slots:
            values = iter([new_slots[slot] for _, new_slots in results])
            changed[slot] = map_leaves(lambda old, v=values: like(next(v), old), state[slot])
        return map_leaves(lambda _: next(new), params), changed

    def _rule(self, path: Path, w: Any) -> tuple[Callable[..., Any], float | Schedule | None]:
        """Return the step function for a parameter, and its weight decay."""
        return self.step, self.weight_decay

    def _accumulated(self, params: Any, gradients: Any, state: Any, t: Any) -> tuple[Any, Any]:
        """Step with the mean of the gradients if this batch is the last of its group."""
        batches = self.gradient_accumulation_steps
        is_last = (state["iteration"] + 1) % batches == 0
        totals = map_leaves(lambda total, g: total + g, state["accumulated"], gradients)
        means = map_leaves(lambda total: total / batches, totals)
        new, changed = self._stepped(params, means, state, t)

        def chosen(new: Any, old: Any) -> Any:
            return np.where(is_last, new, old)

        for slot in self.slots:
            changed[slot] = map_leaves(chosen, changed[slot], state[slot])
        changed["accumulated"] = map_leaves(lambda total: np.where(is_last, 0, total), totals)
        return map_leaves(chosen, new, params), changed

    def _averaged(self, params: Any, state: Any, updates: Any) -> tuple[Any, Any]:
        kept = np.where(updates > 0, self.ema_momentum, 0.0)  # the first average is the weights

        def average(old: Any, w: Any) -> Any:
            return like(kept, w) * old + like(1 - kept, w) * w

        averages = map_leaves(average, state["ema"], params)
        if self.ema_overwrite_frequency:
            is_due = (updates + 1) % self.ema_overwrite_frequency == 0
            params = map_leaves(lambda a, w: np.where(is_due, a, w), averages, params)
        return params, {**state, "ema": averages}

    def _rate(self, state: Any) -> Any:
        schedule = schedule_of(self)
        return state["learning_rate"] if schedule is None else schedule(state["iteration"])

    def _clipped(self, params: Any, gradients: Any) -> Any:
        if self.l2:
            gradients = map_leaves(lambda g, w: g + self.l2 * w, gradients, params)
        if self.clipvalue is not None:
            limit = self.clipvalue
            return map_leaves(lambda g: np.clip(g, -limit, limit), gradients)
        if self.clipnorm is not None:
            return map_leaves(lambda g: _shortened(g, np.sum(g**2), self.clipnorm), gradients)
        if self.global_clipnorm is not None:
            total = sum(np.sum(g**2) for _, g in leaves(gradients))
            return map_leaves(lambda g: _shortened(g, total, self.global_clipnorm), gradients)
        return gradients

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _factors(self, factors: Any) -> dict[str, float]:
        if not isinstance(factors, Mapping):
            raise DataError(
                f"{self._name}: learning_rate_multipliers must be a dict from patterns of names to "
                f"factors, received {factors!r}"
            )
        name = "learning_rate_multipliers"
        return {
            pattern: check_number(factors[pattern], f"{name}[{pattern!r}]", self._name)
            for pattern in checked_patterns(list(factors), f"the keys of {name}", self._name)
        }


def _name_of(path: Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def _takes_a_step(function: Any) -> bool:
    try:
        return bool(inspect.signature(function).parameters)
    except ValueError:  # a ufunc has no signature
        return True


def _constantly(function: Callable[[], Any], step: Any) -> Any:
    return function()


def schedule_of(optimizer: Any) -> Schedule | None:
    """Return the learning rate schedule, or None if the learning rate is a number.

    Parameters
    ----------
    optimizer : Optimizer

    Returns
    -------
    callable or None

    Examples
    --------
    >>> from chainrule import optimizers
    >>> schedule_of(optimizers.SGD(optimizers.ExponentialDecay(0.1, 100, 0.5)))(200)
    0.025
    >>> schedule_of(optimizers.SGD(0.1)) is None
    True
    """
    rate = getattr(optimizer, "__dict__", {}).get("learning_rate")
    return rate if callable(rate) else None


def settings_of(optimizer: Any) -> Hashable:
    """Return a cache key of the update rule, or None if other code determines the rule.

    The user's own classes and schedules may behave differently at every call.
    """
    kind = type(optimizer)
    if not kind.__module__.startswith(f"{__package__}.") or schedule_of(optimizer) is not None:
        return None
    settings = {name: value for name, value in vars(optimizer).items() if name not in _APART}
    try:
        return kind, kind.step, kind.update, json.dumps(settings)
    except TypeError:  # an attribute has no JSON form
        return None


def count(optimizer: Any, state: Any) -> None:
    """Set the optimizer's number of batches from a state.

    Parameters
    ----------
    optimizer : Optimizer
        Objects of other classes are left as they are.
    state : dict
        State that `Optimizer.update` returned, with the number of batches as ``"iteration"``.

    Examples
    --------
    >>> from chainrule import optimizers
    >>> optimizer = optimizers.SGD(0.1)
    >>> count(optimizer, {"iteration": 3})
    >>> optimizer.iterations
    3
    """
    if isinstance(optimizer, Optimizer):
        optimizer._done[0] = int(state.get("iteration", 0))


def like(value: Any, w: Any) -> Any:
    """Return a value in the dtype of ``w``."""
    if not hasattr(value, "dtype"):
        value = np.asarray(value)
    return value if value.dtype == w.dtype else value.astype(w.dtype)


def _shortened(g: Any, square: Any, limit: Any) -> Any:
    norm = np.sqrt(square)
    return g * like(limit / np.maximum(norm, limit), g)
