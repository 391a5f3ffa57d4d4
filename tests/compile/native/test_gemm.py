"""Matrix products: exact, for vectors of all widths, the same bits however they are shared out."""

import ctypes
import mmap
import platform
import sys
import threading
import time
from functools import cache

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule._src.compile.native import cache as on_disk
from chainrule._src.compile.native import code as native
from chainrule._src.compile.native import machine as room
from chainrule._src.compile.native.function import NativeFunction, _provided, packed, product_text
from chainrule._src.compile.native.gemm import HEIGHT, TERMS
from chainrule._src.compile.native.llvm import compiled

pytestmark = pytest.mark.portable

DTYPES = {"sgemm": np.dtype("f4"), "dgemm": np.dtype("f8")}


def machines():
    """Return machines whose code this one runs, which comes first."""
    own = room.host()
    has = llvm.get_host_cpu_features().get
    made = [own]
    if has("avx512vl"):
        made.append(own._replace(width=16, registers=32))
        made.append(own._replace(width=16, registers=32, addresses=31))  # as on ARM's
    if has("avx2") and has("fma"):
        made.append(own._replace(processor="haswell", features="", width=32, registers=16))
    if has("sse4.2"):
        made.append(own._replace(processor="x86-64-v2", features="", width=16, registers=16))
    return made


MACHINES = machines()
named = pytest.mark.parametrize(
    "machine", MACHINES, ids=lambda m: f"{m.processor}-{m.width}-{m.registers}-{m.addresses}"
)


@cache
def product(routine, machine=MACHINES[0]):
    """Return ``gemm(ta, tb, m, n, k, a, lda, b, ldb, c, ldc)``."""
    text = product_text(DTYPES[routine].name, machine)
    code = NativeFunction(packed([(text, compiled(text, machine))]))
    real = ctypes.c_float if routine == "sgemm" else ctypes.c_double
    whole, place = ctypes.c_int64, ctypes.c_void_p
    kinds = [
        *[ctypes.c_int] * 3,
        *[whole] * 3,
        real,
        place,
        whole,
        place,
        whole,
        real,
        place,
        whole,
    ]
    function = ctypes.CFUNCTYPE(None, *kinds)(code.address)

    def gemm(ta, tb, m, n, k, a, lda, b, ldb, c, ldc):
        turned = 111 + ta, 111 + tb
        function(
            101, *turned, m, n, k, 1, a.ctypes.data, lda, b.ctypes.data, ldb, 0, c.ctypes.data, ldc
        )

    gemm.code = code  # which must not go
    return gemm


def matrix(rng, height, width, apart, dtype):
    """Return small whole numbers, whose products are exact, as a part of longer rows."""
    return rng.integers(-9, 10, (height, width + apart)).astype(dtype)[:, :width]


def step(array):
    return array.strides[0] // array.itemsize


def multiplied(machine, routine, ta, tb, m, n, k, apart=0):
    dtype, rng = DTYPES[routine], np.random.default_rng(0)
    a = matrix(rng, *((k, m) if ta else (m, k)), apart, dtype)
    b = matrix(rng, *((n, k) if tb else (k, n)), apart, dtype)
    memory = np.full((m, n + apart), np.nan, dtype)
    gemm = product(routine, machine)
    gemm(ta, tb, m, n, k, a, step(a), b, step(b), memory, n + apart)
    return memory, (a.T if ta else a) @ (b.T if tb else b)


SIZES = st.integers(1, 70)
WIDE = 530  # columns from which a transposed operand is turned, whatever the vectors


@given(st.sampled_from(MACHINES), st.sampled_from(list(DTYPES)), st.booleans(), st.booleans(),
       SIZES, SIZES, SIZES | st.just(0), st.integers(0, 5))  # fmt: skip
def test_products_are_those_of_numpy(machine, routine, ta, tb, m, n, k, apart):
    memory, expected = multiplied(machine, routine, ta, tb, m, n, k, apart)
    np.testing.assert_array_equal(memory[:, :n], expected)
    assert np.isnan(memory[:, n:]).all(), "written beside the result"


