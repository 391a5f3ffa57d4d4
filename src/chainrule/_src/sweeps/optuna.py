"""Optuna, where it is asked for: loaded here, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule._src.base.extras import needs
from chainrule._src.sweeps.dashboard import distribution, labels
from chainrule._src.sweeps.dimensions import Choices, Integers
from chainrule._src.sweeps.space import Space


def optuna() -> Any:
    """Return Optuna.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    with needs("a search with a sampler, a pruner or a database", "sweeps", "optuna"):
        import optuna
    return optuna


@contextmanager
def quietly(level: str = "WARNING") -> Iterator[None]:
    """Let Optuna say nothing below a level."""
    logging = optuna().logging
    before = logging.get_verbosity()
    logging.set_verbosity(max(before, getattr(logging, level)))
    try:
        yield
    finally:
        logging.set_verbosity(before)


def distributions(space: Space) -> dict[str, Any]:
    """Return the settings that vary as Optuna's distributions."""
    kinds = optuna().distributions
    described = {name: distribution(d) for name, d in space.dimensions.items()}
    return {
        name: getattr(kinds, about["name"])(**about["attributes"])
        for name, about in described.items()
    }


def params_of(space: Space, places: list[float]) -> dict[str, Any]:
    """Return settings with the values that Optuna knows them by."""
    found: dict[str, Any] = {}
    for (name, dimension), place in zip(space.dimensions.items(), places, strict=True):
        if isinstance(dimension, Choices):
            found[name] = labels(dimension)[int(place)]
        elif place == place:
            found[name] = int(place) if isinstance(dimension, Integers) else float(place)
    return found


def places_from(space: Space, params: dict[str, Any]) -> list[float]:
    """Return where the settings of a trial are in a space."""
    found = []
    for name, dimension in space.dimensions.items():
        value = params[name]
        if isinstance(dimension, Choices):
            known = [(type(label), label) for label in labels(dimension)]
            value = known.index((type(value), value))
        found.append(float(value))
    return found
