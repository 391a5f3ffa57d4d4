"""A training job as text and pickled code, from which any machine compiles the same programs."""

from __future__ import annotations

import hashlib
import json
import pickle
import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from chainrule._src.base.config import made, plain
from chainrule._src.base.errors import DataError
from chainrule._src.base.forks import lock
from chainrule._src.base.interrupts import deferred
from chainrule._src.base.registered import known_as, own_things
from chainrule._src.cluster.group import Empty
from chainrule._src.compile.running.engines import Engine
from chainrule._src.compile.running.recorded import StepCaches
from chainrule._src.nn.network.inputs import check_labels_fit, checked_data, checked_x
from chainrule._src.nn.network.runs import make_run
from chainrule._src.nn.training.supply import Samples

JOBS = 8  # jobs that a thread caches
State = dict[str, Any]  # the parts of the carry that go from round to round


class Shuffling(NamedTuple):
    """The settings that determine the batches of an epoch; ``run`` names them in caches."""

    run: str
    batch_size: int
    seed: int
    shuffle: bool = True


@dataclass(frozen=True)
class Job:
    """A model and the settings of its training.

    Attributes
    ----------
    text : str
        The architecture, optimizer, loss and metrics, in JSON.
    code : Code
        The class of the model, and the user's own classes and functions by name.
    classes : ndarray or None
        Labels in the order of the outputs; None if the loss takes the targets as they are.
    batch_size, updates : int
        Samples of a batch; updates of all shards in the run. This number selects the engine, which
        is therefore the same on every machine.
    seed : int
    shuffle : bool
    run : str
        Unique id of a call of `fit`.
    """

    text: str
    code: PickledCode
    batch_size: int
    updates: int
    seed: int
    shuffle: bool = True
    class_weight: dict[int, float] | None = None
    classes: Any = field(default=None, compare=False)
    run: str = field(default_factory=lambda: uuid.uuid4().hex, compare=False)

    @cached_property
    def name(self) -> str:
        """The cache key: a hash of everything that `Ready` depends on."""
        classes = None if self.classes is None else (self.classes.dtype.str, self.classes.tolist())
        what = repr((self.text, self.batch_size, self.updates, self.class_weight, classes))
        return hashlib.blake2b(what.encode() + self.code.data, digest_size=16).hexdigest()

    @property
    def shuffling(self) -> Shuffling:
        """The settings that determine the batches."""
        return Shuffling(self.run, self.batch_size, self.seed, self.shuffle)

    def ready(self) -> Ready:
        """Return the model and engine of this job in this thread, from a cache if possible."""
        cache: OrderedDict[str, Ready] = vars(_here).setdefault("ready", OrderedDict())
        if self.name not in cache:
            cache[self.name] = Ready(self)
            while len(cache) > JOBS:
                cache.popitem(last=False)
        cache.move_to_end(self.name)
        return cache[self.name]


class PickledCode:
    """Classes and functions: the objects themselves in this process, bytes for other processes.

    Unpickling a class of cloudpickle's replaces the methods of an existing class by the pickled
    ones. Therefore only other processes read the bytes.

    Attributes
    ----------
    data : bytes
        References to modules, or cloudpickle's bytes for objects that no module defines.
    """

    def __init__(self, data: bytes, objects: Any = None) -> None:
        self.data, self._objects = data, objects

    @property
    def objects(self) -> Any:
        """The classes and functions themselves."""
        if self._objects is None:
            self._objects = pickle.loads(self.data)
        return self._objects

    def __reduce__(self) -> Any:
        return code_of, (self.data,)


def code_of(data: bytes, objects: Any = None) -> PickledCode:
    """Return the code with these bytes; an existing object is used again."""
    return _of_data.setdefault(data, PickledCode(data, objects))


_of_data: WeakValueDictionary[bytes, PickledCode] = WeakValueDictionary()  # of this process
_here = threading.local()
_making = lock()
_recorded: dict[str, StepCaches] = {}  # by job, shared by threads


