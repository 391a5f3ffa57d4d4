"""Programs of courses, which fill arrays in place, have the gradients that they write by hand."""

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.core.trees import leaves
from tests.programs import PROGRAMS
from tests.uber import run_text

RECORDED = [name for name, program in PROGRAMS.items() if not program.branches]


def fixed(loss, args):
    """Return the loss as a function of its arrays, and these; whole numbers are fixed before."""
    places = [i for i, arg in enumerate(args) if not isinstance(arg, int)]

    def of_arrays(*arrays):
        given = dict(zip(places, arrays, strict=True))
        return loss(*(given.get(i, arg) for i, arg in enumerate(args)))

    return of_arrays, [args[i] for i in places]


def assert_same(gradients, expected):
    pairs = zip(leaves(gradients), leaves(expected), strict=True)
    for (path, gradient), (_, right) in pairs:
        np.testing.assert_allclose(gradient, right, rtol=1e-7, atol=1e-9, err_msg=str(path))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_gradient_is_the_one_by_hand(name):
    program = PROGRAMS[name]
    args = program.problem(np.random.default_rng(0))
    value, gradients = cr.value_and_grad(program.loss)(*args)
    np.testing.assert_allclose(value, program.loss(*args), rtol=1e-12)
    assert_same(gradients, program.gradients(*args))


@pytest.mark.sampled(quick=6)
@pytest.mark.parametrize("name", RECORDED)
def test_its_program_and_text_give_the_same(name):
    program = PROGRAMS[name]
    args = program.problem(np.random.default_rng(1))
    loss, arrays = fixed(program.loss, args)
    recorded = cr.trace(cr.value_and_grad(loss))(*arrays)
    for road in (recorded, run_text(recorded)):
        value, gradients = road(*arrays)
        np.testing.assert_allclose(value, program.loss(*args), rtol=1e-10)
        assert_same(gradients, program.gradients(*args))


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("name", RECORDED)
def test_compiled_it_gives_the_same(name):
    program = PROGRAMS[name]
    args = program.problem(np.random.default_rng(2))
    loss, arrays = fixed(program.loss, args)
    value = cr.jit(loss)(*arrays)
    np.testing.assert_allclose(value, program.loss(*args), rtol=1e-9)
