"""Axes of reductions and orderings: what NumPy does with them, and what it refuses."""

import numpy as np
import pytest
from numpy.exceptions import AxisError
from tests.cases import case

import chainrule as cr
from chainrule._src.core import forms
from chainrule._src.core.tensor import Level, Tensor

SEVERAL = [
    "sum", "mean", "prod", "max", "min", "var", "std", "any", "all", "ptp", "median", "average",
    "nansum", "nanmean", "nanprod", "nanvar", "nanstd", "nanmax", "nanmin", "count_nonzero",
]  # fmt: skip
SINGLE = ["argmax", "argmin", "cumsum", "cumprod", "sort", "argsort"]
OTHERS = {
    "quantile": lambda x, axis: np.quantile(x, 0.3, axis=axis),
    "partition": lambda x, axis: np.sort(np.partition(x, 0, axis=axis), axis=None),
    "weighted": lambda x, axis: np.average(x, axis=axis, weights=np.ones(np.shape(x))),
    "chosen": lambda x, axis: np.mean(x, axis=axis, where=np.ones(np.shape(x), bool)),
    "tensordot": lambda x, axis: np.tensordot(x, x, (axis, axis)),
    "norm": lambda x, axis: np.linalg.norm(x, axis=axis),
    "minimum": lambda x, axis: x.min(axis),
    "average": lambda x, axis: x.mean(axis),
}
IN_NUMPY = {"median", "quantile", "partition", "sort", "argsort"}


def of_numpy(name):
    return lambda x, axis: getattr(np, name)(x, axis=axis)


FUNCTIONS = {name: of_numpy(name) for name in (*SEVERAL, *SINGLE)} | {
    f"other {name}": f for name, f in OTHERS.items()
}
AXES = [None, 0, -1, 1, -2, 2, 5, -4, (0,), (0, 0), (0, 1), (0, -1), (5,), ()]
REFUSALS = (AxisError, TypeError, ValueError, IndexError)


def entries(shape):
    size = int(np.prod(shape, dtype=int))
    return 1 + np.arange(size).reshape(shape) / (100 * size)


def outcome(call, *args):
    """Return a result, or what stands for a refusal."""
    try:
        result = call(*args)
    except REFUSALS:
        return "refused"
    return np.asarray(getattr(result, "value", result))


def assert_alike(got, expected, what):
    assert isinstance(got, str) == isinstance(expected, str), what
    if not isinstance(got, str):
        assert got.shape == expected.shape, what
        np.testing.assert_allclose(got, expected, err_msg=what)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_axes_are_numpys(name, monkeypatch):
    monkeypatch.setattr(forms, "SMALL", 30)
    for shape in [(), (3,), (2, 3), (1, 1, 3), (3, 20)]:
        with case(shape):
            assert_axes_are_numpys(FUNCTIONS[name], entries(shape))


def assert_axes_are_numpys(f, x):
    for axis in AXES:
        expected = outcome(f, x, axis)
        for sketches in (False, True):
            tensor = Tensor.made(x, Level(records_all=True, sketches=sketches))
            got = outcome(f, tensor, axis)
            if sketches and not isinstance(expected, str) and x.size > forms.SMALL:
                assert got.shape == expected.shape, axis
            else:
                assert_alike(got, expected, str(axis))


ROADS = {
    "trace": lambda f, x, axis: cr.trace(lambda w, x: f(x, axis))(1.0, x)(1.0, x),
    "vmap": lambda f, x, axis: cr.vmap(lambda x: f(x, axis))(np.stack([x, x]))[0],
    "jit": lambda f, x, axis: cr.jit(lambda x: f(x, axis))(x),
}


@pytest.mark.parametrize("name", [*SEVERAL, "argmax", "argmin", "cumsum", "other minimum"])
def test_a_number_along_an_axis_on_every_road(name):
    f, x = FUNCTIONS[name], np.array(2.5)
    for axis in (None, 0, -1, 1):
        expected = outcome(f, x, axis)
        for road, call in ROADS.items():
            if road != "jit" or name not in IN_NUMPY:
                assert_alike(outcome(call, f, x, axis), expected, f"{road} {axis}")


def test_a_refusal_names_function_axis_and_dimension():
    message = "np.mean: axis -1 is out of bounds for array of dimension 0"
    with pytest.raises(AxisError, match=message):
        cr.grad(lambda x: np.mean(x, axis=-1))(2.0)
