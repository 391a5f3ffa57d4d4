"""Every road that a configuration can go, and what they must agree on."""

from __future__ import annotations

import importlib.util
import os
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tests.compile.wasm.host import in_wasm
from tests.export.web.node import NODE, run
from tests.fuzz.networks.configuration import Configuration
from tests.fuzz.networks.keras_on_torch import End, Judge, ends, weights_of
from tests.fuzz.programs import Failure

import chainrule as cr
from chainrule.errors import DivergenceError, ExportError

RUNS, SOME, MANY = (
    2,
    6,
    16,
)  # of the judge, to find out how far rounding leads; before a road is blamed
LARGE = 1e15  # whose squares are almost too large for float32
SHARP = 0.01  # of the largest entry: a wider bound says little
PAGE = """
const histories = [];
for (let i = 0; i < input.fits; i++)
  histories.push(await net.train(input.X.slice(0, input.rows), input.y, input.options));
return { histories, predictions: await net.predict(input.X), weights: net.weights };
"""
KINK = 1e-6  # of the largest entry: roundings in float64 lead so far from a kink alone


def judge(configuration: Configuration) -> Counter[str]:
    """Send a configuration down every road.

    Raises
    ------
    Failure
        If one leads elsewhere.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return Roads(configuration).travelled()
        except Failure:
            raise
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            at = next((f for f in reversed(frames) if "chainrule" in f.filename), frames[-1])
            road = f"{Path(at.filename).name}, {at.name}"
            raise Failure(road, f"raises {type(error).__name__}", str(error)) from error


class Roads:
    """All that is tried with one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration, self.data = configuration, configuration.data()
        self.counts: Counter[str] = Counter()

    def travelled(self) -> Counter[str]:
        """Go all roads."""
        model = self.configuration.compiled_model("float32")
        if not model.network.params:
            return Counter({"nothing to train": 1})
        self.start = weights_of(model)
        self.keras = Judge(self.configuration, self.start)
        largest = max(np.max(np.abs(v), initial=0) for v in self.keras.exact.values())
        try:
            double, single = (self._end(dtype) for dtype in ("float64", "float32"))
        except DivergenceError as error:
            if largest < LARGE and self.keras.largest() < LARGE:
                raise Failure("fit", "diverges where the judge does not", str(error)) from error
            return Counter({"diverged": 1})
        if not np.isfinite(largest):
            return Counter({"the judge alone diverges": 1})  # of vectors of zeros, for instance
        self._judged("float64", double, "float64")
        self._judged("float32", single, "float32")
        if self.configuration.compiled:
            one = self._end("float32", "compiled")
            self._judged("compiled", one, "float32")
            self._same("compiled for two threads", self._end("float32", "compiled", 2), one)
            with in_wasm():
                self._judged("wasm", self._end("float32", "compiled"), "float32")
            with tempfile.TemporaryDirectory() as folder:
                self._in_a_page(Path(folder) / "net.mjs")
            self.counts["compiled"] += 1
        self._same("fit twice", self._end("float32"), single)
        with tempfile.TemporaryDirectory() as folder:
            self._from_trained(Path(folder))
        self.counts["judged"] += 1
        return self.counts

    def _end(self, dtype: str, engine: str = "numpy", threads: int = 1) -> End:
        with of_threads(threads):
            return ends(self._at_start(dtype, engine), self.configuration, self.data)

    def _at_start(self, dtype: str, engine: str = "numpy") -> Any:
        model = self.configuration.compiled_model(dtype, engine)
        for weight, value in zip(weights_of(model), self.start, strict=True):
            weight[...] = value
        return model

    def _in_a_page(self, path: Path) -> None:
        """Train and predict in a web module, which knows neither weights of samples nor others."""
        configuration, exact = self.configuration, self.keras.exact
        if configuration.weighted or NODE is None:
            return
        model = self._at_start("float32")
        try:
            model.export(path, training=True, batch_size=configuration.batch_size)
        except ExportError as error:
            self.counts[f"page: {error}"] += 1
            return
        k, options = configuration.samples, {"epochs": configuration.epochs, "shuffle": False}
        found = run(
            path, PAGE, X=self.data["X"], y=self.data["y"][:k], rows=k, fits=configuration.fits,
            options={**options, "batchSize": configuration.batch_size},
        )  # fmt: skip
        end = {
            f"{score} of fit {number}": np.array(values, float)
            for number, history in enumerate(found["histories"])
            for score, values in history.items()
        }
        for name, values in found["weights"].items():
            weight = model.network.weights[name]
            weight[...] = np.reshape(values, weight.shape)
        for number, weight in enumerate(weights_of(model)):
            end[f"weight {number}"] = np.asarray(weight, np.float64)
        end["predictions"] = np.reshape(found["predictions"], exact["predictions"].shape)
        self._judged("page", end, "float32", {name: exact[name] for name in end})
        self.counts["in a page"] += 1

    def _tells_nothing(self) -> bool:
        """Whether a rounding in float64 changes what one may see: where weights sit on a kink."""
        exact, bounds = self.keras.exact, self.keras.bound("float64", MANY)
        return any(bounds[n] > KINK * np.max(np.abs(exact[n]), initial=1e-3) for n in exact)

    def _judged(self, road: str, end: End, dtype: str, exact: End | None = None) -> None:
        """Hold an end against the judge's, or a part of it: within what rounding may do."""
        exact = self.keras.exact if exact is None else exact
        shapes, expected = ({n: v.shape for n, v in e.items()} for e in (end, exact))
        if shapes != expected:
            raise Failure(road, "other scores or shapes", f"{shapes} instead of {expected}")
        for runs in (RUNS, MANY):
            bounds = self.keras.bound(dtype, runs)
            off = {name: distance(end[name], exact[name]) for name in end}
            wrong = [name for name in end if not off[name] <= bounds[name] < np.inf]
            if not wrong:
                break
        else:
            name = wrong[0]
            if self._tells_nothing():
                self.counts[f"{road}: the judge's own roundings decide"] += 1
            elif np.isfinite(bounds[name]):
                detail = f"{name} is {off[name]:.3g} off, {bounds[name]:.3g} allowed"
                raise Failure(road, f"other {name.split()[0]}", detail)
        self._told(road, max((off[n] / bounds[n] for n in end if bounds[n]), default=0.0))
        if any(bounds[n] > SHARP * np.max(np.abs(exact[n]), initial=1e-3) for n in end):
            self.counts[f"{road}: rounding changes the first digits"] += 1

    def _told(self, road: str, share: float) -> None:
        """Count how near to its bound a road comes."""
        if share > 0.5:
            self.counts[f"{road}: over half of what is allowed"] += 1

    def _same(self, road: str, one: End, other: End) -> None:
        for name, value in one.items():
            self._equal(road, value, other[name], name)

    def _equal(self, road: str, one: Any, other: Any, name: str) -> None:
        if np.asarray(one).tobytes() != np.asarray(other).tobytes():
            raise Failure(road, "other bits", f"{name} is {distance(one, other):.3g} off")

    def _near(self, road: str, one: Any, other: Any, room: float) -> None:
        if np.shape(one) != np.shape(other):
            raise Failure(road, "another shape", f"{np.shape(one)}, not {np.shape(other)}")
        off = distance(one, other)
        if not off <= room:
            raise Failure(road, "other numbers", f"{off:.3g} off, {room:.3g} allowed")
        self._told(road, off / room if room else 0.0)

    # Roads of a trained model

    def _from_trained(self, folder: Path) -> None:
        model, X = self.configuration.compiled_model("float32"), self.data["X"]
        ends(model, self.configuration, self.data)
        expected = model.predict(X)
        model.save(folder / "model.safetensors")
        loaded = cr.load_model(folder / "model.safetensors")
        self._equal("save and load", loaded.predict(X), expected, "the prediction")
        self._evaluated(model)
        self._resumed(folder)
        room = self.keras.room(weights_of(model), X, SOME)
        self._near("predict one by one", loaded.predict(X, batch_size=1), expected, room)
        self._near("predict one by one", loaded.predict(X, batch_size=1), expected, room)
        self._near("eject", ejected(model, folder, X), expected, room)
        self._near("onnx", in_onnx_runtime(model, folder, X), expected, room)

    def _evaluated(self, model: Any) -> None:
        """Score in batches of several sizes; what is no mean of the samples depends on them."""
        options = self.configuration.loss.arguments
        if (
            options.get("reduction") in ("sum", "mean_with_sample_weight")
            or "ignore_class" in options
        ):
            return
        X, y = self.data["X"], self.data["y"]
        weight = {"sample_weight": self.data["weight"]} if "weight" in self.data else {}
        whole = model.evaluate(X, y, return_dict=True, **weight)
        room = self.keras.room_of_scores(weights_of(model), SOME)
        for size in (1, 3):
            for name, part in model.evaluate(X, y, size, return_dict=True, **weight).items():
                self._near(f"{name} in small batches", part, whole[name], room[name])

    def _resumed(self, folder: Path) -> None:
        """Train an epoch, save, and go on from the file."""
        configuration, k, path = self.configuration, self.configuration.fitted, folder / "kept"
        if configuration.epochs == 1:
            return
        arguments = {**configuration.arguments(), "shuffle": True}
        if "weight" in self.data:
            arguments["sample_weight"] = self.data["weight"][:k]
        given = self.data["X"][:k], self.data["y"][:k]
        whole, begun, resumed = (configuration.compiled_model("float32") for _ in range(3))
        whole.fit(*given, **arguments)
        keep = cr.callbacks.ModelCheckpoint(path, monitor="loss")
        begun.fit(*given, **arguments | {"epochs": 1}, callbacks=[keep])
        resumed.fit(*given, **arguments, resume_from=path)
        for name, one, other in zip(
            whole.network.weights, whole.get_weights(), resumed.get_weights(), strict=False
        ):
            self._equal("resume", other, one, name)