def forget() -> None:
    """Clear this thread's cache of jobs: globals that the user's own code reads may change.

    Workers do not clear it: their globals have the values that were sent with the code.
    """
    vars(_here).pop("ready", None)
    with _making:
        _recorded.clear()


def described(model: Any) -> tuple[str, PickledCode]:
    """Return a model as text and code.

    Raises
    ------
    DataError
        If a part of it cannot be sent to other machines.
    """
    with own_things() as own_objects:
        about = {
            "model": model.get_config(), **plain(model.compile_options), "engine": model.engine
        }  # fmt: skip
        objects = type(model), dict(own_objects)
    code = pickled(objects, "a layer, loss or metric of your own")
    return json.dumps(about), code_of(code, objects)


def pickled(obj: Any, what: str) -> bytes:
    """Pickle an object for other machines.

    Raises
    ------
    DataError
        If the object cannot be pickled.
    """
    try:
        with deferred():
            from cloudpickle import dumps
    except ImportError:  # without Dask there are no other processes
        from pickle import dumps
    try:
        data: bytes = dumps(obj)
    except Exception as error:  # the object's own methods may raise anything
        raise DataError(
            f"{what} cannot be sent to other machines: {' '.join(str(error).split())[:300]}. Let "
            "it hold plain values, and open files or connections where it runs"
        ) from error
    return data


class Ready:
    """The model and the engine of a job, in one thread.

    Attributes
    ----------
    model : Sequential
    engine : Engine
        Set by `begin`.
    """

    engine: Engine

    def __init__(self, job: Job) -> None:
        self.job = job
        about = json.loads(job.text)
        kind, own_objects = job.code.objects
        with known_as(own_objects):
            self.model = kind.from_config(about.pop("model"))
            self.model.compile(**made(about))
        self.objective = self.model.objective
        self.zero: Any = None  # the sums of the metrics before the first sample
        self._forms: Any = None

    def data(self, rows: Any, where: str, empty: Empty = np.empty) -> Any:
        """Check rows, and return them in the form that a step takes."""
        X, y, *weight = rows
        model, dtype = self.model, np.dtype(self.model.dtype)
        if self.job.classes is not None:
            y = _codes(y, self.job.classes, where)
        X, y, *weight = checked_data(
            checked_x(X, model.layers, where), y, weight[0] if weight else None,
            self.job.class_weight, model.loss, where,
        )  # fmt: skip
        check_labels_fit(y, model.output_shape[-1] or 1, model.loss, where)
        if not model.layers[0].integers:
            X = _of_dtype(X, dtype, empty)
        y = y.astype(dtype if y.dtype.kind == "f" else np.int64, copy=False)
        return (X, y, *(part.astype(dtype, copy=False) for part in weight))

    def begin(self, state: State, data: Any) -> None:
        """Set the engine for data of these shapes and dtypes, and start it from a state."""
        forms = [(part.shape[1:], part.dtype) for part in data]
        if forms != self._forms:
            self.zero = self.objective.sums(data).zero
            supply = Samples(data, self.job.batch_size, None)
            supply.batch_size = self.job.batch_size  # also where the first rows are fewer
            with _making:  # only one thread records a job; the others use its recording
                recordings = _recorded.setdefault(self.job.name, {})
                while len(_recorded) > JOBS:
                    _recorded.pop(next(iter(_recorded)))
                self.engine = make_run(
                    self.objective, self.model.optimizer, supply, self.model.engine,
                    self.job.updates, recordings, False, state=state["state"],
                ).engine  # fmt: skip
            self._forms = forms
        self.engine.begin({**state, "metrics": self.zero})


def _of_dtype(array: Any, dtype: Any, empty: Empty) -> Any:
    if array.dtype == dtype:
        return array
    converted = empty(array.shape, dtype)
    converted[...] = array
    return converted


def _codes(y: Any, classes: Any, where: str) -> Any:
    """Return labels as indices into ``classes``."""
    y = np.asarray(y).ravel()
    codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    new = classes[codes] != y
    if new.any():
        raise DataError(f"{where}: y holds {y[new][0]!r}, which is none of the classes")
    return codes
