"""The training workloads as the peers' own users would run them at their best.

Every function takes a workload, prepares everything (data on the peer's own arrays, compiled where
the peer compiles, warmed up) and returns a function that trains for some epochs.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import chainrule as cr

Train = Callable[[int], Any]


@dataclass(frozen=True)
class Workload:
    """A network, its data and how it is trained."""

    title: str
    sizes: tuple[int, ...]
    activation: str
    batch_size: int
    optimizer: str
    rows: int
    epochs: int

    @property
    def updates(self) -> int:
        """Updates of an epoch."""
        return -(-self.rows // self.batch_size)

    def data(self) -> tuple[Any, Any]:
        """Return samples: the digits, or random pixels where they are too few."""
        if self.sizes[0] == 64:
            digits = cr.data.load_digits()
            X, y = digits.X_train[: self.rows], digits.y_train[: self.rows]
            return np.ascontiguousarray(X, np.float32), np.ascontiguousarray(y, np.int64)
        rng = np.random.default_rng(0)
        X = rng.random((self.rows, self.sizes[0]), dtype=np.float32)
        return X, rng.integers(0, self.sizes[-1], self.rows)

    def params(self) -> list[tuple[Any, Any]]:
        """Return initial weights and biases, layer by layer."""
        rng = np.random.default_rng(0)
        return [
            ((rng.normal(size=(a, b)) / np.sqrt(a)).astype(np.float32), np.zeros(b, np.float32))
            for a, b in zip(self.sizes, self.sizes[1:], strict=False)
        ]


def chainrule_loss(workload: Workload) -> Callable[..., Any]:
    """Return the loss in plain NumPy."""
    activation = {"sigmoid": cr.sigmoid, "relu": cr.relu}[workload.activation]

    def loss(params: Any, X: Any, y: Any) -> Any:
        h = X
        for W, b in params[:-1]:
            h = activation(h @ W + b)
        W, b = params[-1]
        return -np.mean(cr.log_softmax(h @ W + b)[np.arange(len(y)), y])

    return loss


def chainrule(workload: Workload) -> Train:
    """`cr.minimize`, compiled beforehand."""
    loss, params, (X, y) = chainrule_loss(workload), workload.params(), workload.data()
    rule = {
        "sgd": lambda: cr.optimizers.SGD(0.1),
        "momentum": lambda: cr.optimizers.SGD(0.1, momentum=0.9),
        "adam": lambda: cr.optimizers.Adam(0.001),
    }[workload.optimizer]

    def train(epochs: int) -> Any:
        return cr.minimize(
            loss, params, X, y, optimizer=rule(), epochs=epochs, batch_size=workload.batch_size,
            seed=0, engine="compiled",
        )  # fmt: skip

    return train


def lab(workload: Workload) -> Train:
    """The lab's arithmetic in bare NumPy: gradients by hand, nothing checked."""
    X, y = workload.data()
    X = X.astype(np.float64)
    targets = np.eye(workload.sizes[-1])[y]

    def train(epochs: int) -> Any:
        (W_h, b_h), (W_o, b_o) = ((W.astype(float), b.astype(float)) for W, b in workload.params())
        with threadpool_limits(1):
            for _ in range(epochs):
                for x, t in zip(X, targets, strict=True):
                    h = 1 / (1 + np.exp(-(x @ W_h + b_h)))
                    z_o = h @ W_o + b_o
                    exp = np.exp(z_o - z_o.max())
                    grad_z_o = exp / exp.sum() - t
                    grad_z_h = W_o @ grad_z_o * h * (1 - h)
                    W_o -= 0.1 * np.outer(h, grad_z_o)
                    b_o -= 0.1 * grad_z_o
                    W_h -= 0.1 * np.outer(x, grad_z_h)
                    b_h -= 0.1 * grad_z_h

    return train


