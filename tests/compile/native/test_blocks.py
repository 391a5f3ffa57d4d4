"""Long sums: as few digits are lost as in NumPy's, whatever the loops around them."""

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.compile.lower.nodes import PART, Buffer, Const, Local, N
from chainrule._src.compile.lower.statements import Accumulate, Let, Loop, Store
from chainrule._src.compile.native.blocks import ENTRIES, LARGEST, ROWS, in_blocks

SUMS = {
    "sum": np.sum,
    "of columns": lambda x: np.sum(x, axis=0),
    "of rows": lambda x: np.sum(x, axis=-1),
    "mean": np.mean,
    "means of columns": lambda x: np.mean(x, axis=0),
    "variance": np.var,
    "variances of columns": lambda x: np.var(x, axis=0),
    "squares": lambda x: np.sum(x * x, axis=0),
    "product": lambda x: np.tensordot(x, x, (0, 0)),
    "einsum": lambda x: np.einsum("i...->...", x),
    "gradient": lambda x: cr.grad(lambda w: np.sum(np.tanh(x * w)))(np.float32(0.5)),
}


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize(
    "shape", [(400_000, 3), (400_000, 1), (30_000, 40), (3, 400_000), (60, 17_000), (700, 900, 2)]
)
def test_no_more_digits_are_lost_than_in_numpys_sums(shape):
    x = np.random.default_rng(0).random(shape, np.float32)
    chosen = {name: f for name, f in SUMS.items() if name != "product" or shape[1:] < (100,)}
    found = cr.jit(lambda x: {name: f(x) for name, f in chosen.items()})(x)
    for name, f in chosen.items():
        exact = f(x.astype(np.float64))
        np.testing.assert_allclose(found[name], exact, rtol=5e-6, err_msg=name)


def test_one_kernel_is_as_exact_for_many_rows_as_for_few():
    f = cr.jit(lambda x: (np.sum(x, axis=0), np.var(x)))
    rng = np.random.default_rng(0)
    for rows in (5, 7, 300_000):
        x = rng.random((rows, 3), np.float32)
        for got, exact in zip(f(x), (np.sum(x, 0, np.float64), np.var(x, dtype="f8")), strict=True):
            np.testing.assert_allclose(got, exact, rtol=5e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, ROWS - 1, ROWS, ROWS + 1, 3 * ROWS + 5])
def test_every_entry_is_added_once(rows, dtype):
    x = np.arange(rows * 6, dtype=dtype).reshape(rows, 2, 3) % 64
    f = cr.jit(lambda x: (np.sum(x), np.sum(x, axis=0), np.sum(x, axis=(0, 2))))
    for got, exact in zip(f(x), (x.sum(), x.sum(0), x.sum((0, 2))), strict=True):
        np.testing.assert_array_equal(got, exact)


KIND = np.dtype(np.float32)
ROW, COLUMN, OTHER = (Local(name) for name in "ijk")
TOTAL = Local("total", KIND)
A, B = (Buffer(name, (N, 10), KIND, (0, 1)) for name in "ab")
SMALL, WIDE = (Buffer("s", (size,), KIND, (0,)) for size in (10, LARGEST + 1))
PARTS = Buffer("parts", (4, 10), KIND, (0, 1))
ENTRY = A.at((ROW, COLUMN))


def over(item, size=10):
    return Loop(ROW, N, [Loop(COLUMN, Const(size), [item])])


@pytest.mark.parametrize(
    "loop",
    [
        over(Accumulate(TOTAL, ENTRY)),
        over(Accumulate(SMALL.at((COLUMN,)), ENTRY)),
        over(Accumulate(PARTS.at((PART, COLUMN)), ENTRY)),
        Loop(ROW, Const(ROWS + 1), [Loop(COLUMN, Const(3), [Accumulate(TOTAL, ENTRY)])]),
        Loop(ROW, Const(ENTRIES + 1), [Accumulate(TOTAL, ENTRY)]),
    ],
)
def test_what_is_added_up_in_blocks(loop):
    (block,) = [item for item in in_blocks(loop) if isinstance(item, Loop)]
    assert block.var is not ROW
    assert block.step.value in (ROWS, ENTRIES)


@pytest.mark.parametrize(
    "loop",
    [
        Loop(ROW, Const(ENTRIES), [Accumulate(TOTAL, ENTRY)]),
        Loop(ROW, Const(ROWS), [Loop(COLUMN, Const(10), [Accumulate(SMALL.at((COLUMN,)), ENTRY)])]),
        over(Accumulate(B.at((ROW, COLUMN)), ENTRY)),
        over(Accumulate(TOTAL, ENTRY, "mul")),
        over(Accumulate(Local("count"), Const(1))),
        over(Accumulate(WIDE.at((COLUMN,)), ENTRY), LARGEST + 1),
        Loop(ROW, N, [Loop(COLUMN, N, [Accumulate(SMALL.at((COLUMN,)), ENTRY)])]),
        Loop(ROW, N, [Let(TOTAL, ENTRY), Accumulate(TOTAL, ENTRY)]),
        Loop(ROW, N, [Accumulate(TOTAL, ENTRY), Store(B.at((ROW, COLUMN)), TOTAL)]),
        Loop(
            ROW, N, [Loop(COLUMN, Const(10), [Accumulate(SMALL.at((COLUMN,)), SMALL.at((OTHER,)))])]
        ),
        Loop(
            ROW, N, [Accumulate(SMALL.at((COLUMN,)), ENTRY), Accumulate(SMALL.at((OTHER,)), ENTRY)]
        ),
        Loop(ROW, N, [Let(OTHER, ROW), Accumulate(SMALL.at((OTHER,)), ENTRY)]),
    ],
)
def test_what_is_not(loop):
    """What is short, no sum, used on the way, or in another place each turn stays as it is."""
    (same,) = in_blocks(loop)
    assert (same.var, same.step) == (ROW, loop.step)
