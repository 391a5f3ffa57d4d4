"""The central assertions on a differentiable function: all that must hold for every operation."""

import numpy as np

import chainrule as cr
from chainrule._src.core import trees
from chainrule._src.ops.special import SPECIAL
from chainrule._src.text.text import module_text
from chainrule.errors import CompileError
from tests.interpreter import kernel_gradients

OPERATIONS = (
    "argpartition", "det", "cofactor", "pinv",
    "eig_values", "eig_vectors", "eigh_values", "eigh_vectors", "svd_u", "svd_values", "svd_vh",
    "qr_q", "qr_r",
)  # fmt: skip
SCIPY = [name for name, primitive in SPECIAL.primitives.items() if primitive.kernel is None]
NUMPY_ALONE = (
    *(f"{name} runs" for name in (*OPERATIONS, *SCIPY)), "is a mask",
)  # fmt: skip

ORDERS = (), (0, 1), (1, 0)  # one thread, and two that run in either order


def directional(f, xs, vs, step):
    above = f(*(x + step * v for x, v in zip(xs, vs, strict=True)))
    below = f(*(x - step * v for x, v in zip(xs, vs, strict=True)))
    return (above - below) / (2 * step)


def assert_gradients(f, *xs, order=2, step=1e-6, rtol=1e-5, seed=0):
    """Check the pullback of ``f`` against central differences by random projections."""
    rng = np.random.default_rng(seed)
    vs = [rng.normal(size=np.shape(x)) for x in xs]
    value, pullback = cr.vjp(f, *xs)
    np.testing.assert_allclose(value, f(*xs), rtol=1e-13, atol=1e-14)
    u = rng.normal(size=np.shape(value))
    adjoints = pullback(u)
    for x, adjoint in zip(xs, adjoints, strict=True):
        assert adjoint.shape == np.shape(x)
    assert_own_memory(adjoints, xs, u)
    expected = np.sum(u * directional(f, xs, vs, step))
    got = sum(np.sum(a * v) for a, v in zip(adjoints, vs, strict=True))
    scale = 1 + sum(np.abs(a * v).sum() for a, v in zip(adjoints, vs, strict=True))
    np.testing.assert_allclose(got, expected, atol=rtol * scale, rtol=rtol)
    if order > 1:

        def projected(*ys):
            _, pull = cr.vjp(f, *ys)
            return sum(np.sum(a * v) for a, v in zip(pull(u), vs, strict=True))

        assert_gradients(projected, *xs, order=order - 1, step=1e-5, rtol=1e-4, seed=seed + 1)


def assert_own_memory(results, *others):
    """Results can be written into: no other result and none of the other arrays changes."""
    arrays = [leaf for _, leaf in trees.leaves(results) if np.ndim(leaf)]
    others = [leaf for _, leaf in trees.leaves(others) if np.ndim(leaf)]
    for i, array in enumerate(arrays):
        assert array.flags.writeable
        assert not any(np.may_share_memory(array, other) for other in [*arrays[:i], *others])


def assert_keeps_float32(f, *xs):
    small = [np.asarray(x, np.float32) for x in xs]
    value, pullback = cr.vjp(f, *small)
    assert value.dtype == np.float32
    for adjoint in pullback(np.ones(np.shape(value), np.float32)):
        assert adjoint.dtype == np.float32


def run_text(program):
    space = {}
    exec(module_text(program), space)
    return space["value_and_gradients"]


def assert_same(one, two, **tolerance):
    one, two = (dict(trees.leaves(tree)) for tree in (one, two))
    assert one.keys() == two.keys()
    for path in one:
        np.testing.assert_allclose(one[path], two[path], err_msg=str(path), **tolerance)


def assert_three_ways(loss, *args, others=()):
    """Eager, program and text give the same, for these arguments and for other batch sizes.

    So do the kernels of the first, for one thread and shared out, and of the last, shared out.
    """
    program = cr.trace(cr.value_and_grad(loss))(*args)
    text = run_text(program)
    every = [args, *others]
    for i, given in enumerate(every):
        eager = cr.value_and_grad(loss)(*given)
        last_digits = {"rtol": 1e-14, "atol": 1e-15}
        if eager[0].dtype == np.float32:
            last_digits = {"rtol": 5e-7, "atol": 1e-8}
        with np.errstate(over="ignore"):
            roads = [eager, program(*given), text(*given)]
        for road in roads:
            assert_same(eager, road, **last_digits)
            assert_own_memory(road, given)
        if i in (0, len(every) - 1):
            assert_kernel(loss, eager, *given, orders=ORDERS if i == 0 else ORDERS[-1:])
    return program


def assert_kernel(loss, eager, *args, orders=ORDERS):
    """A kernel's loops give the same as the functions, for one thread and shared out."""
    lengths = {np.shape(leaf)[:1] for _, leaf in trees.leaves(args[1:])}
    if len(lengths) > 1 or () in lengths:
        return  # the data are no samples
    digits = {"rtol": 1e-10, "atol": 1e-11}
    if eager[0].dtype == np.float32:
        digits = {"rtol": 1e-4, "atol": 1e-5}
    try:
        for found in kernel_gradients(loss, *args, orders=orders):
            assert_same(eager, found, **digits)
    except CompileError as error:
        if not any(reason in str(error) for reason in NUMPY_ALONE):
            raise
