"""The judge: Keras on PyTorch in float64, and how far rounding may lead away from it.

How far is measured, not guessed: the judge runs again with every result of its arithmetic off by
one unit in the last place at random (Parker, *Monte Carlo Arithmetic*, 1997). What such runs end
with lies about the exact end as any honest float computation does.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import torch
import torch.nn.functional as functional
from keras.src import backend
from keras.src.backend.common import dtypes
from tests.fuzz.networks.configuration import Configuration
from torch.utils._python_dispatch import TorchDispatchMode

import chainrule as cr
from chainrule._src.ops.random import random_uniform

keras.config.set_floatx("float64")
dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # else Keras mixes PyTorch's float64 to float32
torch.set_num_threads(1)
# PyTorch's own round from 20 on, divide by a six of float32 in the gradient, have another at 0.
functional.leaky_relu = lambda x, negative_slope: torch.where(x >= 0, x, negative_slope * x)
functional.softplus = lambda x: torch.logaddexp(x, torch.zeros_like(x))
backend.nn.hard_sigmoid = lambda x: torch.clamp(backend.convert_to_tensor(x) + 3, 0, 6) / 6


def convolved(x: Any, kernel: Any, *others: Any, **options: Any) -> Any:
    """Return PyTorch's convolution; in float64 it refuses gradients of transposed kernels."""
    return conv2d(x, kernel.clone(memory_format=torch.contiguous_format), *others, **options)


def pooled(x: Any, kernel_size: Any, stride: Any, padding: Any = 0) -> Any:
    """Return the largest numbers of windows; equal ones share the gradient, as in NumPy's max."""
    around = [padding] * len(kernel_size) if isinstance(padding, int) else padding
    ends = [size for each in reversed(around) for size in (each, each)]
    x = functional.pad(x, ends, value=-torch.inf)
    for axis, (size, step) in enumerate(zip(kernel_size, stride, strict=True), 2):
        x = x.unfold(axis, size, step)
    return torch.amax(x, tuple(range(-len(kernel_size), 0)))


def summed(data: Any, segment_ids: Any, num_segments: int, sorted: bool = False) -> Any:  # noqa: A002
    """Return the sums of segments; Keras's are of float32."""
    return data.new_zeros(num_segments).index_add(0, segment_ids, data)


