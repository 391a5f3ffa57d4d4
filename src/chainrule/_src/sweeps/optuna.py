"""Optuna, an optional dependency, which is imported here on first use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule._src.base.extras import needs
from chainrule._src.sweeps.dashboard import distribution, labels
from chainrule._src.sweeps.dimensions import Choice, IntRange
from chainrule._src.sweeps.space import Space


def optuna() -> Any:
    """Import Optuna.

    Raises
    ------
    MissingDependencyError
        If Optuna is not installed.
    """
    with needs("a search with a sampler, a pruner or a database", "sweeps", "optuna"):
        import optuna
    return optuna


@contextmanager
def quietly(level: str = "WARNING") -> Iterator[None]:
    """Context manager: suppress Optuna's log messages below a level."""
    logging = optuna().logging
    before = logging.get_verbosity()
    logging.set_verbosity(max(before, getattr(logging, level)))
    try:
        yield
    finally:
        logging.set_verbosity(before)


def distributions(space: Space) -> dict[str, Any]:
    """Return Optuna's distributions of the settings that vary."""
    kinds = optuna().distributions
    described = {name: distribution(d) for name, d in space.dimensions.items()}
    return {
        name: getattr(kinds, about["name"])(**about["attributes"])
        for name, about in described.items()
    }


def params_of(space: Space, places: list[float]) -> dict[str, Any]:
    """Convert places to the parameters of a trial of Optuna."""
    params: dict[str, Any] = {}
    for (name, dimension), number in zip(space.dimensions.items(), places, strict=True):
        if isinstance(dimension, Choice):
            params[name] = labels(dimension)[int(number)]
        elif number == number:
            params[name] = int(number) if isinstance(dimension, IntRange) else float(number)
    return params


def places_from(space: Space, params: dict[str, Any]) -> list[float]:
    """Convert the parameters of a trial to places in a space."""
    places = []
    for name, dimension in space.dimensions.items():
        value = params[name]
        if isinstance(dimension, Choice):
            typed_labels = [(type(label), label) for label in labels(dimension)]
            value = typed_labels.index((type(value), value))
        places.append(float(value))
    return places
