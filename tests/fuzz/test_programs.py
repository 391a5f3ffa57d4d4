"""A fixed set of random programs, on every road in NumPy; `make fuzz` runs any number of others."""

import dataclasses
import functools

import numpy as np
import pytest
from tests.fuzz.grammar import program_of
from tests.fuzz.jobs import failing, shrunk
from tests.fuzz.judges import InvalidError, judge
from tests.fuzz.programs import Array, Failure, Node, Program
from tests.fuzz.shrink import smaller

from chainrule._src.core.primitive import NUMPY

SEEDS = range(16)

# What was wrong: a loss of parameters p, and the shape of those.
FOUND = [
    ("np.einsum('ab->', p**2)", (2, 0)),
    ("np.sum(np.einsum('ab,cd->adb', p, p))", (1, 0)),
    ("np.sum(np.einsum('a,b->a', p, p[:0]))", (2,)),
    ("np.prod(p)", (0,)),
    ("np.sum(np.take(p, 0, axis=-1)**2)", ()),
    ("np.sum(np.transpose(p, [1, -2]) @ p)", (2, 3)),
    ("np.sum(np.linalg.norm(p, np.inf, axis=-1)**2)", (2, 0)),
    ("np.sum(np.cos(p[[-2],]))", (2,)),
    ("np.sum(p[..., np.array([[-1]])]**2)", (1, 1)),
    ("np.sum(np.trace(p)**2)", (1, 1)),
    ("np.sum(X[len(X) - 1] * p)", (1,)),
    ("np.trace(np.outer(X, X) * p)", (1,)),
    ("np.sum(X[len(X) // 2] * p**2)", (1,)),
    ("np.sum(p) * np.mean(X / min(len(X), 3))", (1,)),
    ("np.mean(X[-2:].mean() + p)", (2,)),
    ("np.mean(p**len(X))", (2,)),
    ("np.mean(np.arctan2(Z, p))", (1,)),
    ("np.sum(p**2, axis=0, initial=2.0) * np.max(p, axis=-1)", ()),
    ("np.mean((Z / 99) ** p + Z ** (p / 9))", (1,)),
    ("np.mean(X if len(X) > 1 else p)", (1,)),
    ("np.sum(np.remainder(X[4:], np.abs(p) + 1)**2)", (1,)),
    ("np.sum(np.sin((p + X[:, None])[:2]))", (2,)),
    ("np.sum(np.radians(Z) * p) + np.mean(np.degrees(Z > 99) * p)", (1,)),
    ("np.sum(cr.sigmoid((p > 0).astype(int)) * p * np.mean(cr.functions.softplus(Z)))", (2,)),
    ("np.sum(np.quantile(p.astype('f4'), [0.7])) + np.percentile(p.astype('f4'), 30)", (3,)),
    ("np.sum(np.nan_to_num(Z) * p)", (1,)),
    ("np.sum(np.sin(np.clip(X > 0, -1, p.astype('f4')**2)))", (1,)),
    ("np.sum(p > 0)", (1,)),
    ("np.sum(Z > 9)", (1,)),
    ("np.ptp(np.clip(X, -1, (p > 0)**2))", (1,)),
    ("np.sum(np.angle(-0.0 * np.abs(p)) + np.mean(np.angle(Z)) * p)", (2,)),
    ("np.max(p[-1], axis=-1)", (1,)),
    ("np.sum(np.nanmin(p[:0], axis=1)) + np.sum(p**2)", (2, 3)),
    ("np.sum((np.abs(np.log10((X > 0).astype(np.uint8) + 146)) + 0.5) ** p)", (1,)),
    ("np.sum(np.cos(np.linalg.eigh(X.T @ X + 2 * np.eye(3))[0]) / 2)", (1,)),
]
FOUND_COMPILED = [
    ("np.sum(np.append(p, p) * np.arange(8))", (2, 1, 2)),
    ("np.sum(np.sin(np.outer(p[np.array([False]),], X)))", (1,)),
    ("np.sum(Z.astype(bool) * p) + np.sum((Z > 9) + (Z > 99))", (1,)),
]
REFUSED = [
    "np.take(p, [0], axis=5)", "np.transpose(p, (0, 3))", "np.diff(p, axis=5)", "np.rollaxis(p, 5)",
    "np.expand_dims(p, 1.0)", "np.cumprod(p, axis=5)", "np.average(p, axis=5, weights=[1, 2, 3])",
    "np.swapaxes(p, 0, 5)", "np.take_along_axis(p, np.argsort(p), axis=5)", "np.diag(p[0, 0])",
    "np.nanmax(p[:0])", "np.nanmin(p[:, :0], axis=1)",
]  # fmt: skip
WRONG = ("eager", "a wrong gradient")


