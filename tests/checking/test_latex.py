"""Lines of NumPy as formulas."""

import pytest

from chainrule.checking.latex import latex


@pytest.mark.parametrize(
    ("code", "formula"),
    [
        ("d_W = X.T @ d_z / n", r"\partial W = \frac{X^{\top} \, \partial z}{n}"),
        ("h = sigmoid(z)", r"h = \sigma(z)"),
        ("db += dz", r"\mathrm{db} \leftarrow \mathrm{db} + \mathrm{dz}"),
        ("return (q - Y) ** 2", r"(q - Y)^{2}"),
        ("a = b * (c + d)", r"a = b \odot (c + d)"),
        ("a = b - (c - d)", r"a = b - (c - d)"),
        ("g = np.sum(d_z, axis=0)", r"g = \sum \partial z"),
        ("m = -z_1[0]", r"m = -z_{1}_{0}"),
    ],
)
def test_formulas(code, formula):
    assert latex(code) == f"$${formula}$$"


@pytest.mark.parametrize("code", ["for i in range(3):", "", "x ="])
def test_what_is_no_formula_is_left_out(code):
    assert latex(code) == ""
