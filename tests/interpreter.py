"""Kernels run by Python itself: what their text says, without compiling it."""

from contextlib import contextmanager
from symtable import symtable
from unittest import mock

import numpy as np
from scipy import special

import chainrule as cr
from chainrule.autodiff.trees import leaves, map_leaves
from chainrule.compiler import kernels
from chainrule.ops.random import random_bits
from chainrule.running import bound, steps
from chainrule.running.compiling import form_of_step
from chainrule.running.engines import NativeEngine, Outcome
from chainrule.running.recorded import RecordedStep
from chainrule.running.threads import running
from chainrule.validation import as_floats


def carray(memory, shape, dtype):
    assert memory.dtype == np.dtype(dtype)
    return memory.ravel()[: int(np.prod(shape))].reshape(shape)


def empty(shape, dtype):
    """Memory whose content nobody may read before it is written."""
    worst = (
        np.nan if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max if dtype != np.bool_ else 1
    )
    return np.full(shape, worst, dtype)


def share(extent, part, parts):
    return extent * part // parts


def wrap(index, size, fault, number):
    place = index + size if index < 0 else index
    if not 0 <= place < size:
        fault[0], place = number, 0
    return place


def within(entry, size, fault, number):
    if not 0 <= entry < size or entry != np.floor(entry):
        fault[0], entry = number, entry - entry
    return entry


def gemm(ta, tb, m, n, k, a, b, c, rows=1, first=0, last=1, parts=1):
    a = a.reshape(k, m).T if ta else a.reshape(m, k)
    b = b.reshape(n, k).T if tb else b.reshape(k, n)
    if rows:
        here = slice(share(m, first, parts), share(m, last, parts)), slice(None)
    else:
        here = slice(None), slice(share(n, first, parts), share(n, last, parts))
    made = c.reshape(m, n).copy()
    made[here] = (a @ b)[here]
    c[...] = made.reshape(c.shape)


SPACE = {
    "np": np, "inf": np.inf, "carray": carray, "empty": empty, "share": share, "wrap": wrap,
    "within": within, "sgemm": gemm, "dgemm": gemm, "exp": np.exp, "log": np.log, "tanh": np.tanh,
    "erf": special.erf,
    "meet": lambda *_: None,
    "natural": lambda _: None, "flush": lambda: 0, "restore": lambda _: None, "bool": np.bool_,
    "random_bits": random_bits,
    "float32": np.float32, "float64": np.float64,
    **{f"int{bits}": getattr(np, f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": getattr(np, f"uint{bits}") for bits in (8, 16, 32, 64)},
}  # fmt: skip


class Interpreted:
    """Stands for the compiled function."""

    def __init__(self, form):
        self.space = dict(SPACE)
        (names,) = symtable(form.kernel.text, "kernel", "exec").get_children()
        assert not any(s.is_parameter() and s.is_assigned() for s in names.get_symbols())
        exec(form.kernel.text, self.space)
        self.function = self.space[form.kernel.function.name]

    def bound(self, arrays):
        def call():
            with np.errstate(all="ignore"):
                return self.function(*arrays)

        call.point = arrays.__setitem__
        return call


@contextmanager
def interpreted(parts=None):
    """Let kernels be interpreted; with ``parts``, as if several threads shared all work."""
    with (
        mock.patch.object(bound, "load", Interpreted),
        mock.patch.object(steps, "read", return_value=None),
        mock.patch.dict(steps._read, clear=True),  # what another test has read
    ):
        if parts is None:
            yield
        else:
            with (
                mock.patch.object(kernels, "LARGE", -1.0),
                mock.patch.object(bound, "SHARED", parts),
                running(lambda: None),  # so that one thread does all parts: Python's would not meet
            ):
                yield


def kernel_gradient(loss, params, *data, batch_size=None, parts=None):
    """Return a loss and its gradient as a kernel gives them for a single batch."""
    return next(kernel_gradients(loss, params, *data, batch_size=batch_size, ways=[parts]))


def kernel_gradients(loss, params, *data, batch_size=None, ways):
    """Yield them for several numbers of threads."""
    params = map_leaves(lambda leaf: as_floats(leaf, "params", "kernel"), params)
    rows = len(next(leaves(data))[1]) if data else 1

    def step(carry, *batch):
        value, gradient = cr.value_and_grad(loss)(carry["params"], *batch)
        return value, {"params": carry["params"], "gradient": gradient, "value": value}

    example = loss(params, *data)
    zeros = map_leaves(lambda leaf: np.full_like(leaf, np.nan), params)
    carry = {"params": params, "gradient": zeros, "value": np.zeros_like(np.asarray(example))}
    program = RecordedStep(step, loss, carry, data).program(rows)
    for parts in ways:
        with interpreted(parts):
            form = form_of_step(program, data, batch_size or rows)
            engine = NativeEngine(program, form, carry, data, batch_size or rows)
            outcome = Outcome(np.zeros(1))
            engine.run(np.arange(rows)[np.newaxis], batch_size or rows, outcome)
        assert outcome.updates == 1
        yield engine.read("value"), engine.read("gradient")
