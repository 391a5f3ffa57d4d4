"""`vmap` against the function done for one example after another: values and derivatives."""

import pickle
from types import ModuleType

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.draws import draws
from tests.ops.test_gradients import BINARY, CASES, LIBRARY, POSITIVE_DEFINITE, UNARY, draw
from tests.uber import assert_same, assert_three_ways

import chainrule as cr
from chainrule._src import ops
from chainrule._src.core.primitive import Family
from chainrule._src.ops.random import random_uniform
from chainrule._src.ops.special import SPECIAL  # noqa: F401
from chainrule._src.trace.batching.call import one_by_one
from chainrule._src.trace.batching.replaying import rule_of
from chainrule.errors import DataError, ShapeError, TraceError

SIZE = 3
DIGITS = {"rtol": 1e-9, "atol": 1e-11}
RNG = np.random.default_rng(0)
A, B, C = RNG.normal(size=(3, 4, 5)), RNG.normal(size=(3, 5)), RNG.normal(size=(3, 2, 5))
places = st.sampled_from([0, -1, None])
shapes = st.lists(st.integers(1, 3), max_size=2).map(tuple)


def one_after_another(f, axes, *xs):
    """What `vmap` stands for."""

    def one(i):
        pairs = zip(xs, axes, strict=True)
        return f(*(x if a is None else np.moveaxis(x, a, 0)[i] for x, a in pairs))

    return np.stack([one(i) for i in range(SIZE)])


def assert_maps(f, axes, xs, out=0):
    """Values agree, the gradient of them all, and the gradients example by example."""
    pairs = list(zip(xs, axes, strict=True))
    xs = [
        x if axis is None else np.stack([x * (1 + i / 64) for i in range(SIZE)], axis)
        for x, axis in pairs
    ]
    mapped = cr.vmap(f, in_axes=axes, out_axes=out)
    expected = one_after_another(f, axes, *xs)
    value = np.moveaxis(mapped(*xs), out, 0)
    assert value.dtype == expected.dtype
    np.testing.assert_allclose(value, expected, **DIGITS)

    def gradient(g):
        return cr.grad(lambda *xs: np.sum(np.sin(g(*xs))), tuple(range(len(xs))))

    expected = gradient(lambda *xs: one_after_another(f, axes, *xs))(*xs)
    assert_same(gradient(mapped)(*xs), expected, **DIGITS)
    each = cr.vmap(gradient(f), in_axes=axes)(*xs)
    joined = [
        g.sum(axis=0) if axis is None else np.moveaxis(g, 0, axis)
        for g, axis in zip(each, axes, strict=True)
    ]
    assert_same(tuple(joined), expected, **DIGITS)


def axes_for(data, count):
    some = st.tuples(*[places] * count).filter(lambda axes: set(axes) != {None})
    return data.draw(some)


@pytest.mark.sampled(quick=27)
@pytest.mark.parametrize("name", list(CASES))
@given(data=st.data())
@draws(3)
def test_every_operation(name, data):
    f, *xs = CASES[name]
    assert_maps(f, axes_for(data, len(xs)), xs, out=data.draw(st.sampled_from([0, -1])))


@pytest.mark.parametrize("name", list(UNARY))
def test_unary(name):
    x = draw(RNG, (2, 3), UNARY[name])
    assert_maps(getattr(np, name), (-1,), [x / (1 + 1 / 32)])


@pytest.mark.parametrize("f", LIBRARY, ids=lambda f: f.__name__)
def test_library_functions(f):
    assert_maps(f, (0,), [draw(RNG, (2, 3))])


@pytest.mark.parametrize("name", list(BINARY))
@given(one=shapes, other=shapes, data=st.data())
@draws(5)
def test_binary_with_broadcasting(name, one, other, data):
    try:
        np.broadcast_shapes(one, other)
    except ValueError:
        other = ()
    xs = [RNG.uniform(0.4, 0.6, one), RNG.uniform(1.4, 1.6, other)]
    assert_maps(getattr(np, name), axes_for(data, 2), xs)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "var", "std", "argmax"])
@given(shape=shapes, data=st.data(), keepdims=st.booleans())
@draws(5)
def test_reductions(name, shape, data, keepdims):
    rank = len(shape)
    axis = data.draw(st.none() | st.integers(-rank, rank - 1) if rank else st.none())
    if name == "std":
        shape = tuple(size + 1 for size in shape)
    x = draw(RNG, shape)
    assert_maps(
        lambda x: getattr(np, name)(x, axis=axis, keepdims=keepdims) + 0 * np.sum(x), (0,), [x]
    )