def verdicts(seeds):
    """Return how programs fail, and how many were held against differences."""
    failures, held = [], 0
    for seed in seeds:
        try:
            held += judge(program_of(seed))["gradient held against differences"]
        except Failure as failure:
            failures.append(f"seed {seed}: {failure}")
        except InvalidError:
            continue
    return failures, held


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("start", range(4))
def test_programs_agree_on_every_road(start):
    failures, held = verdicts(SEEDS[start::4])
    assert not failures, "\n".join(failures)
    assert held >= len(SEEDS) // 4


@pytest.mark.sampled(quick=12)
@pytest.mark.parametrize(("loss", "shape"), FOUND)
def test_what_was_found_stays_mended(loss, shape):
    data = (("X", Array((), rows=True)), ("Z", Array((), "uint8", rows=True, span=256)))
    counts = judge(Program(Array(shape), data, (), Node(loss), 3, (3, 1, 2, 7)))
    assert counts["judged"] or counts["refused: as by NumPy"]  # old ones refuse the norm of nothing


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize(("loss", "shape"), FOUND_COMPILED)
def test_what_was_found_in_kernels_stays_mended(loss, shape):
    data = (("X", Array((), rows=True)), ("Z", Array((), "uint8", rows=True, span=256)))
    program = Program(Array(shape), data, (), Node(loss), 3, (3, 1, 7))
    assert judge(program, ("compiled",))["judged"]


@pytest.mark.parametrize("loss", REFUSED)
def test_what_numpy_refuses_is_refused(loss):
    data = (("X", Array((), rows=True)),)
    counts = judge(Program(Array((2, 3)), data, (), Node(f"np.sum({loss})"), 3, (3, 1)))
    assert counts["refused: as by NumPy"]


def test_the_same_seed_makes_the_same_program():
    assert program_of(3) == program_of(3) != program_of(4)


@pytest.mark.thorough  # of the fuzzer itself
def test_a_wrong_gradient_is_found_and_the_program_made_small(monkeypatch):
    wrong = dataclasses.replace(NUMPY[np.arctan], gradients=(lambda g, y, x: g / (1 + x),))
    monkeypatch.setitem(NUMPY, np.arctan, wrong)
    using = (p for p in map(program_of, range(1000)) if "np.arctan(" in str(p))
    large = next(p for p in using if (failing(judge, p) or ())[:2] == WRONG)
    small, outcome = shrunk(
        large, failing(judge, large), functools.partial(failing, judge), smaller
    )
    assert outcome[:2] == WRONG
    assert "np.arctan(" in str(small)
    assert len(str(small)) < 60


def test_programs_can_be_pasted():
    params = {"W": Array((2,), layout="reversed"), "b": [Array((), "float32")]}
    program = Program(
        params, (("X", Array((2,), rows=True)),), (), Node("np.sum(X @ p['W'])"), 3, (3,)
    )
    space = {"np": np}
    exec(program.pasted(), space)
    value = space["f"](space["p"], space["X"])
    assert value == program.function()(*program.arguments(3))
    assert space["p"]["W"].strides == (-8,)
    assert space["p"]["b"][0].dtype == np.float32