@pytest.mark.sampled(quick=10)
@pytest.mark.portable(quick="everywhere")
@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
@pytest.mark.parametrize("routine", list(DTYPES))
@named
def test_products_of_several_blocks(machine, routine, ta, tb):
    sizes = [(HEIGHT + 13, 37, 2 * TERMS + 3), (200, 100, TERMS), (3, 200, TERMS + 1)]
    for m, n, k in [*sizes, (HEIGHT + 13, WIDE, TERMS + 3), (5, WIDE, 2), (5, WIDE, 0)]:
        np.testing.assert_array_equal(*multiplied(machine, routine, ta, tb, m, n, k))


@given(st.sampled_from(MACHINES), st.sampled_from(list(DTYPES)), st.booleans(), st.booleans(),
       st.integers(1, 250), SIZES | st.just(WIDE), st.integers(1, 2 * TERMS),
       st.data())  # fmt: skip
def test_rows_and_columns_left_to_others_change_no_bit(machine, routine, ta, tb, m, n, k, data):
    dtype, rng = DTYPES[routine], np.random.default_rng(0)
    a = rng.normal(size=(k, m) if ta else (m, k)).astype(dtype)
    b = rng.normal(size=(n, k) if tb else (k, n)).astype(dtype)
    whole, parts = np.empty((m, n), dtype), np.full((m, n), np.nan, dtype)
    gemm = product(routine, machine)
    gemm(ta, tb, m, n, k, a, step(a), b, step(b), whole, n)
    row, column = data.draw(st.integers(0, m)), data.draw(st.integers(0, n))
    for top, bottom in ((0, row), (row, m)):
        for left, right in ((0, column), (column, n)):
            first = a[:, top:bottom] if ta else a[top:bottom]
            second = b[left:right] if tb else b[:, left:right]
            place = parts[top:bottom, left:right]
            size = bottom - top, right - left, k
            gemm(ta, tb, *size, first, step(a), second, step(b), place, n)
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.skipif(
    platform.machine() in ("x86_64", "AMD64") and not llvm.get_host_cpu_features().get("fma"),
    reason="this processor rounds products as well",
)
def test_sums_are_rounded_term_by_term_in_blocks():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 600)).astype("f4"), rng.normal(size=(600, 3)).astype("f4")
    c = np.empty((2, 3), "f4")
    product("sgemm")(False, False, 2, 3, 600, a, 600, b, 3, c, 3)
    expected = np.zeros((2, 3), "f4")
    for begin in range(0, 600, TERMS):  # a chain for each block of terms
        chain = np.zeros((2, 3), "f4")
        for term in range(begin, min(begin + TERMS, 600)):
            products = a[:, term, np.newaxis].astype("f8") * b[term]  # exact in float64
            chain = (chain + products).astype("f4")
        expected += chain
    np.testing.assert_array_equal(c, expected)


@pytest.mark.parametrize("ta", [False, True])
def test_many_terms_lose_no_more_digits_than_numpys(ta):
    rng = np.random.default_rng(0)
    a, b = rng.random((400_000, 3), "f4"), rng.random((400_000, 2), "f4")
    c, exact = np.empty((3, 2), "f4"), a.T.astype("f8") @ b
    given = a if ta else np.ascontiguousarray(a.T)
    product("sgemm")(ta, False, 3, 2, 400_000, given, given.shape[1], b, 2, c, 2)
    np.testing.assert_allclose(c, exact, rtol=5e-6)


def test_what_is_not_a_number_stays_where_it_belongs():
    a, b = np.ones((20, 30), "f4"), np.ones((30, 40), "f4")
    a[3, 5], b[7, 33] = np.nan, np.inf
    c = np.empty((20, 40), "f4")
    product("sgemm")(False, False, 20, 40, 30, a, 30, b, 40, c, 40)
    np.testing.assert_array_equal(c, a @ b)