def distance(one: Any, other: Any) -> float:
    """Return the largest difference."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    return float(np.max(np.abs(one - other), initial=0))


@contextmanager
def of_threads(count: int) -> Iterator[None]:
    """Let kernels be shared out among so many threads."""
    before = os.environ.get("CHAINRULE_NUM_THREADS")
    os.environ["CHAINRULE_NUM_THREADS"] = str(count)
    try:
        yield
    finally:
        os.environ.pop("CHAINRULE_NUM_THREADS")
        if before is not None:
            os.environ["CHAINRULE_NUM_THREADS"] = before


def ejected(model: Any, folder: Path, X: Any) -> Any:
    """Return what an ejected model predicts."""
    path = folder / "ejected.py"
    model.eject(path)
    spec = importlib.util.spec_from_file_location("ejected", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.predict(module.load(), X)


def in_onnx_runtime(model: Any, folder: Path, X: Any) -> Any:
    """Return what an exported model predicts."""
    import onnxruntime

    path = folder / "model.onnx"
    model.export(path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    session = onnxruntime.InferenceSession(str(path), options)
    (given,) = session.get_inputs()
    kind = np.int64 if "int64" in given.type else np.int32 if "int" in given.type else np.float32
    return session.run(None, {given.name: X.astype(kind)})[0]
