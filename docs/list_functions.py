"""Write docs/functions.md, the list of NumPy functions that have a gradient: `make functions`."""

from pathlib import Path

import numpy as np
import scipy.special

from chainrule._src.core.elementwise import ELEMENTWISE
from chainrule._src.core.primitive import Family
from chainrule._src.ops.composed import COMPOSED
from chainrule._src.ops.decompositions import DECOMPOSITIONS
from chainrule._src.ops.index import INDEX
from chainrule._src.ops.joining import JOINING
from chainrule._src.ops.linalg import LINALG
from chainrule._src.ops.matrices import MATRICES
from chainrule._src.ops.ordering import ORDERING
from chainrule._src.ops.polynomials import POLYNOMIALS
from chainrule._src.ops.reduce import REDUCE
from chainrule._src.ops.sampled import SAMPLED
from chainrule._src.ops.selecting import SELECTING
from chainrule._src.ops.shape import SHAPE
from chainrule._src.ops.special import SPECIAL
from chainrule._src.ops.statistics import STATISTICS
from chainrule._src.ops.ufunc_methods import UFUNC_METHODS

FAMILIES = {
    "Element by element": ELEMENTWISE,
    "Reductions": REDUCE,
    "In order": ORDERING,
    "Shapes": SHAPE,
    "Joined and split": JOINING,
    "Indexing": INDEX,
    "Chosen and inserted": SELECTING,
    "Products": LINALG,
    "Matrices": MATRICES,
    "Decompositions and norms": DECOMPOSITIONS,
    "Samples": SAMPLED,
    "Statistics": STATISTICS,
    "Polynomials": POLYNOMIALS,
    "Made of the others": COMPOSED,
    "Written into": UFUNC_METHODS,
    "`scipy.special`": SPECIAL,
}
HEAD = """\
# NumPy functions on tensors

These NumPy functions take tensors, and everything made of them can be differentiated, recorded and
written as text. So do the operators, and an array's methods of the same names. Those in italics
have no gradient: they give truth values, whole numbers or steps.

| family | functions |
|---|---|
"""
TAIL = """
From chainrule: `sigmoid`, `tanh`, `relu`, `softplus`, `elu`, `gelu`, `erf` and the derivatives
`dsigmoid`, `dtanh`, `dsoftplus`, `delu`, `softmax`, `log_softmax`, `logsumexp`, `nll`, `one_hot`,
`stop_gradient`. `ops.random.random_uniform` makes random numbers that are a function of a seed and
a counter, which may be tensors. `scan` applies a function step by step, each time to what it
returned before: recurrent networks, running products, filters. It is one equation and one loop,
however many steps there are, where a Python loop is recorded turn by turn.

Indexing is NumPy's: whole numbers, slices, `None`, `...`, lists, arrays, masks, tensors of whole
numbers; where an index repeats, gradients add up.

## Conventions

| where | the gradient |
|---|---|
| `abs`, `relu` at 0 | 0 |
| `maximum`, `minimum`, `fmax`, `fmin` of equal numbers | half to each |
| `max`, `min`, `sort` with ties | `max` and `min` share equally; `sort` is stable |
| `clip` at a bound | passes |
| `np.linalg.norm` at 0, `std` of equal numbers | 0 |
| `np.linalg.eigh` | flows to the triangle that is read, `UPLO` |
| equal eigenvalues, singular values | 0 where their vectors turn into each other |
| `det` of a singular matrix | exact, the cofactors |
| `x ** 0` | 0 for x |
| `x ** p` for p, where x is not positive | 0 |
| `np.hypot(0, 0)` | NaN: use `np.linalg.norm` |
| `prod`, `cumprod` with zeros among the factors | exact; `prod` at a cost of their number squared |

## Arrays that are written into

Code may write into the arrays that it makes (`np.zeros`, `empty`, `ones`, `full`, the `_like`
functions, `array`, `copy`), into results, and into its arguments: entries, slices, index arrays,
masks, `+=` and its like, `out=`, `fill`, `np.copyto`, `np.add.at`, `np.put` and more. Views share
what is written, as in NumPy; `copy`, `flatten` and index arrays copy. Of several values for one
entry the last one counts, and the gradient flows to it alone.

- `x[mask] = value` in a program becomes `np.where`: the value may be a number, rows, or an
  expression of entries that the same mask picks, as in `m[m < 0] *= 0.1`.
- An array from outside of the recorded function (a global, an attribute made before) cannot take a
  tensor, and `X.dot(t)` works for an array `X` that is an argument or is made by the function; of
  others write `X @ t`.
- An array from outside above a megabyte that a recorded operation has used cannot be written into
  before the recorded function returns: the error names the array and the line. Smaller arrays are
  copied, so that a buffer may be filled anew for every operation.
- `np.empty` gives zeros while a function is recorded: a recording must not hold chance numbers.
- Code that reads an array's memory directly (`memoryview`, a C library) sees NaN once a tensor was
  written into the array.

## Not covered

Fourier transforms (`np.fft`, but for `fftshift` and `ifftshift`) and complex numbers, complex
eigenvalues among them, are left out. So are `np.random`, functions whose result is a set, a place
or a count (`unique`, `searchsorted`, `histogram`), and the argument `where=` of a ufunc. Each says
so when it is called, and what to write instead.

The methods `reduce`, `accumulate` and `outer` of ufuncs take tensors, `np.subtract.outer` for
instance; `reduceat` does not. `dtype=` and `kind=` are taken where NumPy takes them for a sum, a
mean, a variance, a product or a sort. `np.polymul` and `np.polydiv` keep leading coefficients that
are zero, because the number of coefficients cannot depend on their values. `np.interp` compares
every point with every sample.

NumPy makes an array of a list before it asks anybody: instead of `np.mean([t, u])` write
`np.mean(np.stack([t, u]))`.

Arrays hold real numbers: those in another byte order are converted, objects, texts, times and
records are refused with what to do. A text, a flag or a function that is an argument of what is
recorded or compiled is fixed before, with `functools.partial(f, mode="mean")` or a lambda.

`argpartition` and `partition`, `det`, the decompositions and most of `scipy.special` run in NumPy
and SciPy: eagerly, in programs and in text, but not in compiled kernels. SciPy's `logsumexp`,
`softmax` and `log_softmax` make an array of their argument first: write
`cr.functions.logsumexp`, `cr.softmax`, `cr.functions.log_softmax`.
"""