def before_a_wall(array):
    """Return a copy that ends where memory ends: to read a byte more kills the process."""
    room = -(-array.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = np.frombuffer(mmap.mmap(-1, room + mmap.PAGESIZE), np.uint8)
    wall = ctypes.c_void_p(memory.ctypes.data + room)
    size = ctypes.c_size_t(mmap.PAGESIZE)
    if sys.platform == "win32":
        no_access = 1
        assert ctypes.windll.kernel32.VirtualProtect(wall, size, no_access, ctypes.byref(size))
    else:
        assert ctypes.CDLL(None).mprotect(wall, size, 0) == 0
    copy = memory[room - array.nbytes : room].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
@named
def test_nothing_beyond_the_matrices_is_read(machine, ta, tb):
    for m, n, k in ((12, 37, 19), (5, 3, 2), (200, 33, 17), (37, WIDE, 19)):
        a = before_a_wall(np.ones((k, m) if ta else (m, k), "f4"))
        b = before_a_wall(np.ones((n, k) if tb else (k, n), "f4"))
        c = before_a_wall(np.empty((m, n), "f4"))
        product("sgemm", machine)(ta, tb, m, n, k, a, step(a), b, step(b), c, n)
        assert (c == k).all()


@pytest.mark.parametrize(("features", "vectors"), [
    (["avx", "avx2", "fma", "avx512f"], (64, 32)),
    (["avx", "avx2", "fma"], (32, 16)),
    (["sse4.2"], (16, 16)),
])  # fmt: skip
def test_the_processor_says_how_wide_vectors_are(features, vectors, monkeypatch):
    features = llvm.FeatureMap(dict.fromkeys(features, True))
    monkeypatch.setattr(room.llvm, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(room.llvm, "get_process_triple", lambda: "x86_64-unknown-linux-gnu")
    machine = room.host.__wrapped__()
    assert (machine.width, machine.registers) == vectors


def test_vectors_of_arm_processors(monkeypatch):
    monkeypatch.setattr(room.llvm, "get_host_cpu_features", llvm.FeatureMap)
    monkeypatch.setattr(room.llvm, "get_process_triple", lambda: "arm64-apple-darwin23.4.0")
    machine = room.host.__wrapped__()
    assert (machine.width, machine.registers) == (16, 32)


@pytest.fixture
def provided(tmp_path, monkeypatch):
    """Return a way to provide a product; it returns the addresses that it gave."""
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    monkeypatch.setattr(native, "_loaded", {})
    given = {}
    monkeypatch.setattr(llvm, "add_symbol", given.__setitem__)

    def provide(routine):
        native._ready(native._products({DTYPES[routine].name: routine}))
        return given

    return provide


def test_a_product_is_compiled_once(provided, tmp_path, monkeypatch):
    first = provided("sgemm")["chainrule_sgemm"]
    (file,) = tmp_path.glob("*.kernel")
    monkeypatch.setattr(native, "_compiled", None)  # cannot compile now
    assert provided("sgemm")["chainrule_sgemm"] == first
    monkeypatch.setattr(native, "_loaded", {})
    assert provided("sgemm")["chainrule_sgemm"]
    assert list(tmp_path.glob("*.kernel")) == [file]


def test_what_is_called_by_name_is_there_for_as_long_as_it_is_found(monkeypatch):
    name, routine = "chainrule_dgemm", {"float64": "dgemm"}
    native._ready(native._products(routine))
    with monkeypatch.context() as as_another_process:
        as_another_process.setattr(native, "_loaded", {})
        native._ready(native._products(routine))
        assert _provided[name][-1] in native._loaded.values()
    native._ready(native._products(routine))
    assert _provided[name][-1] in native._loaded.values()
    assert llvm.address_of_symbol(name) == _provided[name][-1].address


def test_threads_that_need_the_same_compile_it_once(provided, monkeypatch):
    provided("sgemm")
    (code,) = [on_disk.read(file.stem) for file in on_disk.cache_folder().glob("*.kernel")]
    compiled, made = [], []

    def compile_slowly(wanted):
        compiled.append("once")
        time.sleep(0.2)
        return dict.fromkeys(wanted, code)

    monkeypatch.setattr(native, "_compiled", compile_slowly)

    def need():
        made.append(native._ready([native.Piece("0" * 64, list)]))

    threads = [threading.Thread(target=need) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert compiled == ["once"]
    assert made == [made[0]] * 4  # kernels may hold its address already


def test_kernels_multiply_so():
    """A compiled function has the bits of the product."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 300)), rng.normal(size=(300, 50))
    got, own = cr.jit(np.matmul)(a, b), np.empty((40, 50))
    np.testing.assert_allclose(got, a @ b, rtol=1e-12, atol=1e-12)
    product("dgemm")(False, False, 40, 50, 300, a, 300, b, 50, own, 50)
    np.testing.assert_array_equal(got, own)