def jax(workload: Workload) -> Train:
    """One compiled scan over all updates of the run, batches gathered inside by shuffled rows."""
    import jax as j
    import jax.numpy as jnp

    X, y = map(jnp.asarray, workload.data())
    activation = {"sigmoid": j.nn.sigmoid, "relu": j.nn.relu}[workload.activation]
    n, steps = workload.batch_size, workload.rows // workload.batch_size
    tree_map = j.tree_util.tree_map

    def loss(params: Any, x: Any, t: Any) -> Any:
        h = x
        for W, b in params[:-1]:
            h = activation(h @ W + b)
        log_p = j.nn.log_softmax(h @ params[-1][0] + params[-1][1])
        return -jnp.mean(jnp.take_along_axis(log_p, t[:, None], 1))

    def step(carry: Any, rows: Any) -> Any:
        params, state, t = carry
        value, g = j.value_and_grad(loss)(params, X[rows], y[rows])
        if workload.optimizer == "sgd":
            params = tree_map(lambda w, d: w - 0.1 * d, params, g)
        elif workload.optimizer == "momentum":
            state = tree_map(lambda v, d: 0.9 * v - 0.1 * d, state, g)
            params = tree_map(jnp.add, params, state)
        else:
            t = t + 1
            m = tree_map(lambda m, d: 0.9 * m + 0.1 * d, state[0], g)
            v = tree_map(lambda v, d: 0.999 * v + 0.001 * d * d, state[1], g)
            rate = 0.001 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            params = tree_map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) + 1e-7), params, m, v)
            state = (m, v)
        return (params, state, t), value

    params = workload.params()
    zeros = tree_map(np.zeros_like, params)
    state = {"sgd": (), "momentum": zeros, "adam": (zeros, zeros)}[workload.optimizer]
    start = (params, state, jnp.float32(0))
    scan = j.jit(lambda orders: j.lax.scan(step, start, orders))
    rng = np.random.default_rng(0)

    def orders(epochs: int) -> Any:
        rows = [rng.permutation(workload.rows)[: steps * n] for _ in range(epochs)]
        return jnp.asarray(np.stack(rows).reshape(epochs * steps, n))

    compiled: dict[int, Any] = {}

    def train(epochs: int) -> Any:
        if epochs not in compiled:
            compiled[epochs] = scan.lower(orders(epochs)).compile()
        return j.block_until_ready(compiled[epochs](orders(epochs)))

    return train


def scikit_learn(workload: Workload) -> Train:
    """`MLPClassifier.fit` with its early stop and L2 off."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    X, y = workload.data()
    adam = workload.optimizer == "adam"

    def train(epochs: int) -> Any:
        net = MLPClassifier(
            workload.sizes[1:-1], solver="adam" if adam else "sgd", alpha=0.0,
            activation={"sigmoid": "logistic"}.get(workload.activation, workload.activation),
            batch_size=workload.batch_size, learning_rate_init=0.001 if adam else 0.1,
            momentum=0.9 if workload.optimizer == "momentum" else 0.0, nesterovs_momentum=False,
            max_iter=epochs, tol=0.0, n_iter_no_change=10**9, random_state=0,
        )  # fmt: skip
        with warnings.catch_warnings(), threadpool_limits(_threads(workload)):
            warnings.simplefilter("ignore", ConvergenceWarning)
            net.fit(X, y)

    return train


def pytorch(workload: Workload) -> Train:
    """Eager, with fused cross-entropy; all data on one tensor, batches by index."""
    import torch
    from torch import nn

    torch.set_num_threads(_threads(workload))
    X, y = map(torch.from_numpy, workload.data())
    activation = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}[workload.activation]

    def train(epochs: int) -> Any:
        torch.manual_seed(0)
        layers: list[Any] = []
        for a, b in zip(workload.sizes, workload.sizes[1:], strict=False):
            layers += [nn.Linear(a, b), activation()]
        net = nn.Sequential(*layers[:-1])
        if workload.optimizer == "adam":
            rule: Any = torch.optim.Adam(net.parameters(), 0.001)
        else:
            momentum = 0.9 if workload.optimizer == "momentum" else 0.0
            rule = torch.optim.SGD(net.parameters(), 0.1, momentum=momentum)
        loss = nn.CrossEntropyLoss()
        for _ in range(epochs):
            for rows in torch.randperm(workload.rows).split(workload.batch_size):
                rule.zero_grad()
                loss(net(X[rows]), y[rows]).backward()
                rule.step()

    return train


class _TrainData(ctypes.Structure):
    _fields_ = [
        ("errno_f", ctypes.c_int), ("error_log", ctypes.c_void_p), ("errstr", ctypes.c_char_p),
        ("num_data", ctypes.c_uint), ("num_input", ctypes.c_uint), ("num_output", ctypes.c_uint),
        ("input", ctypes.POINTER(ctypes.POINTER(ctypes.c_float))),
        ("output", ctypes.POINTER(ctypes.POINTER(ctypes.c_float))),
    ]  # fmt: skip


def fann(workload: Workload) -> Train | None:
    """The C library FANN, incremental training, a whole epoch a call; None if it is missing."""
    name = ctypes.util.find_library("fann") or "libfann.so.2"
    try:
        library: Any = ctypes.CDLL(name)
    except OSError:
        return None
    library.fann_create_standard_array.restype = ctypes.c_void_p
    library.fann_create_train.restype = ctypes.POINTER(_TrainData)
    library.fann_train_epoch.restype = ctypes.c_float
    X, y = workload.data()
    data = library.fann_create_train(workload.rows, workload.sizes[0], workload.sizes[-1])
    targets = np.eye(workload.sizes[-1], dtype=np.float32)[y]
    for i in range(workload.rows):
        ctypes.memmove(data.contents.input[i], X[i].ctypes.data, X[i].nbytes)
        ctypes.memmove(data.contents.output[i], targets[i].ctypes.data, targets[i].nbytes)
    sizes = (ctypes.c_uint * len(workload.sizes))(*workload.sizes)

    def train(epochs: int) -> Any:
        net = ctypes.c_void_p(library.fann_create_standard_array(len(sizes), sizes))
        library.fann_set_training_algorithm(net, 0)  # incremental
        library.fann_set_activation_function_hidden(net, 3)  # sigmoid
        library.fann_set_activation_function_output(net, 3)
        library.fann_set_learning_rate(net, ctypes.c_float(0.1))
        for _ in range(epochs):
            library.fann_train_epoch(net, data)
        library.fann_destroy(net)

    return train


def _threads(workload: Workload) -> int:
    """Return how many threads help a peer: one for networks as small as the digits'."""
    return 2 if workload.sizes[0] > 64 else 1


