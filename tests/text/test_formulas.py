"""Lines of NumPy as formulas: in LaTeX for notebooks, in MathML for pages."""

import re
from xml.etree import ElementTree

import pytest

from chainrule._src.blackboard.mathml import mathml
from chainrule._src.check.latex import latex

# A line; the formula in LaTeX; what a browser shows of the MathML, read from left to right.
FORMULAS = [
    ("d_W = X.T @ d_z / n", r"\partial W = \frac{X^{\top} \, \partial z}{n}", "∂W=X⊤∂zn"),
    ("h = sigmoid(z)", r"h = \sigma(z)", "h=σ(z)"),
    ("db += dz", r"\mathrm{db} \leftarrow \mathrm{db} + \mathrm{dz}", "db←db+dz"),
    ("return (q - Y) ** 2", "(q - Y)^{2}", "(q−Y)2"),
    ("a = b * (c + d)", r"a = b \odot (c + d)", "a=b⊙(c+d)"),
    ("a = b - (c - d)", "a = b - (c - d)", "a=b−(c−d)"),
    ("a = -b * -c", r"a = -b \odot (-c)", "a=−b⊙(−c)"),
    ("a = (-b) ** 2 - -c", "a = (-b)^{2} - -c", "a=(−b)2−−c"),
    ("a = (b / c) ** 2", r"a = (\frac{b}{c})^{2}", "a=(bc)2"),
    ("a = np.exp(b) ** c", "a = (e^{b})^{c}", "a=(eb)c"),
    ("a = (b @ c).T", r"a = (b \, c)^{\top}", "a=(bc)⊤"),
    ("g = np.sum(d_z, axis=0)", r"g = \sum_{\text{axis } 0} \partial z", "g=∑axis 0∂z"),
    ("g = np.sum(a + b) * c", r"g = (\sum (a + b)) \odot c", "g=(∑(a+b))⊙c"),
    ("t = z.max(axis=-1, keepdims=True)", r"t = \max_{\text{axis } -1} z", "t=maxaxis −1z"),
    ("L = -np.mean(log_likelihoods)",
     r"L = -\operatorname{mean} \mathrm{log\_likelihoods}", "L=−meanlog_likelihoods"),
    ("a = np.log(np.exp(b).sum(axis=-1, keepdims=True))", r"a = \log(\sum_{\text{axis } -1} e^{b})",
     "a=log(∑axis −1eb)"),
    ("a = np.sqrt(np.var(b, axis=(0,)))",
     r"a = \sqrt{\operatorname{var}_{\text{axis } 0} b}", "a=varaxis 0b"),
    ("a = np.max(b, axis=(-2, -1))", r"a = \max_{\text{axis } -2, -1} b", "a=maxaxis −2, −1b"),
    ("a = np.linalg.norm(b)", r"a = \|b\|", "a=‖b‖"),
    ("a = -np.sum(b) * c", r"a = (-\sum b) \odot c", "a=(−∑b)⊙c"),
    ("a = b - np.sum(c)", r"a = b - \sum c", "a=b−∑c"),
    ("a = -(b - c)", "a = -(b - c)", "a=−(b−c)"),
    ("a = d_W_h.T * c_1 ** 2", r"a = \partial W_{h}^{\top} \odot c_{1}^{2}", "a=∂Wh⊤⊙c12"),
    ("m = -z_1[0]", "m = -{z_{1}}_{0}", "m=−z10"),
    ("Y = np.eye(10)[y]", "Y = {I_{10}}_{y}", "Y=I10y"),
    ("d = -2 / n * e", r"d = \frac{-2}{n} \cdot e", "d=−2n·e"),
    ("a = 1e-08 + b * 2.5e-7", r"a = 10^{-8} + b \cdot 2.5 \cdot 10^{-7}", "a=10−8+b·2.5·10−7"),
    ("d_h = d_z * (z_h > 0)", r"\partial h = \partial z \odot [z_{h} > 0]", "∂h=∂z⊙[zh>0]"),
    ("a = np.where(b >= 0, b, -b)",
     r"a = \begin{cases} b & b \ge 0 \\ -b & \text{otherwise} \end{cases}",
     "a={bif\u00a0b≥0−botherwise"),
    ("a = np.maximum(b, 0) + np.abs(c)", r"a = \max(b, 0) + |c|", "a=max(b,0)+|c|"),
    ("a = np.sqrt(lambda_)", r"a = \sqrt{\lambda}", "a=λ"),
    ("a = b.astype(np.float64)", "a = b", "a=b"),
    ("a = np.roll(b, 1, axis=0)", r"a = \text{np.roll(b, 1, axis=0)}", "a=np.roll(b, 1, axis=0)"),
    ("a = np.full((n, 5), -1, np.float64)", "a = -1", "a=−1"),
    ("a = np.zeros((n, 3)) + np.ones(3)", "a = 0 + 1", "a=0+1"),
    ("a = beta_1 * m", r"a = \beta_{1} \odot m", "a=β1⊙m"),
]  # fmt: skip


def shown(markup):
    return "".join(ElementTree.fromstring(re.sub(r"<mo>\u2061</mo>", "", markup)).itertext())


@pytest.mark.parametrize(("code", "tex", "text"), FORMULAS)
def test_formulas(code, tex, text):
    assert latex(code) == f"$${tex}$$"
    assert shown(mathml(code)) == text


@pytest.mark.parametrize("code", ["for i in range(3):", "", "x ="])
def test_what_is_no_formula_is_left_out_or_text(code):
    assert latex(code) == ""
    assert shown(mathml(code)) == code


def test_markup_in_code_is_text():
    assert shown(mathml("a = f('<b>&', x=1)")) == "a=f('<b>&', x=1)"
