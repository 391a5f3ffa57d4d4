"""Functions that build models, called with a member's settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from chainrule._src.base.errors import DataError, UnknownNameError
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import check_count, seeded
from chainrule._src.sweeps.dimensions import Choices, Integers, Numbers
from chainrule._src.sweeps.member import Member, Settings
from chainrule._src.sweeps.space import Space

# What the training knows of settings: at least and at most.
TOLD = {"batch_size": (1, 2**31 - 1), "epochs": (1, 2**31 - 1), "seed": (0, 2**62)}
SEEDS = 2**32  # that scikit-learn and its estimators know
Build = Callable[..., Any]


class Fold(NamedTuple):
    """Samples to train on and samples to be scored on, each ``(X, y)``."""

    train: tuple[Any, Any]
    held: tuple[Any, Any]


def built(
    build: Build, member: Member, kind: Any = None, instead: Mapping[str, Any] | None = None
) -> Any:
    """Return what a member is built as, with its seed; some settings may have something instead."""
    given = divided(build, member.settings)[0]
    given |= {name: value for name, value in (instead or {}).items() if name in given}
    with seeded(member.seed, kind):
        return build(**given)


def fitted(estimator: Any, member: Member, samples: tuple[Any, Any]) -> Any:
    """Return an estimator fitted, with the member's seed where it, or a part of it, has none."""
    given = estimator.get_params()
    states = [name for name in given if name.rpartition("__")[2] == "random_state"]
    seed = member.seed % SEEDS
    estimator.set_params(**{name: seed for name in states if given[name] is None})
    return estimator.fit(*samples)


class Clones:
    """Builds clones of an estimator with other parameters.

    Parameters
    ----------
    estimator : estimator
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def __call__(self, **settings: Any) -> Any:
        """Return one."""
        with needs("sweeping an estimator", "tables", "sklearn"):
            from sklearn.base import clone

        return clone(self.estimator).set_params(**settings)


def as_build(build: Any) -> Build:
    """Return what builds: a function, or clones of an estimator.

    Raises
    ------
    DataError
        If it is neither.
    """
    if hasattr(build, "get_params") and hasattr(build, "fit"):
        if isinstance(build, type):
            raise DataError(
                f"sweep: build is the class {build.__name__}; give an instance: {build.__name__}()"
            )
        return Clones(build)
    try:
        inspect.signature(build)
    except (TypeError, ValueError) as error:  # none at all, or one of Python's own
        raise DataError(
            "sweep: build must be a function of settings, or an estimator such as SVC(), received "
            f"{build!r}"
        ) from error
    found: Build = build
    return found


def check_arguments(build: Build, names: Sequence[str]) -> None:
    """Refuse settings that neither a build nor the training knows, and a build that lacks some.

    Raises
    ------
    UnknownNameError, DataError
    """
    given = divided(build, dict.fromkeys(names))[0]
    try:
        inspect.signature(build).bind(**given)
    except TypeError as error:
        raise DataError(f"sweep: build cannot be called with the settings: {error}") from error


def check_told(build: Build, space: Space) -> None:
    """Refuse settings of the training that are none.

    Raises
    ------
    DataError
    """
    told = divided(build, dict.fromkeys(space.order))[1]
    for name in space.order:
        if name not in TOLD or (name == "batch_size" and name not in told):
            continue
        dimension = space.dimensions.get(name)
        if isinstance(dimension, Choices):
            values = dimension.values
        elif isinstance(dimension, Integers):
            values = [int(dimension.low), int(dimension.high)]
        elif not isinstance(dimension, Numbers):
            values = [space.constants[name]]
        else:
            least, most = max(int(dimension.low), 1), max(int(dimension.high), 2)
            raise DataError(
                f"sweep: the setting {name!r} must be whole numbers, received {dimension!r}; give "
                f"cr.integers({least}, {most}) or a list"
            )
        for value in values:
            check_whole(value, name, f"the setting {name!r}")


def check_whole(value: Any, name: str, called: str = "") -> int:
    """Return what the training is told as an int.

    Raises
    ------
    DataError
        If it is none, or too small or too large.
    """
    least, most = TOLD[name]
    found = check_count(value, called or name, "sweep", least)
    if found > most:
        raise DataError(f"sweep: {called or name} must be at most {most:,}, received {found:,}")
    return found


def divided(build: Build, settings: Settings) -> tuple[Settings, Settings]:
    """Return the settings that a build takes, and those that the training is told.

    Raises
    ------
    UnknownNameError
        If neither knows a setting.
    """
    taken = inspect.signature(build).parameters
    if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        return dict(settings), {}
    told = {name: value for name, value in settings.items() if name not in taken}
    for name in told:
        if name not in TOLD:
            raise UnknownNameError("setting", name, (*taken, *TOLD))
    return {name: value for name, value in settings.items() if name in taken}, told


def symbolic(settings: Mapping[str, Any]) -> dict[str, float]:
    """Return the settings that may change while the structure stays."""
    return {name: value for name, value in settings.items() if isinstance(value, float)}


def plain_key(settings: Settings) -> Hashable:
    """Return what tells a structure as far as the other settings do."""
    floats = symbolic(settings)
    return identity({name: value for name, value in settings.items() if name not in floats})


def identity(value: Any) -> Hashable:
    """Return what is equal for equal settings: values, and objects that are one and the same."""
    if value is None or isinstance(value, int | float | str | bytes):
        return type(value), repr(value)
    if isinstance(value, dict | list | tuple):
        parts = value.items() if isinstance(value, dict) else value
        return type(value), *map(identity, parts)
    return type(value), id(value)  # which stays its own, as long as the structure holds it