def normalised(x: Any, shape: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
    """Return PyTorch's layer normalisation step by step, so that each of its steps rounds."""
    axes = tuple(range(-len(shape), 0))
    centred = x - torch.mean(x, axes, keepdim=True)
    spread = torch.sqrt(torch.mean(centred**2, axes, keepdim=True) + epsilon)
    scaled = centred / spread if gamma is None else centred / spread * gamma
    return scaled if beta is None else scaled + beta


def of_logits(entropy: Any) -> Any:
    """Return a cross-entropy that takes logits where they are known, as with TensorFlow."""

    def taken(target: Any, output: Any, from_logits: bool = False, **options: Any) -> Any:
        logits = getattr(output, "_keras_logits", None)
        output = output if logits is None else logits
        return entropy(target, output, from_logits or logits is not None, **options)

    return taken


for name in ("binary", "categorical", "sparse_categorical"):
    entropy = getattr(backend.nn, f"{name}_crossentropy")
    setattr(backend.nn, f"{name}_crossentropy", of_logits(entropy))
conv2d, functional.conv2d = functional.conv2d, convolved
functional.max_pool1d = functional.max_pool2d = pooled
functional.layer_norm = normalised
backend.math.segment_sum = summed

UNITS = {"float32": 2.0**-23, "float64": 2.0**-52}
# What only moves, chooses or compares numbers is exact.
EXACT = {
    "_to_copy", "abs", "amax", "amin", "arange", "argsort", "cat", "ceil", "clamp", "clone",
    "constant_pad_nd", "copy", "detach", "embedding", "empty", "empty_like", "eq", "fill",
    "floor", "full", "full_like", "gather", "ge", "gt", "index", "index_select", "le",
    "lift_fresh", "linspace", "logical_not", "lt", "max", "max_pool2d_with_indices",
    "max_pool2d_with_indices_backward", "maximum", "min", "minimum", "ne", "neg", "one_hot",
    "ones", "ones_like", "randint", "relu", "round", "scalar_tensor", "scatter", "sign", "sort",
    "stack", "threshold_backward", "topk", "where", "zero", "zeros", "zeros_like",
}  # fmt: skip
End = dict[str, np.ndarray]  # what a run ends with: scores, predictions, weights


class Dropout(keras.layers.Layer):
    """Leaves out what chainrule's layer leaves out: its masks are a function of seed and count."""

    def __init__(self, rate: float, seed: int) -> None:
        super().__init__()
        self.rate, self.draws, self.calls = rate, seed, 0

    def call(self, x: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return x
        kept = random_uniform(self.draws, self.calls, tuple(x.shape)) >= self.rate
        self.calls += 1
        return x * torch.as_tensor(kept / (1 - self.rate))


PARTS = SimpleNamespace(
    layers=SimpleNamespace(**{**vars(keras.layers), "Dropout": Dropout}),
    losses=keras.losses, optimizers=keras.optimizers, regularizers=keras.regularizers,
    schedules=keras.optimizers.schedules,
)  # fmt: skip


class Rounded(TorchDispatchMode):
    """Lets every result be off by one unit in the last place, up or down at random."""

    def __init__(self, unit: float, seed: int) -> None:
        super().__init__()
        self.unit, self.generator = unit, torch.Generator().manual_seed(seed)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        schema = func._schema
        name = schema.name.removeprefix("aten::").removeprefix("_foreach_").removesuffix("_")
        if not self.unit or name in EXACT:
            return result
        aliases = any(returned.alias_info is not None for returned in schema.returns)
        changed: list[Any] = []
        if schema.is_mutable:
            for argument, given in zip(schema.arguments, args, strict=False):
                if argument.alias_info is not None and argument.alias_info.is_write:
                    changed += [given]
        elif not aliases:
            changed = [result]
        for part in torch.utils._pytree.tree_leaves(changed):
            if isinstance(part, torch.Tensor) and part.dtype == torch.float64 and part.numel():
                self._disturb(part)
        return result

    def _disturb(self, part: torch.Tensor) -> None:
        if part.ndim == 0 and part == torch.round(part):
            return  # a count, which is exact
        signs = torch.randint(0, 2, part.shape, generator=self.generator, dtype=part.dtype)
        part.mul_(1 + self.unit * (2 * signs - 1))


class Largest(TorchDispatchMode):
    """Remembers the largest finite number that is computed."""

    number = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for part in torch.utils._pytree.tree_leaves(result):
            if isinstance(part, torch.Tensor) and part.dtype == torch.float64 and part.numel():
                sizes = torch.nan_to_num(part.detach().abs(), 0.0, 0.0)
                self.number = max(self.number, float(sizes.max()))
        return result


class Judge:
    """Trains a configuration in Keras.

    Parameters
    ----------
    configuration : Configuration
    start : list of ndarray
        The weights to start from, as chainrule gives them.
    """

    def __init__(self, configuration: Configuration, start: list[np.ndarray]) -> None:
        self.configuration, self.start = configuration, start
        self.data = {
            name: part.astype(np.float64) if part.dtype.kind == "f" else part
            for name, part in configuration.data().items()
        }
        if "weight" in self.data:  # a sample's weight is that of each of its values
            self.data["weight"] = self.data["weight"].reshape(-1, *[1] * configuration.axes)
        self.ends: dict[tuple[str, int], End] = {}
        self.exact = self.run()

    def run(self, unit: float = 0.0, seed: int = 0) -> End:
        """Return the end of a run whose roundings are of one unit."""
        return self._run(Rounded(unit, seed), unit, seed)

    def largest(self) -> float:
        """Return the largest number that is computed, also within layers."""
        mode = Largest()
        self._run(mode, 0.0, 0)
        return mode.number

    def _run(self, mode: TorchDispatchMode, unit: float, seed: int) -> End:
        model = self._model(self.start, unit, seed)
        self._compile(model)
        with mode:
            return ends(model, self.configuration, self.data)

    def _compile(self, model: Any) -> None:
        configuration = self.configuration
        model.compile(
            configuration.optimizer.made(PARTS), configuration.loss.made(PARTS),
            metrics=[*configuration.metrics], weighted_metrics=[*configuration.weighted_metrics],
            run_eagerly=True, jit_compile=False,
        )  # fmt: skip

    def _model(self, weights: list[np.ndarray], unit: float, seed: int) -> Any:
        """Return the network in Keras, with weights that are off by a unit."""
        model = keras.Sequential([layer.made(PARTS) for layer in self.configuration.layers])
        rng = np.random.default_rng(seed)
        model.set_weights(
            [w.astype(np.float64) * (1 + unit * rng.choice([-1, 1], w.shape)) for w in weights]
        )
        return model

    def room(self, weights: list[np.ndarray], X: Any, runs: int) -> float:
        """Return how far two predictions in float32 from these weights may be apart."""

        def predicted(model: Any) -> End:
            return {"": np.asarray(model.predict_on_batch(X.astype(np.float64)))}

        return self._apart(predicted, weights, runs)[""]

    def room_of_scores(self, weights: list[np.ndarray], runs: int) -> dict[str, float]:
        """Return how far two evaluations of all samples may be apart, score by score."""
        weighted = {"sample_weight": self.data["weight"]} if "weight" in self.data else {}

        def evaluated(model: Any) -> End:
            self._compile(model)
            given = self.data["X"], self.data["y"]
            found = model.evaluate(*given, verbose=0, return_dict=True, **weighted)
            return {name: np.asarray(value, float) for name, value in found.items()}

        return self._apart(evaluated, weights, runs)

    def _apart(
        self, found_by: Callable[[Any], End], weights: list[np.ndarray], runs: int
    ) -> dict[str, float]:
        unit, found = UNITS["float32"], []
        for seed in range(runs + 1):
            model = self._model(weights, unit if seed else 0, seed)
            with Rounded(unit if seed else 0, seed):
                found.append(found_by(model))
        return {
            name: 8 * (max(_spread(each[name], exact) for each in found[1:])
                       + unit * float(np.max(np.abs(exact))))
            for name, exact in found[0].items()
        }  # fmt: skip

    def bound(self, dtype: str, runs: int) -> dict[str, float]:
        """Return how far a run in this dtype may end away from the exact one.

        ``4`` times what the farthest of some random runs did: their largest is near the standard
        deviation, and sums of many terms round more often than the judge does.
        """
        unit = UNITS[dtype]
        for seed in range(runs):
            if (dtype, seed) not in self.ends:
                self.ends[dtype, seed] = self.run(unit, seed + 1)
        return {
            name: 4 * (max(_spread(self.ends[dtype, seed][name], exact) for seed in range(runs))
                       + unit * float(np.max(np.abs(exact), initial=0)))
            for name, exact in self.exact.items()
        }  # fmt: skip


def ends(model: Any, configuration: Configuration, data: Any) -> End:
    """Train a compiled model of either library, and return what it ends with."""
    k, arguments = configuration.fitted, configuration.arguments()
    if configuration.held and not configuration.split:
        arguments["validation_data"] = tuple(part[k:] for part in data.values())
    if "weight" in data:
        arguments["sample_weight"] = data["weight"][:k]
    given, values = (data["X"][:k], data["y"][:k]), {}
    for number in range(configuration.fits):
        history = model.fit(*given, **arguments).history
        values |= {f"{score} of fit {number}": np.array(v, float) for score, v in history.items()}
    options = {
        name: arguments[name] for name in ("sample_weight", "batch_size") if name in arguments
    }
    found = model.evaluate(*given, verbose=0, return_dict=True, **options)
    values |= {f"{score} of evaluate": np.asarray(v, float) for score, v in found.items()}
    values["predictions"] = np.asarray(model.predict_on_batch(data["X"]), np.float64)
    for number, weight in enumerate(weights_of(model)):
        values[f"weight {number}"] = np.asarray(weight, np.float64)
    return values


def _spread(one: Any, other: Any) -> float:
    return float(np.max(np.abs(one - other), initial=0))


def weights_of(model: Any) -> list[np.ndarray]:
    """Return the weights of a model of either library; Keras has none for a known mean."""
    if isinstance(model, keras.Model):
        return model.get_weights()
    return [
        weight
        for layer in model.layers
        if not isinstance(layer, cr.layers.Normalization)
        for weight in layer.arrays.values()
        if weight.dtype.kind == "f"
    ]