MORE = {
    "svd": (lambda x: np.linalg.svd(x, full_matrices=False)[1], POSITIVE_DEFINITE[:2]),
    "eigh": (lambda x: np.linalg.eigh(x)[0], POSITIVE_DEFINITE),
    "pinv": (np.linalg.pinv, POSITIVE_DEFINITE[:2]),
    "solve one of many": (
        lambda a, b: np.linalg.solve(np.stack([a, 2 * a]), b[:, None]),
        POSITIVE_DEFINITE, POSITIVE_DEFINITE[0],
    ),
    "partition": (lambda x: np.partition(x, 1, axis=0), A[0]),
    "median": (lambda x: np.median(x, axis=1), A[0]),
    "vectors of matrices": (lambda v, A: v @ A, A[0, 0], A.transpose(0, 2, 1)),
    "matrices of vectors": (lambda A, v: A @ v, A, A[0, 0]),
    "einsum of three": (lambda a, b, c: np.einsum("ij,j,kj->ki", a, b, c), A[0], B[0], C[0]),
    "scipy": (lambda x: scipy.special.gammaln(x**2 + 1) + scipy.special.xlogy(2, x**2 + 1), B[0]),
    "random": (lambda x: x * random_uniform(np.argmax(x), 1, (5,)), B[0]),
    "outside": (lambda x: np.tanh(x) @ A[0].T + 3, B[0]),
    "same for all": (lambda x: np.zeros_like(x) + B[0], B[0]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(MORE))
@given(data=st.data())
@draws(3)
def test_more_operations(name, data):
    f, *xs = MORE[name]
    assert_maps(f, axes_for(data, len(xs)), xs)


def picked(x, i):
    """Index with numbers that are computed, between and beside slices."""
    i = np.abs(i).astype(np.int64) % 2
    found = [
        x[i], x[:, i], x[..., i], x[i, :, i], x[0, :, i], x[1, i], x[i, 1], x[:, None, i, None, 1:],
        x[i[:2, None], i], x[i[0]], x[:, i[0], i], np.sort(x, axis=1), x[i, ..., None],
    ]  # fmt: skip
    return np.stack([np.sum(y**2 * np.cos(np.arange(y.size)).reshape(y.shape)) for y in found])


@given(data=st.data())
@draws(8)
def test_indices_that_are_computed(data):
    x, i = RNG.normal(size=(2, 2, 2)), np.array([1.0, 0.0, 3.0])
    axes = axes_for(data, 2)
    xs = [x if axes[0] is None else np.stack([x, 2 * x, 3 * x], axes[0])]
    xs += [i if axes[1] is None else np.stack([i, i + 1, i + 2], axes[1])]

    def total(f):
        return cr.grad(lambda x, i: np.sum(np.sin(f(x, i))))

    def looped(x, i):
        return one_after_another(picked, axes, x, i)

    mapped = cr.vmap(picked, axes)
    np.testing.assert_allclose(mapped(*xs), looped(*xs), **DIGITS)
    np.testing.assert_allclose(total(mapped)(*xs), total(looped)(*xs), **DIGITS)


MASK = np.array([[True, False, True], [False, False, True]])
# The index into an array of shape (2, 3, 4), and the shape of the value; `i` and `j` are computed.
WRITTEN = {
    "one entry": (lambda i, j: np.s_[1, 2, 0], ()),
    "number, last axis": (lambda i, j: np.s_[1], (4,)),
    "number for all": (lambda i, j: np.s_[...], ()),
    "leading axes of size 1": (lambda i, j: np.s_[:, 1], (1, 2, 4)),
    "ellipsis": (lambda i, j: np.s_[..., 1], (2, 3)),
    "steps": (lambda i, j: np.s_[:, ::-2, 1:3], (2, 1)),
    "new axis": (lambda i, j: np.s_[None, 1, :, ::2], (1, 3, 2)),
    "mask": (lambda i, j: MASK, (3, 4)),
    "mask, number": (lambda i, j: np.s_[MASK, ...], ()),
    "known": (lambda i, j: np.s_[:, [0, 2]], (2, 2, 4)),
    "known twice": (lambda i, j: np.s_[:, [1, 0, 1]], (3, 4)),
    "known apart": (lambda i, j: np.s_[[0, 1], :, [3, 2]], (2, 3)),
    "computed": (lambda i, j: np.s_[:, i], (2, 3, 4)),
    "computed, number": (lambda i, j: np.s_[:, i], ()),
    "computed, row": (lambda i, j: np.s_[i % 2], (4,)),
    "computed, more axes": (lambda i, j: np.s_[1, i], (1, 1, 3, 4)),
    "computed last": (lambda i, j: np.s_[..., j], (3, 3)),
    "computed, known": (lambda i, j: np.s_[[0, 1, 1], i], (3, 4)),
    "computed, grid": (lambda i, j: np.s_[i[:2, None] % 2, :, j], (3,)),
    "computed twice": (lambda i, j: np.s_[1, i, j], (3,)),
    "computed between": (lambda i, j: np.s_[1, :, i], (3, 3)),
    "one computed": (lambda i, j: np.s_[:, i[0], ::2], (2, 2)),
}


@pytest.mark.parametrize("name", list(WRITTEN))
@given(data=st.data())
@settings(max_examples=6)
def test_arrays_that_are_written_into(name, data):
    index, shape = WRITTEN[name]

    def written(x, v, i):
        i = np.abs(i).astype(np.int64)
        y = x * 1
        y[index(i % 3, i % 4)] = v
        y[0] *= x[1]
        return y

    xs = RNG.normal(size=(2, 3, 4)), RNG.normal(size=shape), np.array([4.0, 5.0, 1.0])
    maps = data.draw(st.tuples(*[st.booleans()] * 3).filter(any))
    axes = tuple(0 if mapped else None for mapped in maps)
    xs = [
        x + np.arange(3.0).reshape(-1, *(1,) * x.ndim) if mapped else x
        for x, mapped in zip(xs, maps, strict=True)
    ]

    def total(f):
        return cr.grad(lambda x, v: np.sum(np.sin(f(x, v, xs[2]))), (0, 1))

    def looped(*xs):
        return one_after_another(written, axes, *xs)

    mapped = cr.vmap(written, axes)
    np.testing.assert_allclose(mapped(*xs), looped(*xs), **DIGITS)
    assert_same(total(mapped)(*xs[:2]), total(looped)(*xs[:2]), **DIGITS)


def filled(w, x):
    """Return an array that is filled row by row, and by a loop over entries."""
    h = np.zeros((4, 3))
    for t in range(1, 4):
        h[t] = np.tanh(h[t - 1] * w + x[t])
    out = np.empty(3)
    for i in range(3):
        out[i] = np.sum(h[:, i] * w[i])
    h[h < 0] *= 0.1
    return out + np.sum(h, axis=0)


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
def test_arrays_that_are_filled_in_loops(axes):
    assert_maps(filled, axes, [RNG.normal(size=3), RNG.normal(size=(4, 3))])


def recurrent(w, b, x):
    def cell(carry, x):
        h, count = carry
        h = np.tanh(w * h + x + b)
        return (h, count + 1), (h**2, x)

    (h, count), (squares, xs) = cr.scan(cell, (np.zeros(5), 0.0), x)
    return np.sum(h) * count + np.sum(squares, axis=1) + np.sum(xs)


@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (None, None, 1), (0, 0, 0)])
def test_recurrences(axes):
    assert_maps(recurrent, axes, [B[0], B[1], A[0]])


