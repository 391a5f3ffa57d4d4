"""What is trained: each network written once, of what NumPy with chainrule and JAX both have.

A network's ``outputs`` take a library, `Numpy` or what `jax_library` returns; so both train the
same arithmetic, each written as its own users write it where they differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import chainrule as cr

windows = np.lib.stride_tricks.sliding_window_view


class Numpy:
    """What users of chainrule write."""

    np = np
    sigmoid, relu, gelu = cr.sigmoid, cr.relu, cr.functions.gelu
    softmax, log_softmax = cr.softmax, cr.functions.log_softmax

    @staticmethod
    def picked(log_p: Any, y: Any) -> Any:
        """Return what stands at the labels' places."""
        return log_p[np.arange(len(y)), y]

    @staticmethod
    def convolved(x: Any, kernel: Any) -> Any:
        """Return a convolution by 3 × 3 that keeps the image's size."""
        x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        return np.einsum("nhwcij,ijcf->nhwf", windows(x, (3, 3), axis=(1, 2)), kernel)

    @staticmethod
    def halved(x: Any) -> Any:
        """Return the largest of every 2 × 2."""
        return np.max(windows(x, (2, 2), axis=(1, 2))[:, ::2, ::2], axis=(-2, -1))

    @staticmethod
    def recurred(cell: Callable[..., Any], h: Any, X: Any) -> Any:
        """Return the last state."""
        return cr.scan(lambda h, x: (cell(h, x), None), h, np.swapaxes(X, 0, 1))[0]


def jax_library() -> Any:
    """Return the same for JAX."""
    import jax
    import jax.numpy as jnp

    class Jax:
        np = jnp
        sigmoid, relu, gelu = jax.nn.sigmoid, jax.nn.relu, jax.nn.gelu
        softmax, log_softmax = jax.nn.softmax, jax.nn.log_softmax

        @staticmethod
        def picked(log_p: Any, y: Any) -> Any:
            return jnp.take_along_axis(log_p, y[:, None], 1)

        @staticmethod
        def convolved(x: Any, kernel: Any) -> Any:
            return jax.lax.conv_general_dilated(
                x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )

        @staticmethod
        def halved(x: Any) -> Any:
            return jax.lax.reduce_window(
                x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
            )

        @staticmethod
        def recurred(cell: Callable[..., Any], h: Any, X: Any) -> Any:
            return jax.lax.scan(lambda h, x: (cell(h, x), None), h, jnp.swapaxes(X, 0, 1))[0]

    return Jax


class Network:
    """Classifies samples.

    Attributes
    ----------
    sample : tuple of int
        A sample's shape.
    classes : int
    """

    sample: tuple[int, ...]
    classes: int

    def params(self) -> Any:
        """Return initial parameters."""
        raise NotImplementedError

    def outputs(self, library: Any, params: Any, X: Any) -> Any:
        """Return the classes' logits."""
        raise NotImplementedError

    def data(self, rows: int) -> tuple[Any, Any]:
        """Return samples: the digits, or random numbers where they are too few."""
        if math.prod(self.sample) == 64 and self.classes == 10:
            digits = cr.data.load_digits()
            X, y = digits.X_train[:rows], digits.y_train[:rows]
            X = X.reshape(-1, *self.sample)
            return np.ascontiguousarray(X, np.float32), np.ascontiguousarray(y, np.int64)
        rng = np.random.default_rng(0)
        X = rng.random((rows, *self.sample), dtype=np.float32)
        return X, rng.integers(0, self.classes, rows)


