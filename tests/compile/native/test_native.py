"""Machine code: accurate, kept on disk, safe there."""

import os
import re
import subprocess
import sys
import threading

import llvmlite.binding as llvm
import mpmath
import numpy as np
import pytest
from scipy import special
from tests.pace import SLOWNESS

import chainrule as cr
from chainrule._src.compile.lower.functions import FOR
from chainrule._src.compile.lower.kernels import function_kernel
from chainrule._src.compile.native import UNKNOWN_MEMORY, memory
from chainrule._src.compile.native import cache as cache_on_disk
from chainrule._src.compile.native import code as native
from chainrule._src.compile.native.llvm import _optimize as optimize
from chainrule._src.compile.native.llvm import _tools as tools_for
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.native.modules import Module, modules
from chainrule._src.compile.native.writer import TYPES
from chainrule._src.trace.recurrence.summing import prepared
from chainrule._src.trace.tracing import Recorder
from chainrule.errors import CompileError, DataError

pytestmark = [pytest.mark.portable, pytest.mark.usefixtures("compiled_once")]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path / "kernels"))
    monkeypatch.setattr(native, "_loaded", {})
    return tmp_path / "kernels"


def apply(name, x):
    return cr.jit(special.erf if name == "erf" else getattr(np, name))(x)


def units_off(got, x, exact):
    """Errors in units of the last place, by mpmath's longer arithmetic."""
    found = []
    with mpmath.workdps(40):
        for y, *arguments in zip(got, *np.atleast_2d(x), strict=True):
            true = exact(*(mpmath.mpf(float(argument)) for argument in arguments))
            spacing = float(np.spacing(np.abs(got.dtype.type(float(true)))))
            found.append(abs(mpmath.mpf(float(y)) - true) / spacing)
    return float(max(found))


RANGES = {
    "exp": [(-80, 80), (-1, 1), (-1e-3, 1e-3)],
    "log": [(1e-30, 1e30), (0.5, 2.0), (0.999, 1.001)],
    "expm1": [(-1, 1), (-1e-3, 1e-3), (-1e-7, 1e-7), (-40, 88), (0.3, 0.4)],
    "log1p": [(-1, 1), (0, 100), (-1e-3, 1e-3), (-1e-7, 1e-7), (1e6, 1e30)],
    "tanh": [(-12, 12), (-0.7, 0.7), (-1e-3, 1e-3)],
    "erf": [(-8, 8), (0.5, 1.5), (1.5, 2.5), (-1e-3, 1e-3)],
    "sin": [(-8, 8), (-1e-3, 1e-3), (-1e4, 1e4), (1e7, 1.3e8)],
    "cos": [(-8, 8), (-1e-3, 1e-3), (-1e4, 1e4), (1e7, 1.3e8)],
    "tan": [(-8, 8), (-1e-3, 1e-3), (-1e4, 1e4), (1e7, 1.3e8)],
    "exp2": [(-120, 120), (-1, 1), (-1e-3, 1e-3)],
    "log2": [(1e-30, 1e30), (0.5, 2.0), (0.999, 1.001)],
    "log10": [(1e-30, 1e30), (0.5, 2.0), (0.999, 1.001)],
    "cbrt": [(-1e30, 1e30), (-8, 8), (-1e-30, 1e-30)],
    "arcsin": [(-1, 1), (0.45, 0.65), (0.99, 1), (-1e-3, 1e-3)],
    "arccos": [(-1, 1), (0.45, 0.65), (0.99, 1), (-1, -0.99)],
    "arctan": [(-1, 1), (0.6, 0.7), (2.3, 2.5), (-1e9, 1e9), (-1e-3, 1e-3)],
    "sinh": [(-1, 1), (-3, 3), (-88, 88), (-1e-3, 1e-3)],
    "cosh": [(-1, 1), (-3, 3), (-88, 88)],
    "arcsinh": [(-1, 1), (-9, 9), (-1e30, 1e30), (-1e-3, 1e-3)],
    "arccosh": [(1, 1.001), (1, 2), (1, 9), (1, 1e30)],
    "arctanh": [(-1, 1), (0.9, 1), (-1e-3, 1e-3)],
}
EXACT = {
    "log2": lambda x: mpmath.log(x, 2), "exp2": lambda x: mpmath.mpf(2) ** x,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), "arcsin": mpmath.asin,
    "arccos": mpmath.acos, "arctan": mpmath.atan, "arcsinh": mpmath.asinh,
    "arccosh": mpmath.acosh, "arctanh": mpmath.atanh,
}  # fmt: skip
PAIRS = {
    "power": [((1e-20, 1e20), (-1.8, 1.8)), ((0.5, 2), (-99, 99)), ((0.999, 1.001), (-8e4, 8e4))],
    "hypot": [((-2, 2), (-2, 2)), ((-1e30, 1e30), (-1e30, 1e30)), ((-1e30, 1e30), (-1, 1))],
    "arctan2": [((-2, 2), (-2, 2)), ((-1e-9, 1e-9), (-1, 1)), ((-1, 1), (-1e-9, 1e-9))],
}
EXACT_PAIRS = {"power": mpmath.power, "hypot": mpmath.hypot, "arctan2": mpmath.atan2}