def test_a_recurrence_whose_carry_is_mapped_late():
    def f(x):
        def cell(carry, _):
            a, b, c = carry
            return (np.float64(1.0), a + b, x * c), a * b

        (a, b, c), ys = cr.scan(cell, (np.float64(2.0), 0.0, np.ones(5)), length=4)
        return a + b * c + np.sum(ys)

    assert_maps(f, (0,), [B[0]])


def test_maps_within_maps():
    def f(x, y):
        return np.sum(np.tanh(x * y))

    every = cr.vmap(cr.vmap(f, in_axes=(None, 0)), in_axes=(0, None))
    expected = [[f(x, y) for y in B] for x in B]
    np.testing.assert_allclose(every(B, B), expected, **DIGITS)


def test_jacobians_and_hessians_either_way_round():
    def f(x):
        return np.tanh(x) * np.sum(x**2)

    whole = cr.jacobian(cr.vmap(f))(B)
    each = cr.vmap(cr.jacobian(f))(B)
    np.testing.assert_allclose(whole[range(3), :, range(3)], each, **DIGITS)
    curved = cr.vmap(cr.hessian(lambda x: np.sum(f(x))))(B)
    np.testing.assert_allclose(curved[1], cr.hessian(lambda x: np.sum(f(x)))(B[1]), **DIGITS)
    total = cr.hessian(lambda X: np.sum(cr.vmap(f)(X)))(B)
    np.testing.assert_allclose(total[1, :, 1], curved[1], **DIGITS)


def test_trees_and_arguments_by_keyword():
    def f(p, x, *, scale):
        return {"y": x @ p["w"] + p["b"], "scale": scale}, p["b"]

    p = {"w": A[0].T, "b": B[:, 0]}
    mapped = cr.vmap(f, in_axes=({"w": None, "b": 0}, 0), out_axes=({"y": 1, "scale": 0}, 0))
    found, b = mapped(p, B, scale=B[:, 1])
    np.testing.assert_allclose(found["y"], (B @ A[0].T + B[:, :1]).T)
    np.testing.assert_array_equal(found["scale"], B[:, 1])
    np.testing.assert_array_equal(b, B[:, 0])


