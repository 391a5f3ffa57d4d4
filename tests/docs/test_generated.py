"""The pages of operations and layers that the documentation writes from the code."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.core.primitive import _BY_NAME

pytest.importorskip("sphinx")
sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

from extensions import layers, operations, pictures

OPERATIONS = {each.name: each for each in operations.operations()}
LAYERS = {name: row for group in layers.TABLE.values() for name, row in group.items()}
WITHOUT_PAGE = {
    "gradients of other operations, of which there are pages": "fold scatter cofactor",
    "further results of an operation that has a page": "eigh_vectors svd_u svd_vh qr_q",
    "eigenvalues of any matrix, which may be complex": "eig_values eig_vectors",
    "no function of NumPy: x[i] = v, .astype, .item": "assign astype item matmul_last",
    "a loop: the recurrent layers have pages": "scan",
    "a function of scipy.special whose gradient is zero": "gammasgn",
    "the derivative of scipy.special.psi; with a tensor SciPy refuses to be asked": "polygamma",
}
SYMMETRIC = {"cholesky"}  # NumPy reads the lower triangle; the gradient is that of both
STEP = 1e-6


def _value_and_pullback(operation, g=None):
    arrays = operation.arrays()
    z, pullback = cr.vjp(operation.function_of_operands(), *arrays.values())
    if g is None:
        g = np.random.default_rng(0).normal(size=np.shape(z))
    return arrays, z, g, dict(zip(arrays, pullback(g), strict=True))


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_call_records_the_operation(name):
    operation = OPERATIONS[name]
    program = cr.trace(lambda arrays: operation.function_of_operands()(**arrays))(
        operation.arrays()
    )
    assert name in [equation.primitive.name for equation in program.equations]


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_gradient_equals_central_differences(name):
    operation = OPERATIONS[name]
    arrays, _, g, gradients = _value_and_pullback(operation)
    f = operation.function_of_operands()
    for operand, x in arrays.items():
        measured = np.zeros(x.shape)
        for i in np.ndindex(x.shape):
            sides = []
            for step in (STEP, -STEP):
                moved = x.copy()
                moved[i] += step
                sides.append(np.sum(g * f(**{**arrays, operand: moved})))
            measured[i] = (sides[0] - sides[1]) / (2 * STEP)
        gradient = gradients[operand]
        if name in SYMMETRIC:
            measured, gradient = measured + measured.T, gradient + gradient.T
        np.testing.assert_allclose(gradient, measured, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", [name for name, row in operations.CALLS.items() if "check" in row])
def test_the_written_formula_is_the_gradient(name):
    arrays, z, g, gradients = _value_and_pullback(OPERATIONS[name])
    checks = operations.CALLS[name]["check"]
    assert checks.keys() == arrays.keys()
    for operand, expression in checks.items():
        value = eval(expression, operations.SPACE | {"z": z, "g": g} | arrays)
        np.testing.assert_allclose(value, gradients[operand], rtol=1e-11, atol=1e-13)


def test_every_written_formula_is_checked():
    rows = operations.CALLS.items()
    assert [name for name, row in rows if ("formula" in row) != ("check" in row)] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_text_computes_the_gradient(name):
    operation = OPERATIONS[name]
    space = {}
    exec(operation.pullback_text(), space)
    arrays, z, g, gradients = _value_and_pullback(operation)
    value, written = space["value_and_gradients"](arrays, g)
    np.testing.assert_allclose(value, z, rtol=1e-12)
    for operand, gradient in gradients.items():
        np.testing.assert_allclose(written[operand], gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_page_is_complete(name):
    page = operations.page(OPERATIONS[name])
    assert len(OPERATIONS[name].summary) > 10
    for heading in ("Value and gradient", "The gradient as NumPy", "The record", "See also"):
        before, _, section = page.partition(f"## {heading}\n")
        assert before
        assert section.split("\n## ")[0].strip(), heading
    assert "```python\n\n```" not in page
    assert ":math:" not in page


@pytest.mark.parametrize("name", [name for name, each in OPERATIONS.items() if each.also])
def test_a_function_of_scipy_is_recorded_as_the_page_says_or_refused(name):
    operation = OPERATIONS[name]
    (function,) = re.findall(r"scipy\.special\.(\w+)", operation.also)
    f = getattr(operations.SPACE["special"], function)
    if "refused" in operation.also:
        with pytest.raises(cr.errors.TraceError, match=re.escape(f"write {operation.function}")):
            cr.trace(f)(operation.arrays()["x"])
    else:
        program = cr.trace(f)(operation.arrays()["x"])
        assert name in [equation.primitive.name for equation in program.equations]


def test_a_slope_is_drawn_where_the_function_is_defined_and_below_the_legend():
    x = np.array([1.5, 2.0, 3.0])
    legend, plot = pictures.curves(np.arccosh, x, "np.arccosh(x)").split("<svg y=")
    assert "its slope" in legend
    assert "<text" not in plot
    value, slope = re.findall(r'd="([^"]+)"', plot)[-2:]
    starts = [float(re.match(r"M([\d.]+)", path)[1]) for path in (value, slope)]
    one = (1 + 3) / (4 + 3) * pictures.WIDTH  # the place of 1 between -3 and 4
    assert one - 1 < min(starts)
    assert slope.count("M") == value.count("M") == 1


def test_see_also_names_pages():
    named = {other for row in operations.CALLS.values() for other in row.get("see", [])}
    assert named - OPERATIONS.keys() == set()
    assert operations.CALLS.keys() - OPERATIONS.keys() == set()


def test_every_operation_with_a_gradient_has_a_page_or_a_reason():
    excused = {name for names in WITHOUT_PAGE.values() for name in names.split()}
    assert excused & OPERATIONS.keys() == set()
    own = {name for name, each in _BY_NAME.items() if _is_own(each)}
    assert own - OPERATIONS.keys() - excused == set()


def _is_own(primitive):
    """Return true for an operation of the library with a gradient; other tests define their own."""
    rules = getattr(primitive.gradients, "rule", primitive.gradients)
    rules = rules if isinstance(rules, tuple) else (rules,)
    return any(rule is not None and rule.__module__.startswith("chainrule.") for rule in rules)


def test_every_layer_has_a_page_or_a_reason():
    public = {*cr.layers.__all__}
    assert LAYERS.keys() & layers.WITHOUT.keys() == set()
    assert LAYERS.keys() | layers.WITHOUT.keys() == public


@pytest.mark.parametrize("name", LAYERS)
def test_the_page_of_a_layer_is_complete(name):
    page = layers.page(name, *LAYERS[name])
    for heading in ("Shapes and weights", "The text", "See also"):
        assert page.partition(f"## {heading}\n")[2].split("\n## ")[0].strip(), heading
    assert "# backward" in page
    assert ":math:" not in page
