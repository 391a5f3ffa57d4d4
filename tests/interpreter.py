"""Kernels run by Python itself: what their text says, without compiling it."""

import math
from contextlib import contextmanager
from functools import lru_cache, partial
from symtable import symtable
from threading import Semaphore, Thread, local
from unittest import mock

import numpy as np

import chainrule as cr
from chainrule._src.base.arrays import as_floats
from chainrule._src.compile.lower import kernels, products, reductions, sections
from chainrule._src.compile.lower.routines import ROUTINES
from chainrule._src.compile.running import bound, steps
from chainrule._src.compile.running import form as forms
from chainrule._src.compile.running.compiling import form_of_step
from chainrule._src.compile.running.engines import NativeEngine, Outcome
from chainrule._src.compile.running.recorded import RecordedStep
from chainrule._src.compile.running.threads import running
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.ops.random import random_bits


def carray(memory, shape, dtype):
    assert memory.dtype == np.dtype(dtype)
    return memory.ravel()[: int(np.prod(shape))].reshape(shape)


def empty(shape, dtype):
    """Memory whose content nobody may read before it is written."""
    return np.full(shape, worst(np.dtype(dtype)), dtype)


def worst(dtype):
    """Return a number that shows where it was read."""
    return np.nan if dtype.kind == "f" else 1 if dtype == np.bool_ else np.iinfo(dtype).max


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


def gemm(ta, tb, m, n, k, a, b, c, side="", first=0, last=0):
    a = a.reshape(k, m).T if ta else a.reshape(m, k)
    b = b.reshape(n, k).T if tb else b.reshape(k, n)
    sides = {name: slice(None) for name in ("rows", "columns", "terms")}
    if side:
        sides[side] = slice(first, last)
    made = c.reshape(m, n).copy()
    made[sides["rows"], sides["columns"]] = (
        a[sides["rows"], sides["terms"]] @ b[sides["terms"], sides["columns"]]
    )
    c[...] = made.reshape(c.shape)


def routine(function):
    """Return a routine of kernels that takes arrays for addresses."""

    def run(*arguments):
        function(*(a.reshape(-1) if isinstance(a, np.ndarray) else a for a in arguments))

    return run


