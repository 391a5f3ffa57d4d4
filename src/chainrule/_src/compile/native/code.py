"""The machine code of kernels: from memory, from the cache on disk, or compiled by LLVM."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule._src.base.errors import CompileError, MachineError
from chainrule._src.base.forks import lock
from chainrule._src.base.interrupts import deferred, first_use
from chainrule._src.base.version import __version__
from chainrule._src.compile.native import cache, cores
from chainrule._src.compile.native.function import (
    PRODUCT,
    NativeFunction,
    packed,
    product_text,
    products_of,
)
from chainrule._src.compile.native.verdict import fault

if TYPE_CHECKING:
    from chainrule._src.compile.lower.kernels import Kernel
    from chainrule._src.compile.native.llvm import Text
    from chainrule._src.compile.native.target import Machine

_WINGS = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
PRODUCT_CODE = ("frames", "gemm", "vectors", "writer")  # modules that write matrix products
MOST = 3  # the largest number of helper threads that compile
FLOATS = {"float32", "float64"}  # the dtypes of matrix products
# For text with an empty first line: a pattern with "\n" is five times as fast as one with "^".
DEFINED = re.compile(r"\ndefine (?:internal )?\w+ @(\w+)\(")
DECLARED = re.compile(r"\ndeclare .* @([\w.]+)\(")
CODES, BYTES = 256, 2**26  # limits of loaded machine code: number of kernels, bytes
_making = lock()
_using = lock()
_begun: set[str] = set()  # dtypes of products that were compiled ahead of their first caller
_loaded: dict[str, NativeFunction] = {}  # the most recently used last


class Piece(NamedTuple):
    """A request for machine code.

    Attributes
    ----------
    key : str
        The cache key: a digest of everything that the machine code depends on.
    texts : callable or None
        A function that returns the modules to compile; None if nothing may be compiled.
    name : str or None
        The name by which other machine code calls it.
    """

    key: str
    texts: Callable[[], Sequence[Text]] | None = None
    name: str | None = None


def load(kernel: Kernel) -> NativeFunction:
    """Return a kernel's machine code, from memory, from disk, or compiled."""
    function = _ready(_pieces(kernel))
    assert function is not None
    kernel.llvm = None  # free the long text
    return function


def _pieces(kernel: Kernel) -> list[Piece]:
    """Return the pieces of machine code that a kernel needs. The kernel's own piece comes last."""
    if kernel.key is None:
        kernel.key = _key("".join(each.text for each in _texts(kernel)))
    return [*_products(products_of(kernel)), Piece(kernel.key, partial(_texts, kernel))]


@contextmanager
def compiling_ahead(dtype: Any) -> Iterator[None]:
    """Context manager in which a kernel is recorded and loaded, with parameters of this dtype.

    A thread compiles the matrix product, which nearly every kernel calls, while the kernel is
    recorded. This happens once per dtype, since some kernels call no product.
    """
    from chainrule._src.compile.native.helpers import ahead

    def product() -> list[Text]:
        if product_is_begun(dtype):
            return []
        _begun.add(dtype.name)
        return _missing(_products({dtype.name: ""}))

    with ahead(product, this_machine(), _others()):
        yield


def product_is_begun(dtype: Any) -> bool:
    """Return true if `compiling_ahead` has no product of this dtype left to compile."""
    return getattr(dtype, "name", "") not in FLOATS - _begun


def begin(kernel: Kernel) -> None:
    """Compile a kernel in the threads of `compiling_ahead`, before the kernel is loaded."""
    from chainrule._src.compile.native.helpers import also

    also(_missing(_pieces(kernel)))


def _missing(pieces: Sequence[Piece]) -> list[Text]:
    """Return the modules that are neither in memory nor on disk."""
    functions = _in_memory(pieces)
    missing = [p for p in pieces if p.key not in functions and cache.read(p.key) is None]
    return [text for piece in missing if piece.texts for text in piece.texts()]


def _others() -> int:
    """Return the number of helper threads that may compile."""
    return min(cores() - 1, MOST)


def cached(key: str, products: dict[str, str]) -> NativeFunction | None:
    """Return machine code by its cache key from memory or from disk, or None.

    The matrix products that the code calls are loaded or compiled as well.
    """
    return _ready([*_products(products), Piece(key)])


def this_machine() -> Machine:
    """Return the machine that this process runs on, after a check that it runs machine code.

    Raises
    ------
    MachineError
        If llvmlite is not installed, or machine code does not work on this machine.
    """
    try:
        with first_use("chainrule._src.compile.native.machine"):
            from chainrule._src.compile.native.machine import host
    except ImportError as error:
        raise MachineError(f"compiling needs llvmlite ({error}); pip install llvmlite") from error
    try:
        target = host()
    except RuntimeError as error:
        raise MachineError(f"LLVM does not know this machine: {error}") from error
    reason = fault(target, _verdict_key(target))
    if reason:
        raise MachineError(
            f"machine code does not work on this machine: {reason}; chainrule cache clear has it "
            "tried again"
        )
    return target


def _texts(kernel: Kernel) -> Sequence[Text]:
    """Return a kernel in LLVM's language."""
    if kernel.llvm is None:
        target = this_machine()
        with deferred():
            from chainrule._src.compile.native.modules import modules

        kernel.llvm = modules(kernel, target)
    texts: Sequence[Text] = kernel.llvm
    return texts


def _key(text: str) -> str:
    """Return a cache key: a digest of everything that the machine code of a text depends on."""
    made_by = sources(*(f"compile/native/{name}.py" for name in ("function", "llvm", "rare")))
    return digest(f"{here()}\0{made_by}\0{text}")