def dtypes_of(kind):
    return [dtype for dtype in TYPES if kind in (dtype, np.dtype(dtype).kind)]


@pytest.mark.parametrize(("name", "kind"), FOR)
def test_every_function_that_kernels_call_can_be_written(name, kind):
    for dtype in dtypes_of(kind):
        assert Module(host(), "", "", "").called(name, np.dtype(dtype)).name.startswith(name)


def test_logaddexp_is_numpys():
    ends = [1.0, 2.0, -3.0, np.inf, -np.inf, np.nan]
    a, b = (grid.ravel() for grid in np.meshgrid(ends, ends))
    with np.errstate(invalid="ignore"):
        expected = np.logaddexp(a, b)
    np.testing.assert_allclose(cr.jit(np.logaddexp)(a, b), expected, rtol=1e-14)


@pytest.mark.parametrize("f", [np.remainder, np.floor_divide], ids=lambda f: f.__name__)
def test_remainders_have_the_divisors_sign(f):
    a, b = (grid.ravel() for grid in np.meshgrid([-7.5, -6, 0, 1, 7.5], [-3, -2.5, 2.5, 3]))
    np.testing.assert_array_equal(cr.jit(f)(a, b), f(a, b))


@pytest.mark.sampled(quick=6)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(RANGES))
def test_functions_are_accurate_to_two_units_in_the_last_place(name, dtype):
    rng = np.random.default_rng(0)
    for low, high in RANGES[name]:
        x = rng.uniform(low, high, 500).astype(dtype)
        if name == "log" and high > 100:
            x = np.exp(rng.uniform(-60, 60, 500)).astype(dtype)
        exact = EXACT.get(name) or getattr(mpmath, name)
        assert units_off(apply(name, x), x, exact) <= 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(PAIRS))
def test_functions_of_two_numbers_are_as_accurate(name, dtype):
    rng, f = np.random.default_rng(0), cr.jit(getattr(np, name))
    for ranges in PAIRS[name]:
        pairs = [rng.uniform(low, high, 300).astype(dtype) for low, high in ranges]
        assert units_off(f(*pairs), pairs, EXACT_PAIRS[name]) <= 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(PAIRS))
def test_functions_of_two_numbers_are_numpys_at_their_ends(name, dtype):
    """Powers of negative numbers, zeros with signs, infinities, NaN, even and odd exponents."""
    info, f = np.finfo(dtype), getattr(np, name)
    ends = [0, 0.5, 1, 1.5, 2, 3, 4, 1 / 3, 1e-9, 1e9, 2**53, info.max, info.tiny, np.inf, np.nan]
    ends = np.array([*ends, info.smallest_subnormal], dtype)
    ends = np.concatenate([ends, -ends])
    x, y = (grid.ravel() for grid in np.meshgrid(ends, ends))
    with np.errstate(all="ignore"):
        expected = f(x.astype(np.float64), y.astype(np.float64)).astype(dtype)
        got = cr.jit(f)(x, y)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    real = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[real]), np.signbit(expected[real]))
    np.testing.assert_array_max_ulp(*finite_ones(got[real], expected[real]), maxulp=2)