SPACE = {
    "np": np, "inf": np.inf, "carray": carray, "empty": empty, "share": share, "wrap": wrap,
    "within": within, "sgemm": gemm, "dgemm": gemm, "exp": np.exp, "log": np.log, "tanh": np.tanh,
    "erf": lambda x: type(x)(math.erf(x)),
    **{name: routine(each) for name, each in ROUTINES.items()},
    "natural": lambda _: None, "flush": lambda: 0, "restore": lambda _: None, "bool": np.bool_,
    "random_bits": random_bits,
    "float32": np.float32, "float64": np.float64,
    **{f"int{bits}": getattr(np, f"int{bits}") for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": getattr(np, f"uint{bits}") for bits in (8, 16, 32, 64)},
}  # fmt: skip


class Turns:
    """Threads of which one runs at a time, in an order, from one meeting to the next.

    Where one needs what another makes, and they have not met, some order shows it.
    """

    def __init__(self, order):
        self.order, self.ready = order, {thread: Semaphore(0) for thread in order}
        self.done, self.left, self.results = Semaphore(0), list(order), {}
        self.here = local()

    def run(self, function, arrays):
        """Return what the first thread returns."""
        for thread in self.order:
            Thread(target=self._run, args=(thread, function, arrays)).start()
        self.ready[self.order[0]].release()
        assert self.done.acquire(timeout=60)
        for result in self.results.values():
            if isinstance(result, BaseException):
                raise result
        return self.results[0]

    def meet(self, *_):
        """Let the others come here, too."""
        thread = self.here.thread
        self.ready[self.left[(self.left.index(thread) + 1) % len(self.left)]].release()
        assert self.ready[thread].acquire(timeout=60)

    def _run(self, thread, function, arrays):
        self.here.thread = thread
        sizes, constants, fault, totals, *rest = arrays
        sizes = sizes.copy()
        sizes[6:8] = thread, len(self.order)
        own = totals if thread == 0 else totals.copy()
        self.ready[thread].acquire()
        try:
            with np.errstate(all="ignore"):
                self.results[thread] = function(sizes, constants, fault, own, *rest)
        except BaseException as error:
            self.results[thread] = error
        place = self.left.index(thread)
        self.left.remove(thread)
        (self.ready[self.left[place % len(self.left)]] if self.left else self.done).release()


@lru_cache(16)
def code_of(text):
    """Return the code of a kernel's text, in which no argument may be assigned."""
    (names,) = symtable(text, "kernel", "exec").get_children()
    assert not any(s.is_parameter() and s.is_assigned() for s in names.get_symbols())
    return compile(text, "kernel", "exec")


class Interpreted:
    """Stands for the compiled function, which threads run in an ``order`` if they share it."""

    def __init__(self, form, order=()):
        self.space, self.order = dict(SPACE), order if form.threads > 1 else ()
        self.places = form.places
        exec(code_of(form.kernel.text), self.space)
        self.function = self.space[form.kernel.function.name]

    def bound(self, arrays):
        for place, array in zip(self.places, arrays[-len(self.places) :], strict=True):
            if place.role == "temporary":
                array[...] = worst(place.dtype)

        def call():
            if self.order:
                turns = Turns(self.order)
                self.space["meet"] = turns.meet
                return turns.run(self.function, arrays)
            with np.errstate(all="ignore"):
                return self.function(*arrays)

        call.point = arrays.__setitem__
        return call


@contextmanager
def interpreted(order=()):
    """Let kernels be interpreted; by several threads in an ``order``, which share all work."""
    with (
        mock.patch.object(bound, "load", partial(Interpreted, order=order)),
        mock.patch.object(steps, "read", return_value=None),
        mock.patch.dict(steps._read, clear=True),  # what another test has read
        mock.patch.dict(forms._written, clear=True),  # or for one thread
    ):
        if not order:
            with mock.patch.object(kernels, "LARGE", np.inf):
                yield
        else:
            with (
                mock.patch.object(kernels, "LARGE", -1.0),
                mock.patch.object(products, "SMALLEST", 1),
                mock.patch.object(reductions, "WORTHWHILE", 1),
                mock.patch.object(sections, "WORTHWHILE", 1),
                running(lambda: None),  # so that one thread is asked for all
            ):
                yield


def kernel_gradient(loss, params, *data, batch_size=None, order=()):
    """Return a loss and its gradient as a kernel gives them for a single batch."""
    return next(kernel_gradients(loss, params, *data, batch_size=batch_size, orders=[order]))


def kernel_gradients(loss, params, *data, batch_size=None, orders):
    """Yield them for one thread, and for several that run in an order.

    What is the same kernel as before, also because no work is shared out, is not run again.
    """
    params = map_leaves(lambda leaf: as_floats(leaf, "params", "kernel"), params)
    rows = len(next(leaves(data))[1]) if data else 1

    def step(carry, *batch):
        value, gradient = cr.value_and_grad(loss)(carry["params"], *batch)
        return value, {"params": carry["params"], "gradient": gradient, "value": value}

    example = loss(params, *data)
    zeros = map_leaves(lambda leaf: np.full_like(leaf, np.nan), params)
    carry = {"params": params, "gradient": zeros, "value": np.zeros_like(np.asarray(example))}
    program = RecordedStep(step, loss, carry, data).program(rows)
    shared_out = form_of(program, data, (0, 1), batch_size or rows) if any(orders) else None
    runs = set()
    for order in orders:
        form = shared_out
        if not order and (shared_out is None or is_divided(shared_out)):
            form = form_of(program, data, order, batch_size or rows)
        run = form.kernel.text, order if form.threads > 1 else ()
        if run not in runs:
            runs.add(run)
            engine = after_an_update(program, carry, data, order, batch_size, form)
            yield engine.read("value"), engine.read("gradient")


def is_divided(form):
    """Whether a form for several threads may differ from the one for a single thread."""
    return form.threads > 1 or "gemm(" in form.kernel.text


def form_of(program, data, order, batch_size):
    """Return the form of a step's program for one thread, or for several in any order."""
    with interpreted(order):
        return form_of_step(program, data, batch_size)


def after_an_update(program, carry, data, order, batch_size=None, form=None):
    """Return the engine of a step's program, which has taken all samples in a batch."""
    rows = len(next(leaves(data))[1]) if data else 1
    form = form or form_of(program, data, order, batch_size or rows)
    with interpreted(order):
        engine = NativeEngine(program, form, carry, data, batch_size or rows)
        outcome = Outcome(np.zeros(1))
        engine.run(np.arange(rows)[np.newaxis], batch_size or rows, outcome)
    assert outcome.updates == 1
    return engine
