"""What would lose a gradient: each is tried, and says what to write instead."""

import copy
import inspect
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
import scipy.special
import scipy.stats

import chainrule as cr
from chainrule._src.core.primitive import NUMPY
from chainrule._src.core.tensor import _PLAIN
from chainrule._src.ops.alternatives import ALTERNATIVES, ATTRIBUTES, EXPRESSIONS
from chainrule.errors import ChainruleError, DataError, TraceError
from tests.cases import case


def fill_entries(w):
    for i in range(3):
        SQUARES[i] = w[i] ** 2
    return np.sum(SQUARES)


def fill_rows(w):
    ROWS[0] = w
    return np.sum(ROWS)


X = np.eye(3)
SQUARES, ROWS = np.zeros(3), np.zeros((2, 3))
REFUSED = {
    "entry by entry": (fill_entries, r"entry of a plain array.*np\.stack\(entries\)"),
    "row by row": (fill_rows, r"^a tensor cannot become.*np\.stack"),
    "dot of an array": (lambda w: X.dot(w), r"for array\.dot\(t\) write array @ t"),
    "mean of a list": (lambda w: np.mean([w[0], w[1]]), r"^np\.mean: a tensor.*np\.stack"),
    "take": (lambda w: np.take(X, w.astype(int), axis=0), r"write np\.take_along_axis\(array, t"),
    "full": (lambda w: np.full((2, 3), w), r"write np\.broadcast_to\(t, shape\)"),
    "logsumexp": (
        scipy.special.logsumexp,
        r"^scipy\.special\.logsumexp.*write cr\.functions\.logsumexp",
    ),
    "softmax": (scipy.special.softmax, r"^scipy\.special\.softmax.*write cr\.softmax"),
    "log_softmax": (scipy.special.log_softmax, r"write cr\.functions\.log_softmax"),
    "polygamma": (lambda w: scipy.special.polygamma(1, w), r"scipy\.special\.polygamma makes"),
    "statistics": (scipy.stats.norm.logpdf, r"^scipy\.stats\..*docs/functions\.md"),
    "ufunc of scipy": (scipy.special.dawsn, "^dawsn has no gradient"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_lose_the_gradient_says_what_to_write(name):
    f, message = REFUSED[name]
    with pytest.raises(TraceError, match=message) as raised:
        cr.grad(lambda w: np.sum(f(w)))(np.ones(3))
    assert raised.value.__cause__ is None


def test_other_errors_in_the_function_pass_as_they_are():
    def wrong(w):
        raise ValueError("setting an array element: mine")

    with pytest.raises(ValueError, match="mine"):
        cr.grad(wrong)(1.0)


def functions_that_ask():
    """Yield NumPy's functions that ask tensors what to do, by name."""
    for home, module in ("np", np), ("np.linalg", np.linalg), ("np.fft", np.fft):
        for name, function in vars(module).items():
            asks = isinstance(function, np.ufunc) or hasattr(function, "_implementation")
            if asks and not name.startswith("_"):
                yield f"{home}.{name}", function


ASKING = dict(functions_that_ask())
REACHED = {name for name, function in ASKING.items() if function in NUMPY or function in _PLAIN}


def test_every_numpy_function_takes_tensors_or_has_an_alternative():
    assert len(ASKING) > 300
    assert ASKING.keys() - REACHED - ALTERNATIVES.keys() == set()
    assert ALTERNATIVES.keys() & REACHED == set()


def test_a_function_that_takes_no_tensor_names_the_alternative():
    t = cr.Tensor(np.eye(2))
    for name in sorted(ASKING.keys() - REACHED):
        function = ASKING[name]
        count = function.nin if isinstance(function, np.ufunc) else required(function)
        with case(name):
            with pytest.raises(TraceError) as raised:
                function(*[t] * count)
            asked, _, instead = str(raised.value).partition(" has no gradient in chainrule; ")
            assert getattr(np, asked.removeprefix("np."), function) is function
            assert instead == ALTERNATIVES[name]


def required(function):
    """Return the number of arguments that a function needs, one at least."""
    parameters = inspect.signature(function).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind is not p.KEYWORD_ONLY]
    return max(len(needed), 1)


u = np.array([0.3, -1.2, 2.0, 0.7])
EXAMPLES = {"i0": {"x": u}, "sort_complex": {"a": u}}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_the_alternative_gives_what_numpy_gives(name):
    if f"np.{name}" not in ASKING:
        pytest.skip("this NumPy does not have it")
    function, given = ASKING[f"np.{name}"], EXAMPLES[name]
    arrays = {key: value for key, value in given.items() if isinstance(value, np.ndarray | float)}
    floats = {key: x for key, x in arrays.items() if np.asarray(x).dtype.kind == "f" and key != "q"}
    names = {"np": np, "scipy": scipy, "math": math} | given
    names |= {key: cr.Tensor(value) for key, value in floats.items()}
    result = eval(EXPRESSIONS[name], names)
    np.testing.assert_allclose(result.value, function(**given), atol=1e-12)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda t: np.maximum.reduceat(t, [0, 1]), r"; write np\.split, and reduce each part$"),
        (lambda t: np.power.reduce(t), r"np\.power\.reduce has no gradient.*; write its parts"),
        (lambda t: np.less.accumulate(t), r"np\.less\.accumulate.*; write its parts with np\.less"),
        (
            lambda t: np.exp(t, where=[True, False]),
            r"np\.exp with where= .*write np\.where\(mask, a, b\)",
        ),
        (lambda t: np.add(t, t, dtype=float), r"write \.astype\(dtype\)"),
        (lambda t: t.mean(out=np.zeros(())), "leave out= away"),
    ],
)
def test_methods_and_options_of_ufuncs_name_the_alternative(f, message):
    with pytest.raises(TraceError, match=message):
        f(cr.Tensor([1.0, 2.0]))