@pytest.mark.sampled(quick=14)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(RANGES))
def test_functions_at_their_ends(name, dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, tiny, 1e4, -1e4], dtype)
    with np.errstate(all="ignore"):
        expected = special.erf(x) if name == "erf" else getattr(np, name)(x)
        np.testing.assert_allclose(apply(name, x), expected, rtol=4e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_waves_keep_their_last_places_where_they_cross_zero(name, dtype):
    x = (np.arange(-20_000, 20_000, 31) * np.pi / 2).astype(dtype)
    assert units_off(apply(name, x), x, getattr(mpmath, name)) <= 2


UNARY = [
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "square", "reciprocal",
    "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh",
    "arctanh", "sign", "floor", "ceil", "rint", "trunc", "abs", "isnan", "isfinite", "isinf",
]  # fmt: skip


def whole_range(dtype):
    """Return numbers of every size that a dtype has, with both signs, and those at its ends."""
    info, rng = np.finfo(dtype), np.random.default_rng(0)
    exponents = np.repeat(np.arange(info.minexp - info.nmant, info.maxexp), 4)
    sizes = np.ldexp(rng.uniform(1, 2, exponents.size), exponents).astype(dtype)
    ends = [0, 1, info.max, info.tiny, info.smallest_subnormal, 2**27, np.inf, np.nan]
    found = np.concatenate([sizes, np.array(ends, dtype)])
    return np.concatenate([found, -found])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNARY)
def test_functions_are_numpys_for_numbers_of_any_size(name, dtype):
    """That holds for the sign of zero, and for what is not finite."""
    x, f = whole_range(dtype), getattr(np, name)
    with np.errstate(all="ignore"):
        exact = f(x.astype(np.float64))
        expected = exact if exact.dtype == bool else exact.astype(dtype)
        got = cr.jit(f)(x)
    assert got.dtype == expected.dtype
    np.testing.assert_array_max_ulp(*finite_ones(got, expected), maxulp=4)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    real = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[real] * 1.0), np.signbit(expected[real] * 1.0))


def finite_ones(got, expected):
    """Return the finite entries of both, which must be infinite in the same places."""
    np.testing.assert_array_equal(np.isinf(got), np.isinf(expected))
    chosen = np.isfinite(expected)
    return got[chosen] * 1.0, expected[chosen] * 1.0


@pytest.mark.parametrize("size", [1, 3, 8, 100])
def test_waves_of_what_is_far_stand_among_others(size):
    """Vectors are made of loops of some sizes: an entry of one that is far changes no other."""
    x = np.linspace(-3, 3, size * 7, dtype=np.float32)
    alone = cr.jit(np.sin)(x)
    x[::7] = 1e30
    got = cr.jit(np.sin)(x)
    np.testing.assert_array_equal(
        np.delete(got, slice(0, None, 7)), np.delete(alone, slice(0, None, 7))
    )
    np.testing.assert_array_equal(got[::7], np.float32(np.sin(np.float64(np.float32(1e30)))))


def test_loops_on_vectors_go_past_what_is_far():
    """They call the variant for vectors, behind a branch, and no function for every entry."""
    program = Recorder(np.sin, [np.zeros(4096, np.float32)], prepared, values=False).alone()
    (text, *_) = modules(function_kernel(program), host())
    module = llvm.parse_assembly(text.text)
    with tools_for(host(), text) as tools:
        optimize(module, tools.builder(), text)
    loop = str(module).partition("@nest")[2].partition("\n}\n")[0]
    calls = re.findall(r"call [^\n]*@(far_wave\w+)", loop)
    assert calls
    assert all(name.endswith("_each") for name in calls)


def small(x):
    return cr.jit(lambda x: np.tanh(x) * 2)(x)


@pytest.mark.portable(quick="here")
def test_kept_on_disk_and_found_again(cache, monkeypatch):
    x = np.linspace(0, 1, 5)
    expected = small(x)
    (file,) = cache.glob("*.kernel")
    before = file.read_bytes()
    monkeypatch.setattr(native, "_loaded", {})
    monkeypatch.setattr(native, "_compiled", None)  # cannot compile now
    np.testing.assert_array_equal(small(x), expected)
    assert file.read_bytes() == before


