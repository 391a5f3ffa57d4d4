"""A fixed set of kernels that, between them, have every loop and every call there is."""

from functools import cache, partial
from itertools import pairwise

import numpy as np

import chainrule as cr
from chainrule._src.compile.lower.kernels import function_kernel
from chainrule._src.compile.running.compiling import step_kernel
from chainrule._src.nn.training.minimize import Update
from chainrule._src.ops.random import random_uniform
from chainrule._src.trace.batch import every
from chainrule._src.trace.passes import expand
from chainrule._src.trace.recurrence.summing import prepared
from chainrule._src.trace.tracing import Recorder

RNG = np.random.default_rng(0)
UNARY = (
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "square", "abs",
    "fabs", "reciprocal", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
    "arcsinh", "arccosh", "arctanh", "negative", "positive", "sign", "floor", "ceil", "rint",
    "trunc", "isnan", "isfinite", "isinf", "logical_not",
)  # fmt: skip
BINARY = (
    "add", "subtract", "multiply", "divide", "power", "float_power", "arctan2", "hypot",
    "logaddexp", "maximum", "minimum", "fmax", "fmin", "remainder", "floor_divide",
    "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "logical_and",
    "logical_or", "logical_xor",
)  # fmt: skip
OF_WHOLE = (
    "bitwise_and", "bitwise_or", "bitwise_xor", "remainder",
    "floor_divide", "power", "multiply", "less", "maximum",
)  # fmt: skip


def elementwise(x, y):
    unary = {name: getattr(np, name)(x) for name in UNARY}
    binary = {name: getattr(np, name)(x, y) for name in BINARY}
    chosen = np.clip(x, 0, 1) + np.where(x > y, x, y) + cr.sigmoid(x) + cr.relu(y)
    return (
        unary,
        binary,
        chosen,
        cr.functions.erf(x),
        cr.stop_gradient(x),
        [x.astype(t) for t in ["f4", "f8", "u1", "i8"]],
    )


def whole(a, b, mask, natural):
    ones = [
        [getattr(np, name)(x) for name in ("abs", "isnan", "isfinite", "isinf")]
        for x in (a, mask, natural)
    ]
    both = [[getattr(np, name)(x, x[::-1]) for name in OF_WHOLE] for x in (a, natural)]
    others = np.sign(a), np.sign(natural), ~a, ~mask, mask & (a > b), mask ^ mask, a / b
    hot = [cr.one_hot(99, x) for x in (a, natural, a.astype(np.float32))]
    return ones, both, others, hot, random_uniform(a[0], b[0], (5,), np.float32)


def moved(x, y, index):
    windows = np.lib.stride_tricks.sliding_window_view(x, 2, axis=1)
    return [
        x.T[1:], x.reshape(-1, 2), x[:, None], np.broadcast_to(x, (2, *x.shape)), np.flip(x),
        np.roll(x, 2, 1), np.tile(x, 2), np.repeat(x, 3, 1), np.tril(x), np.triu(x),
        np.pad(x, 1), windows, np.concatenate([x, y]), np.stack([x, y]), x[index], x[:, 1:-1],
        x[:, :1].squeeze(1), np.swapaxes(x, 0, 1)[index],
    ]  # fmt: skip


def moved_back(x, y, index):
    return cr.grad(lambda x: sum(np.sum(part**2) for part in moved(x, y, index)))(x)


def written(x, index, w):
    """Fill arrays: by numbers, slices with steps, index arrays and for any number of samples."""
    y, z = np.zeros((len(x), 6), x.dtype), x * 2
    for i in range(1, 6):
        y[:, i] = np.tanh(y[:, i - 1] * w[i] + x[:, i])
    y[1:, ::2] += w[1]
    y[::-1, 5:1:-2] = w[:2]
    y[np.arange(len(y)), np.argmax(x, axis=1)] -= 1
    z[-2:] = 0.5
    z[index] = x[:4]
    z[:, index] *= w[2]
    h = np.zeros(6, x.dtype)
    for i in range(6):
        h[i] = h[i - 1] * w[i] + 1
    return y, z @ h


def written_back(x, index, w):
    return cr.grad(lambda x, w: sum(np.sum(part**2) for part in written(x, index, w)), (0, 1))(x, w)


def filling(params, X, y):
    W, b = params
    h = np.zeros((len(X), 2 * len(b)), X.dtype)
    h[:, ::2] = np.tanh(X @ W)
    h[:, 1::2] = h[:, ::2] * b
    h[h < 0.1] *= 0.5
    h[np.arange(len(h)), y] += 1
    return cr.nll(cr.one_hot(h.shape[1], y), cr.softmax(h))


def reduced(x):
    along = np.sum, np.prod, np.max, np.min, np.argmax, np.argmin, np.cumsum, np.any, np.all, np.var
    results = [f(x, axis=axis) for f in along for axis in (0, 1)]
    return results, np.sum(x), cr.functions.logsumexp(x), np.linalg.norm(x)


def turned(x, y):
    def waves(x):
        return sum(wave(x + i) for i in range(10) for wave in (np.sin, np.cos, np.tan))

    return waves(x), np.sum(waves(y))