def test_what_is_the_same_for_all_stays_alone():
    x, same = cr.vmap(lambda x, w: (x, w**2), in_axes=(0, None), out_axes=(0, None))(B, 3.0)
    assert x.shape == B.shape
    assert same == 9.0


def test_no_examples():
    found = cr.vmap(lambda x: (np.sort(x)[:2], random_uniform(np.argmax(x), 0, (4,))))(B[:0])
    assert [y.shape for y in found] == [(0, 2), (0, 4)]


def network(p, x, y):
    h = np.tanh(x @ p["W"] + p["b"])
    return -np.sum(y * cr.functions.log_softmax(h @ p["V"]), axis=-1)


def network_loss(p, X, Y):
    return np.mean(cr.vmap(network, in_axes=(None, 0, 0))(p, X, Y))


def models_loss(p, X, Y):
    return np.sum(cr.vmap(lambda p: np.mean(network(p, X, Y)))(p))


P = {"W": RNG.normal(size=(4, 6)), "b": np.zeros(6), "V": RNG.normal(size=(6, 3))}
X, Y = RNG.normal(size=(8, 4)), np.eye(3)[RNG.integers(0, 3, 8)]


def test_samples_as_program_text_and_kernel_of_any_batch_size():
    program = assert_three_ways(network_loss, P, X, Y, others=[(P, X[:3], Y[:3])])
    expected = cr.value_and_grad(lambda p: np.mean(network(p, X, Y)))(P)
    assert_same(program(P, X, Y), expected, **DIGITS)


def test_models_side_by_side_train_as_each_alone():
    many = {name: np.stack([x, x / 2, x + 0.1]) for name, x in P.items()}
    assert_three_ways(models_loss, many, X, Y)
    how = {"epochs": 3, "batch_size": 4, "shuffle": False}
    together = cr.minimize(models_loss, many, X, Y, **how)[0]
    for i in range(3):
        alone = {name: x[i] for name, x in many.items()}
        found = cr.minimize(lambda p, X, Y: np.mean(network(p, X, Y)), alone, X, Y, **how)[0]
        assert_same({name: x[i] for name, x in together.items()}, found, **DIGITS)


def test_one_product_for_all_where_one_operand_alone_is_mapped():
    def products(f, *xs):
        names = [e.primitive.name for e in cr.trace(f)(*xs).equations]
        return [name for name in names if name in ("matmul", "matmul_last", "tensordot", "einsum")]

    assert products(cr.vmap(lambda x: A[0] @ x), B) == ["tensordot"]
    assert products(cr.vmap(lambda x: x @ C[0].T), A) == ["tensordot"]
    assert products(cr.vmap(lambda w: A[0] @ w), A.transpose(0, 2, 1)) == ["tensordot"]
    assert products(cr.vmap(lambda x, w: x @ w), A, A.transpose(0, 2, 1)) == ["matmul_last"]


def test_which_operations_are_done_one_by_one():
    rooms = [room for room in vars(ops).values() if isinstance(room, ModuleType)]
    families = [part for room in rooms for part in vars(room).values() if type(part) is Family]
    every = {p for family in families for p in family.primitives.values()}
    assert {p.name for p in every if rule_of(p) is one_by_one} == {"random_uniform"}


def test_errors_teach():
    def identity(x, y=None):
        return x

    with pytest.raises(ShapeError, match=r"args\[0\] has 3, args\[1\] has 5"):
        cr.vmap(identity, in_axes=(0, 1))(B, B)
    with pytest.raises(ShapeError, match="no axis 0 to be mapped along; None in in_axes"):
        cr.vmap(identity)(B, 2.0)
    with pytest.raises(DataError, match="no argument is mapped"):
        cr.vmap(identity, in_axes=None)(B)
    with pytest.raises(DataError, match=r"\[0, 0\] does not fit 1 entries"):
        cr.vmap(identity, in_axes=(0, 0))(B)
    with pytest.raises(DataError, match="differs from example to example"):
        cr.vmap(identity, out_axes=None)(B)
    with pytest.raises(ShapeError, match="out_axes is 2 for result, which has shape"):
        cr.vmap(identity, out_axes=2)(B)
    with pytest.raises(DataError, match="must hold numbers"):
        cr.vmap(identity)(np.array(["a"]))
    with pytest.raises(DataError, match="must be a function"):
        cr.vmap(3)
    with pytest.raises(TraceError, match="another number of entries for each example"):
        cr.vmap(lambda x: x[x > 0])(B)
    with pytest.raises(TraceError, match=r"np\.where"):
        cr.vmap(lambda x: x if x[0] > 0 else -x)(B)


def test_shown_and_pickled_by_how_it_was_made():
    mapped = cr.vmap(np.sum, in_axes=1)
    assert repr(mapped) == "vmap(sum, 1, 0)"
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(mapped))(B), B.sum(axis=0))