DAMAGES = {
    "truncated": lambda content: content[:-20],
    "empty": lambda content: b"",
    "another byte": lambda content: content[:90] + bytes([content[90] ^ 1]) + content[91:],
    "foreign": lambda content: b"GIF89a" + content,
    "other digest": lambda content: content[:30] + b"0" + content[31:],
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_file_is_made_anew(cache, monkeypatch, damage):
    x = np.linspace(0, 1, 5)
    expected = small(x)
    (file,) = cache.glob("*.kernel")
    whole = file.read_bytes()
    file.write_bytes(DAMAGES[damage](whole))
    monkeypatch.setattr(native, "_loaded", {})
    np.testing.assert_array_equal(small(x), expected)
    assert cache_on_disk.read(file.stem) is not None


def test_a_folder_that_cannot_be_written_costs_speed_alone(cache):
    cache.parent.joinpath("kernels").write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="cannot be kept"):
        np.testing.assert_allclose(small(np.ones(3)), 2 * np.tanh(np.ones(3)))


AT_ONCE = """
import numpy as np, chainrule as cr
print("ready", flush=True)
input()
print(cr.jit(lambda x: np.tanh(x) * 2)(np.linspace(0, 1, 5)).tolist())
"""


@pytest.mark.thorough  # several processes
def test_processes_may_write_at_once(cache):
    pipe, environment = subprocess.PIPE, os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE], stdin=pipe, stdout=pipe, text=True, env=environment
        )
        for _ in range(2)
    ]
    assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 2
    for worker in workers:
        print(file=worker.stdin, flush=True)
    found = [worker.communicate(timeout=120 * SLOWNESS)[0] for worker in workers]
    assert found[0] == found[1] == f"{small(np.linspace(0, 1, 5)).tolist()}\n"
    assert {file.suffix for file in cache.iterdir()} == {".kernel", ".verdict"}
    assert len([*cache.glob("*.kernel")]) == 1


@pytest.mark.portable(quick="here")
def test_the_system_says_how_much_memory_there_is():
    assert memory() != UNKNOWN_MEMORY
    assert 2**28 < memory() < 2**50


def test_clearing(cache):
    small(np.ones(3))
    assert cache_on_disk.clear_cache() == 1
    assert cache_on_disk.clear_cache() == 0


def test_without_llvmlite_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "chainrule._src.compile.native.machine", None)
    with pytest.raises(CompileError, match="pip install llvmlite"):
        small(np.ones(3))


