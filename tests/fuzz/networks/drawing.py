"""Networks and ways to train them, drawn at random. All that Keras has as well is drawn."""

from __future__ import annotations

import random
from typing import Any

from tests.fuzz.networks.configuration import Call, Configuration

ACTIVATIONS = (
    "relu", "tanh", "sigmoid", "elu", "gelu", "silu", "softplus", "softsign", "selu", "celu",
    "relu6", "leaky_relu", "hard_sigmoid", "hard_silu", "mish", "squareplus", "hard_tanh",
    "tanh_shrink", "soft_shrink", "hard_shrink", "log_sigmoid", "exponential", "softmax",
    "log_softmax", "linear",
)  # fmt: skip
INITIALIZERS = (
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
    "random_uniform", "random_normal", "truncated_normal", "orthogonal", "variance_scaling",
    "ones", "zeros",
)  # fmt: skip
# Losses by what they compare: the options, what the last layer does, and the metrics.
PROBABILITIES = ("accuracy", "mse", "categorical_crossentropy", "auc", "precision")
LOSSES: dict[str, tuple[tuple[str, ...], str | None, tuple[str, ...]]] = {
    "MeanSquaredError": (("numbers",), None, ("mae", "root_mean_squared_error", "r2_score")),
    "MeanAbsoluteError": (("numbers",), None, ("mse", "cosine_similarity")),
    "MeanAbsolutePercentageError": (("positive",), "softplus", ("mae", "mape")),
    "MeanSquaredLogarithmicError": (("positive",), "softplus", ("mse", "msle")),
    "Huber": (("numbers",), None, ("mse", "log_cosh_error")),
    "LogCosh": (("numbers",), None, ("mae",)),
    "CosineSimilarity": (("numbers",), None, ("mse",)),
    "Poisson": (("counts",), "softplus", ("mae", "poisson")),
    "KLDivergence": (("probabilities",), "softmax", ("mse", "kl_divergence")),
    "Hinge": (("signs", "bits"), "tanh", ("mse", "hinge")),
    "SquaredHinge": (("signs", "bits"), None, ("mse", "squared_hinge")),
    "CategoricalHinge": (("one-hot",), None, ("accuracy", "categorical_hinge")),
    "BinaryCrossentropy": (("bits",), "sigmoid", ("accuracy", "auc", "precision", "recall")),
    "BinaryFocalCrossentropy": (("bits",), "sigmoid", ("binary_accuracy", "mae")),
    "CategoricalCrossentropy": (("one-hot", "probabilities"), "softmax", ("accuracy", "mse")),
    "CategoricalFocalCrossentropy": (("one-hot",), "softmax", ("accuracy", "f1_score")),
    "SparseCategoricalCrossentropy": (
        ("labels", "labels as floats"), "softmax", ("accuracy", "sparse_categorical_crossentropy"),
    ),
}  # fmt: skip


def drawn(seed: int, compiled: float = 0.0) -> Configuration:
    """Return the configuration of a seed, to be compiled as well with a probability."""
    drawing = Drawing(seed)
    return drawing.configuration(seed, drawing.rng.random() < compiled)


