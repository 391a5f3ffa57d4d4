"""The training workloads as the peers' own users would run them at their best.

Every function takes a workload, prepares everything (data on the peer's own arrays, compiled where
the peer compiles, warmed up) and returns a function that trains for some epochs.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import chainrule as cr
from workloads import Convolutions, Normalised, Numpy, Recurrent, Workload, jax_library, loss_of

Train = Callable[[int], Any]


OPTIMIZERS = {
    "sgd": lambda: cr.optimizers.SGD(0.1),
    "momentum": lambda: cr.optimizers.SGD(0.1, momentum=0.9),
    "adam": lambda: cr.optimizers.Adam(0.001),
}


def chainrule(workload: Workload, engine: str = "compiled", shuffle: bool = True) -> Train:
    """`cr.minimize`, or a `cr.Sequential` made anew and fitted; returns the epochs' losses."""
    network, (X, y) = workload.network, workload.data()
    given: dict[str, Any] = {"batch_size": workload.batch_size, "shuffle": shuffle, "seed": 0}
    rule = OPTIMIZERS[workload.optimizer]

    def fit(epochs: int) -> Any:
        model = network.model()
        model.compile(rule(), "sparse_categorical_crossentropy", engine=engine)
        return model.fit(X, y, epochs=epochs, verbose=0, **given).history["loss"]

    if isinstance(network, Normalised):
        return fit
    loss, params = loss_of(network, Numpy), network.params()

    def train(epochs: int) -> Any:
        return cr.minimize(
            loss, params, X, y, optimizer=rule(), epochs=epochs, engine=engine, **given
        )[1].loss

    return train


def lab(workload: Workload) -> Train:
    """The lab's arithmetic in bare NumPy: gradients by hand, nothing checked."""
    X, y = workload.data()
    X = X.astype(np.float64)
    targets = np.eye(workload.network.sizes[-1])[y]

    def train(epochs: int) -> Any:
        (W_h, b_h), (W_o, b_o) = (
            (W.astype(float), b.astype(float)) for W, b in workload.network.params()
        )
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


def jax(workload: Workload, shuffle: bool = True) -> Train:
    """One compiled scan over all updates of the run, batches gathered inside by shuffled rows.

    Returns the epochs' losses.
    """
    import jax as j
    import jax.numpy as jnp

    network, (X, y) = workload.network, map(jnp.asarray, workload.data())
    n, steps = workload.batch_size, workload.rows // workload.batch_size
    tree_map = j.tree_util.tree_map

    if isinstance(network, Normalised):
        memory = network.averages(), j.random.key(0)

        def loss(params: Any, memory: Any, x: Any, t: Any) -> Any:
            key, drawn = j.random.split(memory[1])
            z, averages = network.jax_outputs(params, memory[0], x, drawn)
            return -jnp.mean(jnp.take_along_axis(j.nn.log_softmax(z), t[:, None], 1)), (
                averages,
                key,
            )
    else:
        memory, plain = (), loss_of(network, jax_library())

        def loss(params: Any, memory: Any, x: Any, t: Any) -> Any:
            return plain(params, x, t), memory

    def step(carry: Any, rows: Any, X: Any, y: Any) -> Any:
        params, memory, state, t = carry
        (value, memory), g = j.value_and_grad(loss, has_aux=True)(params, memory, X[rows], y[rows])
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
        return (params, memory, state, t), value

    params = tree_map(jnp.asarray, network.params())
    zeros = tree_map(jnp.zeros_like, params)
    state = {"sgd": (), "momentum": zeros, "adam": (zeros, zeros)}[workload.optimizer]
    start = (params, tree_map(jnp.asarray, memory), state, jnp.float32(0))
    # Data are arguments: constants would be compiled in, which takes its time. Large
    # convolutions are twenty times slower in XLA inside a scan: there every update is a call.
    whole = not isinstance(network, Convolutions)
    one = j.jit(step)
    scan = j.jit(
        lambda start, orders, *data: j.lax.scan(lambda c, rows: step(c, rows, *data), start, orders)
    )
    rng = np.random.default_rng(0)

    def orders(epochs: int) -> Any:
        order = rng.permutation if shuffle else np.arange
        rows = [order(workload.rows)[: steps * n] for _ in range(epochs)]
        return jnp.asarray(np.stack(rows).reshape(epochs * steps, n))

    def run(orders: Any) -> Any:
        if whole:
            return scan(start, orders, X, y)[1]
        carry, values = start, []
        for rows in orders:
            carry, value = one(carry, rows, X, y)
            values.append(value)
        return jnp.stack(values)

    def train(epochs: int) -> Any:
        return np.asarray(run(orders(epochs))).reshape(epochs, steps).mean(axis=1)

    return train


def scikit_learn(workload: Workload) -> Train:
    """`MLPClassifier.fit` with its early stop and L2 off."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    X, y = workload.data()
    adam = workload.optimizer == "adam"

    def train(epochs: int) -> Any:
        net = MLPClassifier(
            workload.network.sizes[1:-1], solver="adam" if adam else "sgd", alpha=0.0,
            activation={"sigmoid": "logistic", "relu": "relu"}[workload.network.activation],
            batch_size=workload.batch_size, learning_rate_init=0.001 if adam else 0.1,
            momentum=0.9 if workload.optimizer == "momentum" else 0.0, nesterovs_momentum=False,
            max_iter=epochs, tol=0.0, n_iter_no_change=10**9, random_state=0,
        )  # fmt: skip
        with warnings.catch_warnings(), threadpool_limits(workload.threads):
            warnings.simplefilter("ignore", ConvergenceWarning)
            net.fit(X, y)

    return train


def pytorch(workload: Workload) -> Train:
    """Eager, with fused cross-entropy; all data on one tensor, batches by index."""
    import torch
    from torch import nn

    torch.set_num_threads(workload.threads)
    X, y = map(torch.from_numpy, workload.data())
    if isinstance(workload.network, Convolutions):
        X = X.movedim(-1, 1).contiguous()  # channels first

    def train(epochs: int) -> Any:
        torch.manual_seed(0)
        net = torch_network(workload.network)
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


def torch_network(network: Any) -> Any:
    """Return a network as users of PyTorch build it."""
    from torch import nn

    if isinstance(network, Recurrent):

        class Last(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.cells = nn.RNN(network.sample[1], network.hidden, batch_first=True)
                self.out = nn.Linear(network.hidden, network.classes)

            def forward(self, x: Any) -> Any:
                return self.out(self.cells(x)[0][:, -1])

        return Last()
    layers: list[Any] = []
    if isinstance(network, Convolutions):
        height, width, channels = network.sample
        for filters in network.filters:
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            height, width, channels = height // 2, width // 2, filters
        layers += [nn.Flatten(), nn.Linear(height * width * channels, network.classes)]
        return nn.Sequential(*layers)
    activation = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}[network.activation]
    for a, b in zip(network.sizes, network.sizes[1:], strict=False):
        layers += [nn.Linear(a, b), activation()]
    return nn.Sequential(*layers[:-1])


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
    data = library.fann_create_train(
        workload.rows, workload.network.sizes[0], workload.network.sizes[-1]
    )
    targets = np.eye(workload.network.sizes[-1], dtype=np.float32)[y]
    for i in range(workload.rows):
        ctypes.memmove(data.contents.input[i], X[i].ctypes.data, X[i].nbytes)
        ctypes.memmove(data.contents.output[i], targets[i].ctypes.data, targets[i].nbytes)
    sizes = (ctypes.c_uint * len(workload.network.sizes))(*workload.network.sizes)

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