def names(family: Family) -> str:
    """Return the family's functions, sorted; those without a gradient in italics."""
    found = {}
    for function, target in family.numpy.items():
        places = {
            "": np, "linalg.": np.linalg, "fft.": np.fft,
            "lib.stride_tricks.": np.lib.stride_tricks,
        }  # fmt: skip
        if family is SPECIAL:
            places = {"": scipy.special}
        home = [
            p for p, room in places.items() if getattr(room, function.__name__, None) is function
        ]
        if not home:  # a method of a ufunc, an operator
            continue
        name = f"{home[-1]}{function.__name__}"
        found[name] = getattr(target, "gradients", True) is not None
    whole = {
        "all", "allclose", "angle", "any", "argmax", "argmin", "argpartition", "argsort", "imag",
        "around", "count_nonzero", "iscomplex", "isclose", "isreal", "round", "array_equal",
        "array_equiv", "empty_like", "fix", "isneginf", "isposinf", "signbit",
    }  # fmt: skip
    return ", ".join(
        f"`{name}`" if flows and name not in whole else f"*`{name}`*"
        for name, flows in sorted(found.items())
    )


def page() -> str:
    """Return the whole page."""
    rows = "".join(f"| {title} | {names(family)} |\n" for title, family in FAMILIES.items())
    return HEAD + rows + TAIL


if __name__ == "__main__":
    path = Path(__file__).parent / "functions.md"
    path.write_text(page(), encoding="utf-8")
    print(path)