class Drawing:
    """Draws configurations.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def configuration(self, seed: int, compiled: bool) -> Configuration:
        """Return a configuration."""
        rng = self.rng
        front, shape, vocabulary = self._front()
        hidden = [*front]
        for _ in range(rng.choice([0, 1, 1, 2, 2, 3])):
            hidden.append(self._hidden(shape))
            if hidden[-1].name == "layers.Dense":
                shape = (*shape[:-1], hidden[-1].arguments["units"])
        name = rng.choice([*LOSSES])
        kinds, activation, metrics = LOSSES[name]
        loss, from_logits = self._loss(name)
        units = rng.choice([1, 2, 3]) if kinds[0] in ("numbers", "bits", "signs", "counts") else 3
        if name == "CosineSimilarity":
            units = 3
        hidden.append(self._affine("layers.Dense", units=units))
        hidden[-1].arguments.pop("activation", None)
        if activation and not from_logits:
            hidden[-1].arguments["activation"] = activation
        if name == "CosineSimilarity":  # of a vector of zeros Keras gives NaN as the gradient
            hidden[-1].arguments.update(use_bias=True, bias_initializer="ones")
        targets = rng.choice(kinds)
        weights = ["", "", "sample_weight"]
        if len(shape) == 1 and targets in ("labels", "one-hot"):
            weights.append("class_weight")
        if len(shape) > 1:  # of a row of predictions a sample, each metric has its own notion
            metrics = tuple({"mae", "mse", "accuracy"} & {*metrics})
        samples = rng.choice([1, 2, 3, 7, 8, 11, 19])
        held = rng.choice([0, 0, 1, 5])
        if samples == 1 or held == 1:  # one value has no variance that could be explained
            metrics = tuple(name for name in metrics if name != "r2_score")
        if from_logits:
            metrics = tuple({"mae", "mse"} & {*metrics})
        # Keras on PyTorch multiplies the samples' weights in place where a class is ignored.
        weighted = () if "ignore_class" in loss.arguments else metrics
        return Configuration(
            tuple(hidden), loss, self._optimizer(), targets,
            self._some(metrics), self._some(weighted), samples,
            rng.choice([1, 2, 3, 4, 8, samples, samples + 5]), rng.choice([1, 2, 3]),
            held, rng.choice(weights), vocabulary, compiled, rng.choice([1, 1, 1, 2]),
            held > 0 and self._maybe(), seed,
        )  # fmt: skip

    def _some(self, values: tuple[str, ...]) -> tuple[str, ...]:
        values = tuple(sorted(values))
        return tuple(self.rng.sample(values, self.rng.randint(0, min(2, len(values)))))

    def _maybe(self, chance: float = 0.3) -> bool:
        return self.rng.random() < chance

    def _number(self, low: float, high: float) -> float:
        return round(self.rng.uniform(low, high), 3)

    def _front(self) -> tuple[list[Call], tuple[int, ...], int]:
        """Return the first layers, the shape of what they give, and a vocabulary."""
        kind = self.rng.choice(["rows", "rows", "rows", "images", "images", "texts", "sequences"])
        if kind == "rows":
            d = self.rng.choice([1, 2, 4, 7])
            return [Call("layers.Input", {"shape": (d,)}), *self._scaled(d)], (d,), 0
        if kind == "sequences":
            return self._sequences()
        if kind == "texts":
            embedding = Call("layers.Embedding", {"input_dim": 6, "output_dim": 3})
            if self._maybe():
                embedding.arguments["embeddings_regularizer"] = self._regularizer()
            layers = [Call("layers.Input", {"shape": (4,)}), embedding]
            if self._maybe(0.7):
                return [*layers, Call("layers.Flatten", {})], (12,), 6
            return layers, (4, 3), 6
        return self._images()

    def _scaled(self, d: int) -> list[Call]:
        if self._maybe(0.1):
            return [Call("layers.Rescaling", {"scale": 0.5, "offset": self._number(-1, 1)})]
        if self._maybe(0.1):
            mean, variance = [self._number(-1, 1)] * d, [self._number(0.1, 2)] * d
            return [Call("layers.Normalization", {"mean": mean, "variance": variance})]
        return []

    def _sequences(self) -> tuple[list[Call], tuple[int, ...], int]:
        rng, steps, c = self.rng, 7, self.rng.choice([1, 3])
        layers = [Call("layers.Input", {"shape": (steps, c)})]
        if self._maybe(0.3):
            return layers, (steps, c), 0
        padding, size = rng.choice(["same", "valid", "causal"]), rng.choice([1, 2, 3])
        layers.append(self._affine("layers.Conv1D", filters=4, kernel_size=size, padding=padding))
        steps -= (size - 1) * (padding == "valid")
        if self._maybe(0.6):
            kind = rng.choice(["layers.MaxPooling1D", "layers.AveragePooling1D"])
            layers.append(Call(kind, {"pool_size": 2}))
            steps //= 2
        if self._maybe():
            layers.append(Call("layers.ZeroPadding1D", {"padding": (1, 0)}))
            steps += 1
        if self._maybe(0.5):
            kind = rng.choice(["layers.GlobalMaxPooling1D", "layers.GlobalAveragePooling1D"])
            return [*layers, Call(kind, {})], (4,), 0
        return layers, (steps, 4), 0

    def _images(self) -> tuple[list[Call], tuple[int, ...], int]:
        rng = self.rng
        h, w, c = rng.choice([(4, 4, 1), (5, 6, 2), (6, 5, 1)])
        layers = [Call("layers.Input", {"shape": (h, w, c)})]
        if self._maybe():
            layers = [
                Call("layers.Input", {"shape": (h * w * c,)}),
                Call("layers.Reshape", {"target_shape": (h, w, c)}),
            ]
        for _ in range(rng.choice([1, 1, 2])):
            padding = rng.choice(["same", "valid"]) if min(h, w) > 2 else "same"
            size, stride = rng.choice([1, 2, (2, 1), 3]), rng.choice([1, 1, 2])
            if self._maybe(0.6):
                c = rng.choice([1, 2, 3])
                layer = self._affine(
                    "layers.Conv2D", filters=c, kernel_size=size if min(h, w) > 2 else 1,
                    strides=stride, padding=padding,
                )  # fmt: skip
                if stride == 1 and padding == "same" and self._maybe():
                    layer.arguments["dilation_rate"] = 2
            else:
                kind = rng.choice(["layers.MaxPooling2D", "layers.AveragePooling2D"])
                size = 2
                layer = Call(kind, {"pool_size": size, "strides": stride, "padding": padding})
            rows, columns = size if isinstance(size, tuple) else (size, size)
            if layer.name == "layers.Conv2D" and layer.arguments["kernel_size"] == 1:
                rows = columns = 1
            h, w = ((-(-s // stride) if padding == "same" else (s - k) // stride + 1)
                    for s, k in ((h, rows), (w, columns)))  # fmt: skip
            layers.append(layer)
            if self._maybe(0.2):
                layers.append(self._normalization())
                if self._maybe():
                    axis = rng.choice([1, 2, [2, 3], [1, 2, 3]])
                    kind = "Layer" if isinstance(axis, list) else "Batch"
                    layers[-1] = Call(f"layers.{kind}Normalization", {"axis": axis})
        if self._maybe():
            return [*layers, Call("layers.GlobalAveragePooling2D", {})], (c,), 0
        return [*layers, Call("layers.Flatten", {})], (h * w * c,), 0

    def _affine(self, name: str, **arguments: Any) -> Call:
        """Return a layer with a kernel and a bias."""
        if self._maybe(0.7):
            arguments["activation"] = self.rng.choice(ACTIVATIONS)
        if self._maybe(0.2):
            arguments["use_bias"] = False
        for part in ("kernel", "bias"):
            if self._maybe(0.2):
                arguments[f"{part}_regularizer"] = self._regularizer()
        if arguments.get("units", 1) > 1 and self._maybe(0.1):
            arguments["kernel_regularizer"] = Call(
                "regularizers.OrthogonalRegularizer", {"factor": 0.1, "mode": "columns"}
            )
        if self._maybe(0.4):
            arguments["kernel_initializer"] = self.rng.choice(INITIALIZERS)
            # Keras's gradient of this regularizer is NaN for zeros, whose sign Lion takes as 0.
            if isinstance(arguments.get("kernel_regularizer"), Call):
                is_orthogonal = "Orthogonal" in arguments["kernel_regularizer"].name
                if is_orthogonal and arguments["kernel_initializer"] == "zeros":
                    del arguments["kernel_regularizer"]
        if self._maybe(0.5):
            arguments["bias_initializer"] = self.rng.choice(["random_normal", "ones"])
        if self._maybe(0.05):
            arguments["trainable"] = False
        return Call(name, arguments)

    def _regularizer(self) -> Any:
        amount = self._number(0.001, 0.1)
        return self.rng.choice(
            ["l1", "l2", Call("regularizers.L1", {"l1": amount}),
             Call("regularizers.L2", {"l2": amount}),
             Call("regularizers.L1L2", {"l1": amount, "l2": amount / 2})]
        )  # fmt: skip

    def _normalization(self) -> Call:
        arguments: dict[str, Any] = {}
        for name in ("center", "scale"):
            if self._maybe(0.2):
                arguments[name] = False
        if self._maybe():
            arguments["epsilon"] = self.rng.choice([1e-5, 0.01])
        kind = self.rng.choice(["BatchNormalization", "LayerNormalization"])
        if kind == "BatchNormalization" and self._maybe(0.6):
            arguments["momentum"] = self._number(0.3, 0.95)
        if arguments.get("scale", True) and self._maybe(0.2):
            arguments["gamma_regularizer"] = self._regularizer()
        if arguments.get("center", True) and self._maybe(0.2):
            arguments["beta_initializer"] = "random_normal"
        return Call(f"layers.{kind}", arguments)

    def _hidden(self, shape: tuple[int, ...]) -> Call:
        kind = self.rng.choice(["dense"] * 4 + ["normalization", "activation", "dropout"])
        if kind == "dense":
            return self._affine("layers.Dense", units=self.rng.choice([1, 2, 3, 5, 8]))
        if kind == "normalization":
            return self._normalization()
        if kind == "activation" and self._maybe():
            name = self.rng.choice(["ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax"])
            return Call(f"layers.{name}", {})
        if kind == "activation":
            return Call("layers.Activation", {"activation": self.rng.choice(ACTIVATIONS)})
        return Call(
            "layers.Dropout", {"rate": self._number(0, 0.7), "seed": self.rng.randrange(99)}
        )

    def _loss(self, name: str) -> tuple[Call, bool]:
        """Return a loss, and whether it is one of logits."""
        options: dict[str, Any] = {}
        if name == "Huber" and self._maybe(0.5):
            options["delta"] = self._number(0.2, 2)
        if "Crossentropy" in name and self._maybe(0.5):
            options["from_logits"] = True
        if "Crossentropy" in name and "Sparse" not in name and self._maybe():
            options["label_smoothing"] = self._number(0.01, 0.4)
        if "Focal" in name and self._maybe(0.5):
            options["gamma"] = self.rng.choice([1.0, 2.0, 3.0])
        if name == "BinaryFocalCrossentropy" and self._maybe(0.5):
            options["apply_class_balancing"] = True
        if name == "SparseCategoricalCrossentropy" and self._maybe(0.2):
            options["ignore_class"] = 1
        if self._maybe(0.25):
            options["reduction"] = self.rng.choice(["sum", "mean", "mean_with_sample_weight"])
        return Call(f"losses.{name}", options), "from_logits" in options

    def _optimizer(self) -> Call:
        rng = self.rng
        name = rng.choice(
            [
                "SGD",
                "SGD",
                "RMSprop",
                "Adam",
                "Adam",
                "AdamW",
                "Adagrad",
                "Adadelta",
                "Adamax",
                "Nadam",
                "Lion",
                "Lamb",
                "Ftrl",
                "Adafactor",
            ]
        )  # fmt: skip  (not ScheduleFreeAdamW: on PyTorch Keras overwrites z before it is used)
        low, high = {"SGD": (0.01, 0.2), "Adadelta": (0.1, 1.0), "Adagrad": (0.01, 0.2),
                     "Ftrl": (0.05, 0.5)}.get(name, (0.001, 0.02))  # fmt: skip
        rate = self._number(low, high)
        options: dict[str, Any] = {"learning_rate": self._schedule(rate) if self._maybe() else rate}
        options |= self._own_options(name)
        if self._maybe(0.3):
            way = rng.choice(["clipnorm", "clipvalue", "global_clipnorm"])
            options[way] = self._number(0.01, 1)
        if self._maybe(0.2):
            options["weight_decay"] = self._number(0.001, 0.2)
        if self._maybe(0.2):
            options |= {"use_ema": True, "ema_momentum": self._number(0.1, 0.95)}
            if self._maybe(0.5):
                options["ema_overwrite_frequency"] = rng.choice([1, 2, 3])
        if self._maybe(0.15):
            options["gradient_accumulation_steps"] = rng.choice([2, 3])
        return Call(f"optimizers.{name}", options)

    def _own_options(self, name: str) -> dict[str, Any]:
        table: dict[str, dict[str, tuple[float, float]]] = {
            "SGD": {"momentum": (0.1, 0.95)},
            "RMSprop": {"rho": (0.5, 0.99), "momentum": (0.1, 0.9), "epsilon": (1e-3, 1e-2)},
            "Adagrad": {"initial_accumulator_value": (0.01, 1)},
            "Adadelta": {"rho": (0.5, 0.99), "epsilon": (0.001, 0.01)},
            "Adafactor": {
                "beta_2_decay": (-0.9, -0.4),
                "epsilon_1": (1e-6, 1e-2),
                "epsilon_2": (1e-3, 0.1),
                "clip_threshold": (0.3, 2),
            },
            "Ftrl": {
                "l1_regularization_strength": (0.001, 0.1),
                "l2_regularization_strength": (0.001, 0.1),
                "l2_shrinkage_regularization_strength": (0.001, 0.1),
                "beta": (0.01, 0.5),
                "initial_accumulator_value": (0.1, 1),
                "learning_rate_power": (-0.9, -0.3),
            },
        }
        moments = {"beta_1": (0.5, 0.95), "beta_2": (0.7, 0.999), "epsilon": (0.001, 0.01)}
        if name == "Lion":
            moments.pop("epsilon")
        found: dict[str, Any] = {
            option: self._number(*limits)
            for option, limits in table.get(name, moments).items()
            if self._maybe(0.4)
        }
        if "momentum" in found and name == "SGD" and self._maybe(0.5):
            found["nesterov"] = True
        if name in ("Adam", "AdamW") and self._maybe():
            found["amsgrad"] = True
        if name == "RMSprop" and self._maybe():
            found["centered"] = True
        return found

    def _schedule(self, rate: float) -> Call:
        steps, flag = self.rng.choice([1, 3, 10]), self._maybe(0.5)
        name, options = self.rng.choice(
            [
                ("ExponentialDecay", {"decay_steps": steps, "decay_rate": 0.7, "staircase": flag}),
                ("InverseTimeDecay", {"decay_steps": steps, "decay_rate": 0.5, "staircase": flag}),
                ("PolynomialDecay",
                 {"decay_steps": steps, "end_learning_rate": 0.001, "power": 2.0, "cycle": flag}),
                ("CosineDecay",
                 {"decay_steps": steps, "alpha": 0.1, "warmup_target": 2 * rate,
                  "warmup_steps": 2} if flag else {"decay_steps": steps, "alpha": 0.1}),
                ("CosineDecayRestarts",
                 {"first_decay_steps": steps, "t_mul": 2.0 if flag else 1.0, "m_mul": 0.8,
                  "alpha": 0.1}),
                ("PiecewiseConstantDecay",
                 {"boundaries": [1, 4], "values": [rate, rate / 2, 0.01]}),
            ]
        )  # fmt: skip
        first = {} if name.startswith("Piecewise") else {"initial_learning_rate": rate}
        return Call(f"schedules.{name}", {**first, **options})
