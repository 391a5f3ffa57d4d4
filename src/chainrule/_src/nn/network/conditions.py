"""The conditions of a run: a resumed run must have the same as the interrupted run."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule._src.base.config import Configurable, plain
from chainrule._src.base.errors import DataError, FileError
from chainrule._src.base.registered import full_name
from chainrule._src.core.trees import leaves, path_text
from chainrule._src.nn.training.supply import Batches, Samples

READ = 2**28  # bytes of an array that are hashed; of a larger array, rows at equal distances
RATE = "learning_rate"
LONGEST = 300  # characters of a value in a message
_ABSENT = "none"


class Conditions:
    """All settings and data that determine the bits of a run, besides model and random generator.

    Attributes
    ----------
    settings : dict
        Settings by name, as plain values.
    data : dict of str to ndarray or None
        The training data, until the run ends.
    """

    def __init__(
        self,
        model: Any,
        supply: Samples | Batches,
        validation: Samples | Batches | None,
        shuffle: bool,
    ) -> None:
        metrics, weighted = model.compiled_metrics
        self.settings = {
            "batch_size": supply.batch_size if isinstance(supply, Samples) else None,
            "steps_per_epoch": supply.updates if isinstance(supply, Samples) else supply.steps,
            "shuffle": shuffle,
            "loss": plain_form(model.loss),
            "metrics": [plain_form(metric) for metric in metrics],
            "weighted_metrics": [plain_form(metric) for metric in weighted],
            "optimizer": full_name(type(model.optimizer)),
            **dict(_options(model.optimizer)),
        }
        self.data: dict[str, Any] | None = {}
        for prefix, source in (("", supply), ("validation ", validation)):
            if isinstance(source, Samples):
                names = ("x", "y", "sample_weight")
                self.data |= {
                    prefix + path_text((name, *path)): array
                    for name, part in zip(names, source.first, strict=False)
                    for path, array in leaves(part)
                }
        at_first = getattr(model.optimizer, "__config__", {}).get(RATE)
        self._rates = [self.settings.get(RATE), plain_form(at_first)]
        self._digests: dict[str, str] | None = None

    def described(self) -> dict[str, Any]:
        """Return settings and hashes of the data as plain values; no hashes after the run."""
        if self._digests is None and self.data is not None:
            self._digests = {name: digest(array) for name, array in self.data.items()}
        return {"settings": self.settings, "data": self._digests}

    def check(self, saved: Any, rate: Any, path: Any) -> None:
        """Raise an error if a checkpoint was trained under other conditions.

        Parameters
        ----------
        found
            The value of `described` in the checkpoint.
        rate : float or None
            The learning rate in the checkpoint.
        path
            Path of the checkpoint.

        Raises
        ------
        DataError
            If conditions differ; the message lists them with the old and the new values.
        FileError
            If ``saved`` is malformed.
        """
        parts = saved if isinstance(saved, Mapping) else {}
        settings, digests = parts.get("settings"), parts.get("data")
        if not isinstance(settings, dict) or not isinstance(digests, dict | None):
            raise FileError(f"{path}: the conditions of the run must be its settings and its data")
        rates, current = [settings.get(RATE), rate], dict(self.settings)
        if any(rate_now is not None and rate_now in rates for rate_now in self._rates):
            current[RATE] = rates[0]
        differing = [*differences(settings, current)]
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


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield a text for each setting that differs between a checkpoint and the present run."""
    if old.get("optimizer") != new.get("optimizer"):  # whose options differ by class
        names = [name for name in old if name in new]
    else:
        names = list(dict.fromkeys([*old, *new]))
    for name in names:
        was, now = old.get(name, _ABSENT), new.get(name, _ABSENT)
        if was != now:
            yield f"{name} is {_text(now)}, it was {_text(was)}"


def _text(value: Any) -> str:
    config = value.get("config") if isinstance(value, Mapping) else None
    if isinstance(config, Mapping):
        options = ", ".join(f"{name}={part}" for name, part in config.items())
        value = f"{value.get('class_name')}({options})"
    return " ".join(str(value)[:LONGEST].split())


def _options(source: Any) -> Iterator[tuple[str, Any]]:
    """Yield the options of an optimizer, a loss or a metric by name."""
    attributes = vars(source)
    for name, default in getattr(source, "__config__", attributes).items():
        if not name.startswith("_"):
            yield name, plain_form(attributes.get(name, default))


def plain_form(value: Any) -> Any:
    """Return a value as plain values; a function that is not registered by its name."""
    try:
        return plain(value)
    except DataError:
        if isinstance(value, Configurable):
            return {"class_name": full_name(type(value)), "config": dict(_options(value))}
        name = getattr(value, "__qualname__", type(value).__qualname__)
        return f"{name} of {getattr(value, '__module__', None)}"


def digest(array: Any) -> str:
    """Return a text with dtype, shape and hash of an array."""
    rows = array
    if array.nbytes > READ:
        row = max(array.nbytes // len(array), 1)
        rows = array[np.linspace(0, len(array) - 1, max(READ // row, 2)).astype(np.int64)]
    digest = hashlib.blake2b(np.ascontiguousarray(rows).tobytes(), digest_size=8).hexdigest()
    return f"{array.dtype} of shape {array.shape} with digest {digest}"
