"""Probe a build function before a sweep: it must use its settings, and make a new model each time.

A setting that is ignored makes models that differ by chance alone, and one model for all members
learns on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from chainrule._src.sweeps.building import Build, built, divided
from chainrule._src.sweeps.fingerprint import fingerprint
from chainrule._src.sweeps.member import Member, Settings
from chainrule._src.sweeps.space import Space

MEMBERS = 40  # at which a setting is tried, at most: it may matter with some values of others
SECONDS = 1.0  # of processor time, after which no more is tried


def build_notes(build: Build, space: Space, seed: int) -> list[str]:
    """Return notes on a build that ignores settings, or returns the same model twice."""
    places = space.random(range(MEMBERS), seed)
    members = [Member(n, space.settings(row), seed) for n, row in enumerate(places.tolist())]
    end = time.thread_time() + SECONDS
    try:
        if built(build, members[0]) is None:  # the sweep says so
            return []
        if _makes_one_model(build, members[:2]):
            return [
                "build returns the same model for other settings, so that each member trains what "
                "the one before it left; build a new model in each call"
            ]
        names = list(_varying(build, members))
        describe = _describer(build)
        ignored = [name for name in names if _is_ignored(describe, members, name, end)]
    except Exception:  # the sweep reports what build raises
        return []
    if not ignored:
        return []
    quoted, verb = ", ".join(map(repr, ignored)), "change" if len(ignored) > 1 else "changes"
    return [f"{quoted} {verb} nothing in what build returns; does it use each of its arguments?"]


def _makes_one_model(build: Build, members: list[Member]) -> bool:
    models = [built(build, member) for member in members]  # both are kept: no id is used again
    first, second = (m[0] if isinstance(m, tuple) and m else m for m in models)
    return first is second and hasattr(first, "fit")


def _varying(build: Build, members: list[Member]) -> Iterator[str]:
    """Yield the arguments of build that have several values."""
    for name in divided(build, members[0].settings)[0]:
        if len({repr(member.settings.get(name)) for member in members}) > 1:
            yield name


def _is_ignored(
    describe: Callable[[Member], Any], members: list[Member], name: str, end: float
) -> bool:
    """Return true if no other value of a setting made a difference."""
    n_tried = 0
    for base in members:
        for other in _others(base.settings, members, name):
            if time.thread_time() > end:
                return False
            changed = base._replace(settings={**base.settings, name: other})
            if describe(base) != describe(changed):
                return False
            n_tried += 1
    return n_tried > 0


def _others(settings: Settings, members: list[Member], name: str) -> list[Any]:
    """Return another value of a setting, in a list; an empty list if there is none."""
    values = {repr(member.settings[name]): member.settings[name] for member in members
              if name in member.settings}  # fmt: skip
    if name not in settings:
        return []
    values.pop(repr(settings[name]), None)
    return list(values.values())[:1]


def _describer(build: Build) -> Callable[[Member], Any]:
    """Return a function that builds a member's model, unless it has, and describes the model."""
    descriptions: dict[str, Any] = {}

    def describe(member: Member) -> Any:
        key = repr(member)
        if key not in descriptions:
            descriptions[key] = _description(built(build, member))
        return descriptions[key]

    return describe


def _description(model: Any) -> Any:
    """Return a value that is equal for models that are built alike."""
    if hasattr(model, "get_config") and hasattr(model, "get_weights"):
        weights = [weight.tobytes() for weight in model.get_weights()] if model.built else []
        parts = (model.get_config(), model.optimizer, model.loss)
        return [*map(fingerprint, parts), weights]
    if hasattr(model, "get_params"):
        return fingerprint(dict(model.get_params()))
    if isinstance(model, tuple):
        return [part if isinstance(part, str) else fingerprint(part) for part in model]
    return fingerprint(model)