OF_OBJECTS = {"__class__", "__doc__", "__array_priority__", "__setstate__"}
OPERATIONS = {
    "divmod": lambda t: divmod(t, 0.7), "rdivmod": lambda t: divmod(0.7, t),
    "in": lambda t: 3.0 in t, "reversed": lambda t: np.stack(list(reversed(t))),
    "copy": copy.copy, "deepcopy": copy.deepcopy, "flat": lambda t: t.flat[2],
    "pickle": pickle.dumps, "del": lambda t: t.__delitem__(0), "set": lambda t: setattr(t, "T", t),
    "shape": lambda t: setattr(t, "shape", (4,)), "math": lambda t: math.trunc(t[0, 0]),
    "floor": lambda t: math.floor(t[0, 0]), "shift": lambda t: t << 1, "rshift": lambda t: 1 >> t,
    "text": lambda t: t + "a", "none": lambda t: t * None, "same text": lambda t: t == "a",
    "object": lambda t: t + np.array([None, 1]), "time": lambda t: t * np.timedelta64(1, "s"),
    "item": lambda t: t.item(0),
    "astype": lambda t: t.astype(np.float32, order="K", casting="same_kind"),
    "unsafe": lambda t: t.astype(int, casting="safe"), "as text": lambda t: t.astype(str),
    "sorted": lambda t: np.stack(sorted(t[0])), "sum": sum, "bytes": bytes,
    "list": lambda t: [[1.0], [2.0]] * t,
    "array": lambda t: np.array([t, t]), "iadd": lambda t: np.ones((2, 2)).__iadd__(t),
    "power": lambda t: pow(t, 2, 3), "attribute": lambda t: t.nothing,
    "dlpack": np.from_dlpack,
} | {
    name: lambda t, name=name: getattr(t, name)
    for name in dir(np.ndarray) if name not in OF_OBJECTS
}  # fmt: skip


def test_an_operation_gives_what_numpy_gives_or_a_sentence():
    for name, operation in OPERATIONS.items():
        with case(name):
            assert_numpys_or_a_sentence(name, operation, np.array([[0.5, 2.0], [3.0, 1.0]]))


def assert_numpys_or_a_sentence(name, operation, x):
    result, error = outcome(operation, cr.Tensor(x))
    if error is None:
        if not callable(result):  # a method
            np.testing.assert_equal(value_of(result), operation(x))
    elif isinstance(error, ChainruleError):
        assert len(str(error)) > 40
    else:  # what NumPy says, or of an attribute by which others find out that it is no array
        assert type(error) is type(outcome(operation, None if name.startswith("__") else x)[1])


def outcome(operation, x):
    try:
        return operation(x), None
    except Exception as error:
        return None, error


def value_of(result):
    if isinstance(result, tuple):
        return tuple(map(value_of, result))
    return result.value if isinstance(result, cr.Tensor) else result


def test_every_attribute_of_arrays_is_there_or_has_a_sentence():
    t = cr.Tensor(np.eye(2))
    missing = {name for name in dir(np.ndarray) if not hasattr(t, name)}
    probed = {name for name in missing if name.startswith("__")}  # which tell what an array is
    assert missing - probed == ATTRIBUTES.keys() - probed
    with pytest.raises(AttributeError, match=r"t\.sort .*write t = np\.sort\(t\)") as raised:
        t.sort()
    assert isinstance(raised.value, TraceError)


def test_a_copy_keeps_the_gradient():
    np.testing.assert_array_equal(
        cr.grad(lambda x: copy.deepcopy([x])[0] @ copy.copy(x))(np.array([1.0, 2.0])), [2.0, 4.0]
    )


def test_divmod_has_a_gradient():
    f = cr.value_and_grad(lambda x: np.sum(divmod(x, 0.7)[1] + divmod(5.0, x)[1]))
    value, gradient = f(np.array([1.0, 1.6]))
    assert value == pytest.approx(0.3 + 0.2 + 0.0 + 0.2)
    np.testing.assert_array_equal(gradient, [1.0 - 5.0, 1.0 - 3.0])


@pytest.mark.parametrize("road", [cr.grad, cr.jit, lambda f: cr.trace(cr.grad(f))])
@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda x: x * Fraction(1, 2), "an operand is Fraction"),
        (lambda x: x * np.array(3.0, object), "an operand is 3.0, expected an array of numbers"),
        (lambda x: np.sum(x[np.where(x)]), "np.where of a tensor alone gives places"),
    ],
)
def test_what_is_no_number_is_refused_beside_a_number_of_pythons(road, f, said):
    with pytest.raises(TraceError, match=said):
        road(f)(2.0)


def test_whole_numbers_beyond_int64():
    with pytest.raises(DataError, match="beyond the range of int64; write it as a float"):
        cr.jit(lambda x, s: x * s)(np.ones(2), 2**63)
    np.testing.assert_array_equal(cr.jit(lambda x: x * 10**30)(np.ones(2)), [1e30, 1e30])