def predictors(params: list[tuple[Any, Any]], x: Any) -> dict[str, Callable[[], Any]]:
    """Return one prediction of the lab's network, one row, by each peer."""
    import jax as j
    import jax.numpy as jnp
    import keras
    import onnx
    import onnxruntime
    import torch
    from onnx import TensorProto, helper, numpy_helper
    from sklearn.neural_network import MLPClassifier

    (W_h, b_h), (W_o, b_o) = params
    predict = cr.jit(lambda x: cr.softmax(cr.sigmoid(x @ W_h + b_h) @ W_o + b_o))

    names = {"W_h": W_h, "b_h": b_h, "W_o": W_o, "b_o": b_o}
    nodes = [
        helper.make_node("Gemm", ["x", "W_h", "b_h"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["h"]),
        helper.make_node("Gemm", ["h", "W_o", "b_o"], ["o"]),
        helper.make_node("Softmax", ["o"], ["p"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes, "lab",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(value, name) for name, value in names.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    torch.set_num_threads(1)
    net = torch.nn.Sequential(
        torch.nn.Linear(64, 10), torch.nn.Sigmoid(), torch.nn.Linear(10, 10), torch.nn.Softmax(-1)
    )
    with torch.no_grad():
        for layer, (W, b) in zip((net[0], net[2]), params, strict=True):
            layer.weight.copy_(torch.from_numpy(W.T.copy()))
            layer.bias.copy_(torch.from_numpy(b))
    tensor = torch.from_numpy(x)

    def torch_predict() -> Any:
        with torch.inference_mode():
            return net(tensor).numpy()

    jitted = j.jit(lambda x: j.nn.softmax(j.nn.sigmoid(x @ W_h + b_h) @ W_o + b_o))
    on_device = jnp.asarray(x)
    sk = MLPClassifier((10,), activation="logistic", max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sk.fit(np.zeros((10, 64), np.float32), np.arange(10))
    sk.coefs_, sk.intercepts_ = [W_h, W_o], [b_h, b_o]
    k = keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(10, "sigmoid"), keras.layers.Dense(10, "softmax")]
    )
    k.set_weights([W_h, b_h, W_o, b_o])
    return {
        "chainrule, cr.jit": lambda: predict(x),
        "ONNX Runtime": lambda: session.run(None, {"x": x})[0],
        "PyTorch, inference mode": torch_predict,
        "JAX, jit": lambda: np.asarray(jitted(on_device)),
        "scikit-learn": lambda: sk.predict_proba(x),
        "Keras, predict_on_batch": lambda: k.predict_on_batch(x),
    }
