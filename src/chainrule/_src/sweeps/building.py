"""Build models by calling the user's function with a member's settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from chainrule._src.base.errors import DataError, UnknownNameError
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import check_count, seeded
from chainrule._src.sweeps.dimensions import Choice, IntRange, NumberRange
from chainrule._src.sweeps.grouped import GroupedRows, in_memory
from chainrule._src.sweeps.member import Member, Settings
from chainrule._src.sweeps.space import Space

# Settings of the training itself, with their least and largest values.
TRAINING_SETTINGS = {"batch_size": (1, 2**31 - 1), "epochs": (1, 2**31 - 1), "seed": (0, 2**62)}
SEEDS = 2**32  # number of valid seeds in scikit-learn
Build = Callable[..., Any]
Samples = tuple[Any, ...] | GroupedRows


class Fold(NamedTuple):
    """Training samples and validation samples of a fold.

    Each is ``(X, y)`` or ``(X, y, weight)``, or they are in groups.
    """

    train: Samples
    held: Samples


def built(
    build: Build, member: Member, kind: Any = None, instead: Mapping[str, Any] | None = None
) -> Any:
    """Build a member's model with its seed; values in ``instead`` replace settings."""
    arguments = divided(build, member.settings)[0]
    arguments |= {name: value for name, value in (instead or {}).items() if name in arguments}
    with seeded(member.seed, kind):
        return build(**arguments)


def fitted(estimator: Any, member: Member, samples: Samples) -> Any:
    """Fit an estimator; every ``random_state`` that is None becomes the member's seed.

    Weights of samples go to the last step of a pipeline. An estimator takes arrays: samples in
    groups are read into memory.
    """
    params = estimator.get_params()
    states = [name for name in params if name.rpartition("__")[2] == "random_state"]
    seed = member.seed % SEEDS
    estimator.set_params(**{name: seed for name in states if params[name] is None})
    steps = getattr(estimator, "steps", None)
    name = f"{steps[-1][0]}__sample_weight" if steps else "sample_weight"
    X, y, *weight = in_memory(samples)
    return estimator.fit(X, y, **({name: weight[0]} if weight else {}))


class Clones:
    """Builds clones of an estimator with other parameters.

    Parameters
    ----------
    estimator : estimator
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def __call__(self, **settings: Any) -> Any:
        """Return a clone with these parameters."""
        with needs("sweeping an estimator", "tables", "sklearn"):
            from sklearn.base import clone

        return clone(self.estimator).set_params(**settings)


def as_build(build: Any) -> Build:
    """Return a function of settings that builds a model, from a function or an estimator.

    Raises
    ------
    DataError
        If ``build`` is neither a function nor an estimator.
    """
    if hasattr(build, "get_params") and hasattr(build, "fit"):
        if isinstance(build, type):
            raise DataError(
                f"sweep: build is the class {build.__name__}; give an instance: {build.__name__}()"
            )
        return Clones(build)
    try:
        inspect.signature(build)
    except (TypeError, ValueError) as error:  # not callable, or a builtin without a signature
        raise DataError(
            "sweep: build must be a function of settings, or an estimator such as SVC(), received "
            f"{build!r}"
        ) from error
    function: Build = build
    return function


def check_arguments(build: Build, names: Sequence[str]) -> None:
    """Refuse unknown settings, and a ``build`` with required arguments that are no settings.

    Raises
    ------
    UnknownNameError, DataError
    """
    arguments = divided(build, dict.fromkeys(names))[0]
    try:
        inspect.signature(build).bind(**arguments)
    except TypeError as error:
        raise DataError(f"sweep: build cannot be called with the settings: {error}") from error


def check_training_settings(build: Build, space: Space) -> None:
    """Refuse invalid values of the settings of the training.

    Raises
    ------
    DataError
    """
    for_training = divided(build, dict.fromkeys(space.order))[1]
    for name in space.order:
        if name not in TRAINING_SETTINGS or (name == "batch_size" and name not in for_training):
            continue
        dimension = space.dimensions.get(name)
        if isinstance(dimension, Choice):
            values = dimension.values
        elif isinstance(dimension, IntRange):
            values = [int(dimension.low), int(dimension.high)]
        elif not isinstance(dimension, NumberRange):
            values = [space.constants[name]]
        else:
            least, most = max(int(dimension.low), 1), max(int(dimension.high), 2)
            raise DataError(
                f"sweep: the setting {name!r} must be whole numbers, received {dimension!r}; give "
                f"cr.sweeps.IntRange({least}, {most}) or a list"
            )
        for value in values:
            check_whole(value, name, f"the setting {name!r}")


def check_whole(value: Any, name: str, called: str = "") -> int:
    """Return a setting of the training as an int.

    Raises
    ------
    DataError
        If the value is not a whole number, too small or too large.
    """
    least, most = TRAINING_SETTINGS[name]
    number = check_count(value, called or name, "sweep", least)
    if number > most:
        raise DataError(f"sweep: {called or name} must be at most {most:,}, received {number:,}")
    return number


def divided(build: Build, settings: Settings) -> tuple[Settings, Settings]:
    """Split settings into the arguments of ``build`` and the settings of the training.

    Raises
    ------
    UnknownNameError
        If a setting belongs to neither.
    """
    parameters = inspect.signature(build).parameters
    if any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        return dict(settings), {}
    for_training = {name: value for name, value in settings.items() if name not in parameters}
    for name in for_training:
        if name not in TRAINING_SETTINGS:
            raise UnknownNameError("setting", name, (*parameters, *TRAINING_SETTINGS))
    return {name: value for name, value in settings.items() if name in parameters}, for_training


def symbolic(settings: Mapping[str, Any]) -> dict[str, float]:
    """Return the settings that may vary within one structure: those that are floats."""
    return {name: value for name, value in settings.items() if isinstance(value, float)}


def plain_key(settings: Settings) -> Hashable:
    """Return a hashable key of the settings that determine the structure: all but floats."""
    floats = symbolic(settings)
    return identity({name: value for name, value in settings.items() if name not in floats})


def identity(value: Any) -> Hashable:
    """Return a key that is equal for equal plain values, and for identical other objects."""
    if value is None or isinstance(value, int | float | str | bytes):
        return type(value), repr(value)
    if isinstance(value, dict | list | tuple):
        parts = value.items() if isinstance(value, dict) else value
        return type(value), *map(identity, parts)
    return type(value), id(value)  # unique as long as the structure keeps a reference