@dataclass(frozen=True)
class Dense(Network):
    """Dense layers."""

    sizes: tuple[int, ...]
    activation: str

    @property
    def sample(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.sizes[:1]

    @property
    def classes(self) -> int:  # type: ignore[override]
        return self.sizes[-1]

    def params(self) -> Any:
        rng = np.random.default_rng(0)
        return [
            (normal(rng, a, b), np.zeros(b, np.float32))
            for a, b in zip(self.sizes, self.sizes[1:], strict=False)
        ]

    def outputs(self, library: Any, params: Any, X: Any) -> Any:
        name, h = self.activation, X
        activation = library.np.tanh if name == "tanh" else getattr(library, name)
        for W, b in params[:-1]:
            h = activation(h @ W + b)
        W, b = params[-1]
        return h @ W + b


@dataclass(frozen=True)
class Convolutions(Network):
    """Convolutions of 3 × 3, each followed by the largest of every 2 × 2."""

    sample: tuple[int, ...]
    filters: tuple[int, ...]
    classes: int = 10

    def params(self) -> Any:
        rng = np.random.default_rng(0)
        height, width, channels = self.sample
        found = []
        for filters in self.filters:
            kernel = normal(rng, 9 * channels, filters).reshape(3, 3, channels, filters)
            found.append((kernel, np.zeros(filters, np.float32)))
            height, width, channels = height // 2, width // 2, filters
        last = normal(rng, height * width * channels, self.classes)
        return [*found, (last, np.zeros(self.classes, np.float32))]

    def outputs(self, library: Any, params: Any, X: Any) -> Any:
        h = X
        for kernel, b in params[:-1]:
            h = library.halved(library.relu(library.convolved(h, kernel) + b))
        W, b = params[-1]
        return h.reshape(len(h), -1) @ W + b


@dataclass(frozen=True)
class Recurrent(Network):
    """A cell of tanh that reads a sample step by step; the last state is classified."""

    sample: tuple[int, ...]
    hidden: int
    classes: int = 10

    def params(self) -> Any:
        rng, inputs, n = np.random.default_rng(0), self.sample[1], self.hidden
        return {
            "W": normal(rng, inputs, n), "U": normal(rng, n, n), "b": np.zeros(n, np.float32),
            "V": normal(rng, n, self.classes), "c": np.zeros(self.classes, np.float32),
        }  # fmt: skip

    def outputs(self, library: Any, params: Any, X: Any) -> Any:
        def cell(h: Any, x: Any) -> Any:
            return library.np.tanh(x @ params["W"] + h @ params["U"] + params["b"])

        start = library.np.zeros((len(X), self.hidden), X.dtype)
        return library.recurred(cell, start, X) @ params["V"] + params["c"]


@dataclass(frozen=True)
class Transformer(Network):
    """A GPT of one block with one head: every token's successor is told from those before it."""

    tokens: int = 32
    width: int = 64
    classes: int = 64

    def data(self, rows: int) -> tuple[Any, Any]:
        """Return texts that go on in equal strides."""
        rng = np.random.default_rng(0)
        start, stride = rng.integers(0, self.classes, (2, rows, 1))
        text = (start + stride * np.arange(self.tokens + 1)) % self.classes
        return text[:, :-1].copy(), text[:, 1:].copy()

    def params(self) -> Any:
        rng, n = np.random.default_rng(0), self.width
        shapes = {"Q": (n, n), "K": (n, n), "V": (n, n), "O": (n, n), "W_1": (n, 4 * n),
                  "W_2": (4 * n, n), "places": (self.tokens, n), "names": (self.classes, n),
                  "out": (n, self.classes)}  # fmt: skip
        biases = {"b_1": 4 * n, "b_2": n, "shift_1": n, "shift_2": n, "shift_3": n}
        return {
            **{name: normal(rng, *shape) for name, shape in shapes.items()},
            **{name: np.zeros(size, np.float32) for name, size in biases.items()},
            **{f"scale_{i}": np.ones(n, np.float32) for i in (1, 2, 3)},
        }

    def outputs(self, library: Any, params: Any, X: Any) -> Any:
        xp, p = library.np, params

        def normalised(h: Any, i: int) -> Any:
            centred = h - xp.mean(h, axis=-1, keepdims=True)
            spread = xp.sqrt(xp.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
            return centred / spread * p[f"scale_{i}"] + p[f"shift_{i}"]

        h = p["names"][X] + p["places"]
        z = normalised(h, 1)
        scores = z @ p["Q"] @ xp.swapaxes(z @ p["K"], -1, -2) / math.sqrt(self.width)
        seen = np.tri(self.tokens, dtype=bool)
        h = h + library.softmax(xp.where(seen, scores, -1e9)) @ (z @ p["V"]) @ p["O"]
        h = h + library.gelu(normalised(h, 2) @ p["W_1"] + p["b_1"]) @ p["W_2"] + p["b_2"]
        return normalised(h, 3) @ p["out"]


@dataclass(frozen=True)
class Normalised(Network):
    """Dense with relu, BatchNormalization and Dropout, some times over: a `cr.Sequential`."""

    sample: tuple[int, ...]
    width: int
    times: int
    rate: float = 0.2
    classes: int = 10

    def params(self) -> Any:
        """Return weights in the order of `Sequential.get_weights`, layer by layer."""
        rng, n = np.random.default_rng(0), self.width
        zero, one = np.zeros(n, np.float32), np.ones(n, np.float32)
        found: list[Any] = [
            (normal(rng, n if i else self.sample[0], n), zero, one, zero) for i in range(self.times)
        ]
        return [*found, (normal(rng, n, self.classes), np.zeros(self.classes, np.float32))]

    def averages(self) -> Any:
        """Return initial means and variances, layer by layer."""
        one = np.ones(self.width, np.float32)
        return [(0 * one, one)] * self.times

    def model(self) -> Any:
        """Return the model, untrained."""
        layers: list[Any] = [cr.layers.Input(self.sample)]
        for _ in range(self.times):
            layers += [
                cr.layers.Dense(self.width, "relu"), cr.layers.BatchNormalization(),
                cr.layers.Dropout(self.rate),
            ]  # fmt: skip
        model = cr.Sequential([*layers, cr.layers.Dense(self.classes, "softmax")])
        *hidden, last = self.params()
        weights = [(*p, *m) for p, m in zip(hidden, self.averages(), strict=True)]
        model.set_weights([part for layer in [*weights, last] for part in layer])
        return model

    def jax_outputs(self, params: Any, averages: Any, X: Any, key: Any) -> tuple[Any, Any]:
        """Return logits and new averages, in JAX."""
        import jax
        import jax.numpy as jnp

        h, kept = X, []
        keys = jax.random.split(key, self.times)
        for (W, b, scale, shift), (m, v), drawn in zip(params[:-1], averages, keys, strict=True):
            h = jax.nn.relu(h @ W + b)
            mean, variance = jnp.mean(h, 0), jnp.var(h, 0)
            kept.append((0.99 * m + 0.01 * mean, 0.99 * v + 0.01 * variance))
            h = (h - mean) / jnp.sqrt(variance + 1e-3) * scale + shift
            is_kept = jax.random.bernoulli(drawn, 1 - self.rate, h.shape)
            h = jnp.where(is_kept, h / (1 - self.rate), 0)
        W, b = params[-1]
        return h @ W + b, kept


def normal(rng: Any, a: int, b: int) -> Any:
    """Return a matrix of random weights, scaled by its inputs."""
    return (rng.normal(size=(a, b)) / np.sqrt(a)).astype(np.float32)


@dataclass(frozen=True)
class Workload:
    """A network, its data and how it is trained; `epochs` are those of a run as users run it."""

    title: str
    network: Any
    batch_size: int
    optimizer: str
    rows: int
    epochs: int
    threads: int = 1  # that help a peer

    @property
    def updates(self) -> int:
        """Updates of an epoch."""
        return -(-self.rows // self.batch_size)

    def data(self) -> tuple[Any, Any]:
        """Return samples and labels."""
        return self.network.data(self.rows)

    def small(self) -> Workload:
        """Return the same with few whole batches, to see that it runs."""
        return replace(self, rows=max(64, 4 * self.batch_size), epochs=2)


def loss_of(network: Any, library: Any) -> Callable[..., Any]:
    """Return the mean cross-entropy of a batch, ``loss(params, X, y)``."""

    def loss(params: Any, X: Any, y: Any) -> Any:
        log_p = library.log_softmax(network.outputs(library, params, X))
        if y.ndim > 1:  # a label a token
            log_p, y = log_p.reshape(-1, log_p.shape[-1]), y.reshape(-1)
        return -library.np.mean(library.picked(log_p, y))

    return loss


LAB = Dense((64, 10, 10), "sigmoid")
A = Workload("A. 64-10-10 sigmoid, batch 1, SGD", LAB, 1, "sgd", 1527, 15)
B = Workload("B. 64-10-10 sigmoid, batch 32, momentum", LAB, 32, "momentum", 1527, 200)
C = Workload("C. 64-100-10 relu, batch 200, Adam", Dense((64, 100, 10), "relu"), 200, "adam",
             1527, 200)  # fmt: skip
D = Workload("D. 784-256-128-10 relu, batch 128, Adam", Dense((784, 256, 128, 10), "relu"), 128,
             "adam", 12800, 3, threads=2)  # fmt: skip
F = Workload("F. 12 × 32 tanh, batch 64, Adam", Dense((64, *[32] * 12, 10), "tanh"), 64, "adam",
             1472, 40)  # fmt: skip
G = Workload("G. 512-2048-10 relu, batch 256, Adam", Dense((512, 2048, 10), "relu"), 256, "adam",
             5120, 3, threads=2)  # fmt: skip
H = Workload("H. 32×32×3, convolutions 32-64, batch 64, Adam", Convolutions((32, 32, 3), (32, 64)),
             64, "adam", 320, 1, threads=2)  # fmt: skip
J = Workload("J. RNN, 16 steps, hidden 32, batch 32, Adam", Recurrent((16, 4), 32), 32, "adam",
             1504, 20)  # fmt: skip
K = Workload("K. 20-100-2 relu, batch 64, Adam", Dense((20, 100, 2), "relu"), 64, "adam", 6400, 50)
L = Workload("L. 16 dense layers, 64 wide, relu, batch 32, Adam",
             Dense((64, *[64] * 15, 10), "relu"), 32, "adam", 1504, 15)  # fmt: skip
M = Workload("M. 8×8, convolutions 8-16, batch 32, Adam", Convolutions((8, 8, 1), (8, 16)), 32,
             "adam", 1504, 10)  # fmt: skip
N = Workload("N. (Dense 32, BatchNormalization, Dropout) × 4, batch 32, Adam",
             Normalised((64,), 32, 4), 32, "adam", 1504, 20)  # fmt: skip
P = Workload("P. GPT, one block, one head, 64 wide, 32 tokens, batch 16, Adam", Transformer(), 16,
             "adam", 800, 3)  # fmt: skip
WORKLOADS = {w.title[0]: w for w in (A, B, C, D, F, G, H, J, K, L, M, N, P)}


def layers(depth: int) -> Workload:
    """Return equal dense layers."""
    return Workload("", Dense((64, *[64] * (depth - 1), 10), "relu"), 32, "adam", 320, 1)


def steps(depth: int) -> Workload:
    """Return a recurrent network of so many steps."""
    return Workload("", Recurrent((depth, 4), 32), 32, "adam", 320, 1)