class TestJit:
    @pytest.mark.portable(quick="here")
    def test_structures_shapes_and_dtypes(self):
        f = cr.jit(lambda a, b: {"sum": a["x"] + b, "more": [a["x"] * 2]})
        for dtype in ("f4", "f8"):
            for shape in ((3,), (2, 3)):
                x = np.ones(shape, dtype)
                got = f({"x": x}, np.arange(3, dtype=dtype))
                np.testing.assert_array_equal(got["sum"], x + np.arange(3))
                assert got["more"][0].dtype == dtype

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("size", [1, 7, 33])
    def test_extremes_hold_nan_wherever_it_is(self, size, dtype):
        def f(x):
            return np.max(x, axis=1), np.min(x, axis=1), np.maximum(x, 0.5), np.minimum(0.5, x)

        x = np.tile(np.random.default_rng(0).normal(size=size).astype(dtype), (size + 1, 1))
        x[np.arange(size), np.arange(size)] = np.nan  # in every place once, but for the last row
        for got, expected in zip(cr.jit(f)(x), f(x), strict=True):
            np.testing.assert_array_equal(got, expected)

    @pytest.mark.portable(quick="here")
    def test_gradients(self):
        def loss(w, x):
            return np.mean(np.tanh(x @ w) ** 2)

        rng = np.random.default_rng(0)
        w, x = rng.normal(size=4), rng.normal(size=(6, 4))
        value, gradient = cr.jit(cr.value_and_grad(loss))(w, x)
        expected, by_numpy = cr.value_and_grad(loss)(w, x)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(gradient, by_numpy, rtol=1e-12)

    def test_other_numbers_of_rows_are_not_compiled_for(self, cache):
        W = np.random.default_rng(0).normal(size=(3, 4))

        def f(X):
            return np.tanh(X @ W) / len(X)

        jitted = cr.jit(f)
        for n in (5, 9, 1, 40, 2, 9):
            X = np.random.default_rng(n).normal(size=(n, 3))
            np.testing.assert_allclose(jitted(X), f(X), rtol=1e-12)
        assert len([*cache.glob("*.kernel")]) == 3  # for any number, with its matrix product; for 1

    def test_arrays_of_any_shape_one_after_another(self):
        shapes = [
            (3,),
            (),
            (5,),
            (0,),
            (1,),
            (3, 2),
            (5, 2),
            (1, 2),
            (0, 2),
            (3, 3),
            (2, 3, 2),
            (4,),
        ]
        jitted = cr.jit(lambda x, y: np.sum(np.sin(x) * 2, axis=None) + np.mean(y))
        for x, y in zip(shapes, [*shapes[1:], shapes[0]], strict=True):
            for dtype in ("f8", "f4"):
                given = np.full(x, 0.5, dtype), np.ones((2, *y[1:]), dtype)
                expected = np.sum(np.sin(given[0]) * 2) + np.mean(given[1])
                np.testing.assert_allclose(jitted(*given), expected, rtol=1e-6)

    def test_where_the_code_goes_by_the_number_of_rows(self):
        def f(w, X):
            return np.mean(X[:3] @ w) if len(X) > 2 else np.sum((X @ w) ** 2)

        jitted, w = cr.jit(f), np.arange(1.0, 4.0)
        for n in (4, 5, 3, 1, 2, 6):
            X = np.random.default_rng(n).normal(size=(n, 3))
            np.testing.assert_allclose(jitted(w, X), f(w, X), rtol=1e-12)

    @pytest.mark.parametrize("f", [
        lambda X: np.append(X, X)[np.array([[-3]])],
        lambda X: np.vstack((X, X))[[0], np.array([[0, 0], [-1, -1]])],
        lambda X: X[[-1, 0]],
    ])  # fmt: skip
    def test_fixed_indices_that_count_from_the_end(self, f):
        jitted = cr.jit(f)
        for n in (8, 2, 30, 5, 3):
            X = np.arange(1.0, n + 1)
            np.testing.assert_array_equal(jitted(X), f(X))

    @pytest.mark.parametrize("n", [1, 2, 3, 4, 6])
    @pytest.mark.parametrize("part", [slice(-3, None), slice(-3, -1), slice(-3, 5)])
    def test_slices_that_begin_before_the_axis_does(self, part, n):
        def f(w, X):
            return np.sum(np.sin(X[part]) * w)

        X = np.random.default_rng(n).normal(size=n)
        ends = []
        for engine in ("numpy", "compiled"):
            rule = cr.optimizers.SGD(0.1)
            found = cr.minimize(
                f, np.ones(1), X, batch_size=n, epochs=3, shuffle=False, optimizer=rule,
                engine=engine,
            )  # fmt: skip
            ends.append(found[0])
        np.testing.assert_allclose(*ends, rtol=1e-12)

    def test_from_threads(self):
        f = cr.jit(lambda x: np.exp(x) + 1)
        f(np.zeros(50))
        wrong = []

        def work(k):
            for i in range(300):
                x = np.full(50, (k + i) % 7 / 7)
                if not np.allclose(f(x), np.exp(x) + 1):
                    wrong.append(k)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_an_index_out_of_range(self):
        f = cr.jit(lambda x, i: np.take(x, i, axis=0))
        x = np.arange(5.0)
        np.testing.assert_array_equal(f(x, np.array([0, -1])), [0, 4])
        with pytest.raises(DataError, match=r"index 5 is out of bounds .* in row 1"):
            f(x, np.array([0, 5]))


def test_a_large_factor_of_the_batch_size():
    def loss(w, X):
        return np.mean((X @ w) ** 2) * 1e200

    w, X = np.full(2, 1e-100), np.ones((4, 2))
    trained = cr.minimize(loss, w, X, optimizer=cr.optimizers.SGD(1e-200), engine="compiled")[0]
    np.testing.assert_allclose(trained, -3e-100, rtol=1e-12)