def multiplied(a, b, v):
    stacked = np.stack([a, 2 * a])
    return (
        a @ b, a.T @ a, a @ a.T, a @ v, stacked @ b, np.tensordot(stacked, b, 1),
        np.einsum("ij,jk->ki", a, b), np.einsum("ij,ij->i", a, a), np.einsum("ii->i", a[:3, :3]),
        cr.vmap(np.matmul)(stacked, stacked.mT),
    )  # fmt: skip


def matrices(a, b, *whole):
    square = a @ a.T + np.eye(4)
    ordered = [np.argsort(x, axis=axis) for x in (a, *whole) for axis in (0, -1)]
    return ordered, np.linalg.inv(square), np.linalg.solve(square, b), np.linalg.cholesky(square)


def network(params, X, y):
    h = X
    for W, b in params:
        h = np.tanh(h @ W + b)
    return cr.nll(cr.one_hot(h.shape[-1], y), cr.softmax(h)) + 1e-4 * np.sum(params[0][0] ** 2)


def recurrent(params, X, y):
    W, U = params

    def step(h, x):
        h = np.tanh(x @ W + h @ U)
        return h, h

    h, _ = cr.scan(step, np.zeros((len(X), len(U)), X.dtype), np.moveaxis(X, 1, 0))
    return cr.nll(cr.one_hot(h.shape[-1], y), cr.softmax(h))


def weights(dtype, *sizes):
    return [
        (RNG.normal(size=pair).astype(dtype), np.zeros(pair[1], dtype)) for pair in pairwise(sizes)
    ]


def of(f, *args):
    """Return the program and the kernel of a function."""
    program = Recorder(f, args, prepared, values=False).alone()
    return program, function_kernel(program)


def general(f, x, *others):
    """Return the program and the kernel of a function, for any number of rows of ``x``."""
    recorder = Recorder(f, (x, *others), prepared, lambda path: path == ("x",), values=False)
    program = recorder.serving(len(x))
    assert program is not None
    return program, function_kernel(program)


def training(loss, params, data, batch_size, rule):
    """Return the step and the kernel of a run."""
    step = Update(loss, rule)
    carry = {"params": params, "state": rule.init(params)}
    kernel = step_kernel(step, loss, carry, data, batch_size)
    batch = [leaf[:batch_size] for leaf in data]
    return Recorder(step, (carry, *batch), prepared, values=False).alone(), kernel


def numbers(*shape, dtype="f4"):
    return RNG.uniform(1.1, 2, shape).astype(dtype)


LABELS = np.arange(256) % 10
IMAGES = numbers(256, 12)
ADAM = cr.optimizers.Adam(0.01)
SGD = cr.optimizers.SGD(0.1)
WHOLE = np.arange(40), np.arange(1, 41), np.arange(40) > 3, np.arange(1, 41, dtype=np.uint16)
TWO = numbers(4, 6), numbers(4, 6), np.array([2, 0, 2, 2])
WRITTEN = numbers(8, 6), np.array([3, 1, 0, 1]), numbers(6)
MATRICES = [(np.arange(12).reshape(3, 4) % 5).astype(dtype) for dtype in ("i8", "u2", "?")]
SERIES = numbers(64, 5, 3), LABELS[:64] % 8
SMALL, LARGE = weights("f4", 12, 10, 200, 10), weights("f4", 12, 256, 10)
DOUBLE = IMAGES.astype("f8"), LABELS
MAKERS = {
    "matrices": partial(of, matrices, numbers(4, 6), numbers(4, 2), *MATRICES),
    "elementwise float32": partial(of, elementwise, numbers(40), numbers(40)),
    "elementwise float64": partial(of, elementwise, *numbers(2, 40, dtype="f8")),
    "whole": partial(of, whole, *WHOLE),
    "moved": partial(of, moved, *TWO),
    "moved back": partial(of, moved_back, *TWO),
    "written": partial(of, written, *WRITTEN),
    "written, any number of samples": partial(general, written, *WRITTEN),
    "written back": partial(of, written_back, *WRITTEN),
    "filling": partial(training, filling, weights("f4", 12, 5)[0], (IMAGES, LABELS), 16, ADAM),
    "filling, threads": partial(
        training, filling, weights("f4", 12, 256)[0], (IMAGES, LABELS), 256, ADAM
    ),
    "turned float32": partial(of, turned, numbers(40), numbers(50)),
    "turned float64": partial(of, turned, *numbers(2, 40, dtype="f8")),
    "reduced": partial(of, reduced, numbers(600, 1100)),
    "multiplied": partial(of, multiplied, numbers(3, 4), numbers(4, 5), numbers(4)),
    "one sample": partial(training, network, SMALL, (IMAGES, LABELS), 1, SGD),
    "threads": partial(training, network, LARGE, (IMAGES, LABELS), 256, ADAM),
    "float64": partial(training, network, weights("f8", 12, 80, 10), DOUBLE, 32, ADAM),
    "recurrence": partial(training, recurrent, [numbers(3, 8), numbers(8, 8)], SERIES, 16, SGD),
}


@cache
def everything():
    """Return programs and kernels by name."""
    with np.errstate(all="ignore"):
        return {name: make() for name, make in MAKERS.items()}


def primitives_of(program):
    """Return the names of the operations in a program, those inside others too."""
    return {e.primitive.name for e in every(expand(program).equations)}
