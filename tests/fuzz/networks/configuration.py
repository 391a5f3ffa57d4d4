"""A network, how it is trained and on what, as plain values: made, made smaller, printed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any

import numpy as np

import chainrule as cr

# The names that samples and targets are written with, so that what is printed is what ran.
TARGETS = {
    "labels": "rng.integers({k}, size={rows})",
    "labels as floats": "rng.integers({k}, size={rows}).astype('f4')",
    "one-hot": "np.eye({k}, dtype='f4')[rng.integers({k}, size={rows})]",
    "bits": "rng.integers(2, size={shape}).astype('f4')",
    "signs": "2 * rng.integers(2, size={shape}).astype('f4') - 1",
    "probabilities": "rng.dirichlet(np.ones({k}), size={rows}).astype('f4')",
    "numbers": "rng.normal(size={shape}).astype('f4')",
    "positive": "rng.uniform(0.5, 3, size={shape}).astype('f4')",
    "counts": "rng.poisson(2, size={shape}).astype('f4')",
}


@dataclass(frozen=True)
class Call:
    """A call by name, the same in chainrule and Keras: ``Call("layers.Dense", {"units": 3})``."""

    name: str
    arguments: dict[str, Any]

    def made(self, module: Any) -> Any:
        """Return what the call gives, its arguments made first."""
        arguments = {
            name: value.made(module) if isinstance(value, Call) else value
            for name, value in self.arguments.items()
        }
        return attrgetter(self.name)(module)(**arguments)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"cr.{self.name}({arguments})"

    def smaller(self) -> Iterator[Call]:
        """Give calls with an argument less."""
        for name, value in self.arguments.items():
            yield Call(self.name, {n: v for n, v in self.arguments.items() if n != name})
            if isinstance(value, Call):
                yield from (
                    Call(self.name, {**self.arguments, name: less}) for less in value.smaller()
                )


@dataclass(frozen=True)
class Configuration:
    """What is drawn.

    Attributes
    ----------
    layers : tuple of Call
        The first is an Input.
    loss, optimizer : Call
    targets : str
        One of `TARGETS`.
    metrics, weighted_metrics : tuple of str
    samples, batch_size, epochs : int
    held : int
        Samples that are scored after every epoch.
    weighted : {"", "sample_weight", "class_weight"}
    vocabulary : int
        Of samples that are whole numbers; 0 where they are floats.
    compiled : bool
        Whether the compiled engine trains it as well.
    fits : int
        How many times `fit` is called.
    split : bool
        Whether `fit` is to hold those back itself.
    seed : int
        Of weights and data.
    """

    layers: tuple[Call, ...]
    loss: Call
    optimizer: Call
    targets: str
    metrics: tuple[str, ...] = ()
    weighted_metrics: tuple[str, ...] = ()
    samples: int = 8
    batch_size: int = 4
    epochs: int = 1
    held: int = 0
    weighted: str = ""
    vocabulary: int = 0
    compiled: bool = False
    fits: int = 1
    split: bool = False
    seed: int = 0

    def model(self, dtype: str = "float32") -> Any:
        """Return a new network."""
        return cr.Sequential([layer.made(cr) for layer in self.layers], dtype=dtype, seed=self.seed)

    def compiled_model(self, dtype: str, engine: str = "numpy") -> Any:
        """Return a network that is ready to be trained."""
        model = self.model(dtype)
        model.compile(self.optimizer.made(cr), self.loss.made(cr), metrics=[*self.metrics],
                      weighted_metrics=[*self.weighted_metrics], engine=engine)  # fmt: skip
        return model

    def data_source(self, shape: tuple[int, ...], outputs: tuple[int, ...]) -> list[str]:
        """Return the lines that make samples, for a network from ``shape`` to ``outputs``."""
        n = self.samples + self.held
        rows = (n, *outputs[:-1])
        samples = f"rng.normal(size={(n, *shape)}).astype('f4')"
        if self.vocabulary:
            samples = f"rng.integers({self.vocabulary}, size={(n, *shape)})"
        targets = TARGETS[self.targets].format(k=outputs[-1], rows=rows, shape=(n, *outputs))
        lines = [f"rng = np.random.default_rng({self.seed})", f"X = {samples}", f"y = {targets}"]
        if self.weighted == "sample_weight":
            lines.append(f"weight = rng.uniform(0.1, 2, size={n})")
        return lines

    def data(self) -> dict[str, Any]:
        """Return samples, targets and perhaps weights, those held back last."""
        model = self.model()
        names: dict[str, Any] = {"np": np}
        exec("\n".join(self.data_source(model.input_shape[1:], model.output_shape[1:])), names)
        return {name: names[name] for name in ("X", "y", "weight") if name in names}

    @property
    def fitted(self) -> int:
        """How many samples `fit` is given."""
        return self.samples + self.held * self.split

    @property
    def axes(self) -> int:
        """How many axes a sample's losses have: 1 for a row of predictions a time step."""
        return len(self.model().output_shape) - 2

    def arguments(self) -> dict[str, Any]:
        """Return what `fit` is called with besides the data."""
        given: dict[str, Any] = {
            "batch_size": self.batch_size, "epochs": self.epochs, "shuffle": False, "verbose": 0,
        }  # fmt: skip
        if self.split:
            given["validation_split"] = (self.held - 0.5) / (self.samples + self.held)
        if self.weighted == "class_weight":
            given["class_weight"] = {0: 0.3, 1: 2.0}
        return given

    def __str__(self) -> str:
        """Write a program that trains it."""
        model = self.model()
        k, is_weighted = self.fitted, self.weighted == "sample_weight"
        weight, held = f", sample_weight=weight[:{k}]" * is_weighted, ""
        if self.held and not self.split:
            names = ["X", "y", *["weight"] * is_weighted]
            held = f", validation_data=({', '.join(f'{name}[{k}:]' for name in names)})"
        given = f"X[:{k}], y[:{k}]"
        options = ", ".join(f"{name}={value!r}" for name, value in self.arguments().items())
        return "\n".join(
            [
                "import numpy as np",
                "import chainrule as cr",
                *self.data_source(model.input_shape[1:], model.output_shape[1:]),
                "model = cr.Sequential([",
                *(f"    {layer!r}," for layer in self.layers),
                f"], seed={self.seed})",
                f"model.compile({self.optimizer!r}, {self.loss!r}, {[*self.metrics]!r}, "
                f"{[*self.weighted_metrics]!r}, engine='numpy')",
                *[f"print(model.fit({given}{weight}{held}, {options}).history)"] * self.fits,
            ]
        )

    def smaller(self) -> Iterator[Configuration]:
        """Give configurations with a layer or an option less, the largest steps first."""
        for at in range(1, len(self.layers)):
            yield replace(self, layers=self.layers[:at] + self.layers[at + 1 :])
        for field in fields(self):
            if getattr(self, field.name) and field.name in (
                "metrics", "weighted_metrics", "held", "weighted", "compiled", "split"
            ):  # fmt: skip
                yield replace(self, **{field.name: field.default})
        for name, least in (("epochs", 1), ("fits", 1), ("samples", 1), ("batch_size", 1)):
            now = getattr(self, name)
            yield from (
                replace(self, **{name: n}) for n in {least, now // 2, now - 1} if 0 < n < now
            )
        if self.optimizer.name != "optimizers.SGD":
            yield replace(self, optimizer=Call("optimizers.SGD", {"learning_rate": 0.1}))
        if self.loss.name != "losses.MeanSquaredError":
            loss = Call("losses.MeanSquaredError", {})
            yield replace(self, loss=loss, targets="numbers", metrics=(), weighted_metrics=())
        for name in ("loss", "optimizer"):
            yield from (replace(self, **{name: less}) for less in getattr(self, name).smaller())
        for at, layer in enumerate(self.layers):
            for less in layer.smaller():
                yield replace(self, layers=(*self.layers[:at], less, *self.layers[at + 1 :]))


def quiet() -> None:
    """See that libraries take one thread each, and Keras runs on PyTorch; before they are there."""
    os.environ["KERAS_BACKEND"] = "torch"
    os.environ.setdefault("OMP_NUM_THREADS", "1")
