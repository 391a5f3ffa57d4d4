"""What a run that goes on must have in common with the one that it goes on from."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule._src.base.config import Configurable, plain
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.base.registered import full_name
from chainrule._src.nn.training.supply import Batches, Samples

READ = 2**28  # bytes of an array that are compared; of a larger one, rows here and there
RATE = "learning_rate"
LONGEST = 300  # characters of a value in a message
_ABSENT = "none"


class Conditions:
    """All that decides the bits of a run besides the model and its random generator.

    Attributes
    ----------
    settings : dict
        By name, as plain values.
    data : dict of str to ndarray or None
        What is trained on, while the run lasts.
    """

    def __init__(
        self, model: Any, supply: Samples | Batches, held: Samples | Batches | None, shuffle: bool
    ) -> None:
        metrics, weighted = model.compiled_metrics
        self.settings = {
            "batch_size": supply.batch_size if isinstance(supply, Samples) else None,
            "steps_per_epoch": supply.updates if isinstance(supply, Samples) else supply.steps,
            "shuffle": shuffle,
            "loss": told(model.loss),
            "metrics": [told(metric) for metric in metrics],
            "weighted_metrics": [told(metric) for metric in weighted],
            "optimizer": full_name(type(model.optimizer)),
            **dict(_options(model.optimizer)),
        }
        self.data: dict[str, Any] | None = {}
        for prefix, source in (("", supply), ("validation ", held)):
            if isinstance(source, Samples):
                names = ("x", "y", "sample_weight")
                self.data |= {
                    prefix + name: a for name, a in zip(names, source.first, strict=False)
                }
        at_first = getattr(model.optimizer, "__config__", {}).get(RATE)
        self._rates = [self.settings.get(RATE), told(at_first)]
        self._digests: dict[str, str] | None = None

    def described(self) -> dict[str, Any]:
        """Return plain values for a checkpoint; without the data where the run is over."""
        if self._digests is None and self.data is not None:
            self._digests = {name: digest(array) for name, array in self.data.items()}
        return {"settings": self.settings, "data": self._digests}

    def check(self, found: Any, rate: Any, path: Any) -> None:
        """Refuse to go on from what was trained otherwise.

        Parameters
        ----------
        found
            What `described` returned then.
        rate : float or None
            The learning rate that training had come to.
        path
            Of the checkpoint.

        Raises
        ------
        DataError
            Naming all that differs, with what it was and what it is.
        FileError
            If ``found`` is none of that.
        """
        parts = found if isinstance(found, Mapping) else {}
        settings, digests = parts.get("settings"), parts.get("data")
        if not isinstance(settings, dict) or not isinstance(digests, dict | None):
            raise FileError(f"{path}: the conditions of the run must be its settings and its data")
        rates, ours = [settings.get(RATE), rate], dict(self.settings)
        if any(mine is not None and mine in rates for mine in self._rates):
            ours[RATE] = rates[0]
        differing = [*differences(settings, ours)]
        if digests is not None:
            differing += differences(digests, self.described()["data"])
        if differing:
            raise DataError(
                f"fit: {path} can go on, to the bit, only under the conditions of its training; "
                f"here {'; '.join(differing)}. Give the same, or leave resume_from out "
                "(remove the backup): load_model(path) has the weights, for another run"
            )
        if self.settings.get(RATE) not in rates:
            warnings.warn(
                f"fit: the learning rate goes on with {rates[1]}, as in {path}; it was set to "
                f"{self.settings.get(RATE)}",
                stacklevel=4,
            )
        self.settings = settings


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """Yield what differs, each with what it is here and what it was there."""
    if there.get("optimizer") != here.get("optimizer"):  # which has options of its own
        names = [name for name in there if name in here]
    else:
        names = list(dict.fromkeys([*there, *here]))
    for name in names:
        was, now = there.get(name, _ABSENT), here.get(name, _ABSENT)
        if was != now:
            yield f"{name} is {_text(now)}, it was {_text(was)}"


def _text(value: Any) -> str:
    config = value.get("config") if isinstance(value, Mapping) else None
    if isinstance(config, Mapping):
        options = ", ".join(f"{name}={part}" for name, part in config.items())
        value = f"{value.get('class_name')}({options})"
    return " ".join(str(value)[:LONGEST].split())


def _options(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield the options of an optimizer, a loss or a metric by name."""
    held = vars(thing)
    for name, given in getattr(thing, "__config__", held).items():
        if not name.startswith("_"):
            yield name, told(held.get(name, given))


def told(thing: Any) -> Any:
    """Return a thing as plain values; a function of one's own by its name."""
    try:
        return plain(thing)
    except DataError:
        if isinstance(thing, Configurable):
            return {"class_name": full_name(type(thing)), "config": dict(_options(thing))}
        name = getattr(thing, "__qualname__", type(thing).__qualname__)
        return f"{name} of {getattr(thing, '__module__', None)}"


def digest(array: Any) -> str:
    """Return what tells arrays apart."""
    rows = array
    if array.nbytes > READ:
        row = max(array.nbytes // len(array), 1)
        rows = array[np.linspace(0, len(array) - 1, max(READ // row, 2)).astype(np.int64)]
    digest = hashlib.blake2b(np.ascontiguousarray(rows).tobytes(), digest_size=8).hexdigest()
    return f"{array.dtype} of shape {array.shape} with digest {digest}"