def here() -> str:
    """Return `compiler_of` this machine."""
    return compiler_of(this_machine())


@functools.cache
def _verdict_key(target: Machine) -> str:
    """Return the cache key of the self-check of machine code for a target."""
    return digest(f"{compiler_of(target)}\0{sources('compile/lower', 'compile/native')}")


@functools.cache
def compiler_of(target: Machine) -> str:
    """Return a text of the properties of a target and of LLVM that machine code depends on."""
    with deferred():
        import llvmlite

    return f"{target!r} llvmlite {llvmlite.__version__}"


def digest(text: str) -> str:
    """Return the SHA-256 digest of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _products(products: dict[str, str]) -> list[Piece]:
    """Return the pieces of matrix products, given their names by dtype."""
    return [
        Piece(
            _key(dtype + sources(*(f"compile/native/{name}.py" for name in PRODUCT_CODE))),
            partial(_product, dtype),
            PRODUCT + name,
        )
        for dtype, name in products.items()
    ]


@functools.cache
def sources(*names: str) -> str:
    """Return a digest of chainrule's version and of the code in some of its folders and files.

    The digest uses the contents of files. Their sizes and times can be equal for different code,
    for example in two wheels, in a Nix store or in the layers of a container. All files are read
    into one buffer, because to allocate one for each file would take longer than to read it.
    """
    memory = memoryview(bytearray(2**16))
    hasher = hashlib.sha256(__version__.encode())
    for name in names:
        for file in [name] if name.endswith(".py") else _files(name):
            hasher.update(f"\0{file}\0".encode())
            with open(f"{_WINGS}/{file}", "rb", buffering=0) as content:
                while size := content.readinto(memory):
                    hasher.update(memory[:size])
    return hasher.hexdigest()


def _files(room: str) -> list[str]:
    files = os.listdir(f"{_WINGS}/{room}")
    return sorted(f"{room}/{file}" for file in files if file.endswith(".py"))


def _product(dtype: str) -> list[Text]:
    return [product_text(dtype, this_machine())]


def _ready(pieces: Sequence[Piece]) -> NativeFunction | None:
    """Return the code of the last piece, which may call the others; None if any is missing."""
    functions = _in_memory(pieces)
    with _making if len(functions) < len(pieces) else nullcontext():
        functions |= _in_memory(pieces)
        codes = _codes([piece for piece in pieces if piece.key not in functions])
        if codes is None:
            return None
        for piece in pieces:
            function = functions.get(piece.key) or NativeFunction(codes[piece.key], piece.key)
            if piece.name is not None:
                function.provide(piece.name)
            _use(function)
    return function


def in_memory(key: str) -> NativeFunction | None:
    """Return machine code that this process has loaded, by its cache key, or None."""
    function = _loaded.get(key)
    if function is not None:
        _use(function)
    return function


def _in_memory(pieces: Sequence[Piece]) -> dict[str, NativeFunction]:
    """Return the pieces that this process has loaded, by their cache keys."""
    with _using:
        return {piece.key: _loaded[piece.key] for piece in pieces if piece.key in _loaded}


def _use(function: NativeFunction) -> None:
    """Register machine code as used, and drop the least recently used code beyond the limits.

    Code that other machine code calls by its name is never dropped.
    """
    with _using:
        is_new = _loaded.pop(function.key, None) is not function
        _loaded[function.key] = function
        old = [each for each in _loaded.values() if not each.is_provided] if is_new else []
        size = sum(each.bytes for each in old)
        while len(old) > CODES or (size > BYTES and len(old) > 1):
            size -= old[0].bytes
            del _loaded[old.pop(0).key]


def _codes(pieces: Sequence[Piece]) -> dict[str, bytes] | None:
    """Return the code of pieces by cache key, from disk or compiled.

    The result is None if a piece is not on disk and may not be compiled.
    """
    cached: dict[str, bytes] = {}
    missing: dict[str, Callable[[], Sequence[Text]]] = {}
    for piece in pieces:
        code = cache.read(piece.key)
        if code is not None:
            cached[piece.key] = code
        elif piece.texts is None:
            return None
        else:
            missing[piece.key] = piece.texts
    compiled = _compiled(missing) if missing else {}
    for key, code in compiled.items():
        cache.write(key, code)
    return cached | compiled


def _compiled(missing: dict[str, Callable[[], Sequence[Text]]]) -> dict[str, bytes]:
    """Compile modules; return the machine code by the cache key of its piece.

    Raises
    ------
    CompileError
        If LLVM cannot compile a module, or if it calls a function that this process lacks.
    """
    from chainrule._src.compile.native.helpers import compile_all

    written = {key: texts() for key, texts in missing.items()}
    texts = [text for texts in written.values() for text in texts]
    try:
        objects = iter(compile_all(texts, this_machine(), _others()))
    except RuntimeError as error:
        raise CompileError(f"LLVM has no machine code for it: {error}") from error
    codes = {
        key: packed([(each, next(objects)) for each in texts]) for key, texts in written.items()
    }
    for each in written.values():
        _check_calls("".join(f"\n{text.text}" for text in each))
    return codes


def _check_calls(text: str) -> None:
    """Check that all functions exist that machine code calls; matrix products are added later."""
    with deferred():
        import llvmlite.binding as llvm

    defined = set(DEFINED.findall(text))
    for name in DECLARED.findall(text):
        outside = not name.startswith(("llvm.", PRODUCT)) and name not in defined
        if outside and not llvm.address_of_symbol(name):
            raise CompileError(f"{name}, which the kernel calls, is not part of this process")
