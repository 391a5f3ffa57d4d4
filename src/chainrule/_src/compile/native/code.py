"""Machine code: made once, kept on disk by `cache`, called."""

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
    from chainrule._src.compile.native.target import Target

_WINGS = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
PRODUCT_CODE = ("frames", "gemm", "vectors")  # modules that write matrix products
MOST = 3  # threads that compile beside one
FLOATS = {"float32", "float64"}  # that matrix products are made of
# In a module after an empty line: what begins with "\n" is found five times as soon as with "^".
DEFINED = re.compile(r"\ndefine (?:internal )?\w+ @(\w+)\(")
DECLARED = re.compile(r"\ndeclare .* @([\w.]+)\(")
CODES, BYTES = 256, 2**26  # machine code in memory that nobody may be using: how much of it
_making = lock()
_using = lock()
_begun: set[str] = set()  # dtypes of products that were begun before it was known who calls them
_loaded: dict[str, NativeFunction] = {}  # the most recently used last


class Piece(NamedTuple):
    """Machine code that is wanted.

    Attributes
    ----------
    key : str
        Of its file: a digest of all that it depends on.
    texts : callable or None
        Returns its modules; None if it is not to be made.
    name : str or None
        What other machine code calls it by.
    """

    key: str
    texts: Callable[[], Sequence[Text]] | None = None
    name: str | None = None


def load(kernel: Kernel) -> NativeFunction:
    """Return a kernel's machine code, from memory, from disk, or compiled."""
    function = _kept(_pieces(kernel))
    assert function is not None
    kernel.llvm = None  # the text is long
    return function


def _pieces(kernel: Kernel) -> list[Piece]:
    """Return the machine code that a kernel needs, its own last."""
    if kernel.key is None:
        kernel.key = _key("".join(each.text for each in _texts(kernel)))
    return [*_products(products_of(kernel)), Piece(kernel.key, partial(_texts, kernel))]


@contextmanager
def made_soon(dtype: Any) -> Iterator[None]:
    """Have a kernel written and loaded within, whose parameters are of this dtype.

    A thread begins at once with the matrix product, which nearly every kernel calls, while that is
    recorded; but not a second time, where kernels did without.
    """
    from chainrule._src.compile.native.helpers import ahead

    def product() -> list[Text]:
        name = getattr(dtype, "name", "")
        if name not in FLOATS - _begun:
            return []
        _begun.add(name)
        return _missing(_products({name: ""}))

    with ahead(product, this_machine(), _others()):
        yield


def begin(kernel: Kernel) -> None:
    """Have the thread within `made_soon` go on with a kernel, before that is loaded."""
    from chainrule._src.compile.native.helpers import also

    also(_missing(_pieces(kernel)))


def _missing(pieces: Sequence[Piece]) -> list[Text]:
    """Return the modules that are neither in memory nor on disk."""
    functions = _in_memory(pieces)
    missing = [p for p in pieces if p.key not in functions and cache.read(p.key) is None]
    return [text for piece in missing if piece.texts for text in piece.texts()]


def _others() -> int:
    """Return how many threads may make machine code beside one."""
    return min(cores() - 1, MOST)


def kept(key: str, products: dict[str, str]) -> NativeFunction | None:
    """Return machine code by its name, from memory or from disk, and see to what it calls."""
    return _kept([*_products(products), Piece(key)])


def this_machine() -> Target:
    """Return the machine that this process runs on, which is known to run machine code.

    Raises
    ------
    MachineError
        If what compiles is not installed, or does not work here.
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
    made_by = sources("compile/lower", "compile/native")
    reason = fault(target, digest(f"{_made_by(target)}\0{made_by}"))
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
    """Return the name of a kernel's file: a digest of all that its machine code depends on."""
    made_by = sources(*(f"compile/native/{name}.py" for name in ("function", "llvm", "rare")))
    return digest(f"{here()}\0{made_by}\0{text}")


def here() -> str:
    """Return all of this machine, and of its tools, that machine code depends on."""
    return _made_by(this_machine())


def _made_by(target: Target) -> str:
    import llvmlite

    return f"{target!r} llvmlite {llvmlite.__version__}"


def digest(text: str) -> str:
    """Return a name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _products(products: dict[str, str]) -> list[Piece]:
    """Return matrix products, which kernels call by a name, by their dtypes."""
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
    """Return a digest of chainrule's version and of the code in some of its rooms and files.

    Contents decide: sizes and times of files are equal in two wheels, in a Nix store, in the layers
    of a container. All files are read into one piece of memory, since a new one for each would
    take longer than the reading.
    """
    memory = memoryview(bytearray(2**16))
    whole = hashlib.sha256(__version__.encode())
    for name in names:
        for file in [name] if name.endswith(".py") else _files(name):
            whole.update(f"\0{file}\0".encode())
            with open(f"{_WINGS}/{file}", "rb", buffering=0) as content:
                while size := content.readinto(memory):
                    whole.update(memory[:size])
    return whole.hexdigest()


def _files(room: str) -> list[str]:
    files = os.listdir(f"{_WINGS}/{room}")
    return sorted(f"{room}/{file}" for file in files if file.endswith(".py"))


def _product(dtype: str) -> list[Text]:
    return [product_text(dtype, this_machine())]


def _kept(pieces: Sequence[Piece]) -> NativeFunction | None:
    """Return the code of the last piece, which may call the others; None if one is missing."""
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
    """Return machine code that this process has loaded, by its name."""
    function = _loaded.get(key)
    if function is not None:
        _use(function)
    return function


def _in_memory(pieces: Sequence[Piece]) -> dict[str, NativeFunction]:
    """Return the pieces that this process has loaded, by their keys."""
    with _using:
        return {piece.key: _loaded[piece.key] for piece in pieces if piece.key in _loaded}


def _use(function: NativeFunction) -> None:
    """Keep machine code, and let go of what was used longest ago where there is too much.

    What other code calls by its name stays.
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
    """Return the code of pieces by their keys, from disk or made; None if one is not to be made."""
    found: dict[str, bytes] = {}
    wanted: dict[str, Callable[[], Sequence[Text]]] = {}
    for piece in pieces:
        code = cache.read(piece.key)
        if code is not None:
            found[piece.key] = code
        elif piece.texts is None:
            return None
        else:
            wanted[piece.key] = piece.texts
    made = _made(wanted) if wanted else {}
    for key, code in made.items():
        cache.write(key, code)
    return found | made


def _made(wanted: dict[str, Callable[[], Sequence[Text]]]) -> dict[str, bytes]:
    """Return the code of modules by the keys of what they are parts of.

    Raises
    ------
    CompileError
        If LLVM has no code for it, or if it calls what is not part of this process.
    """
    from chainrule._src.compile.native.helpers import made

    written = {key: texts() for key, texts in wanted.items()}
    texts = [text for texts in written.values() for text in texts]
    try:
        objects = iter(made(texts, this_machine(), _others()))
    except RuntimeError as error:
        raise CompileError(f"LLVM has no machine code for it: {error}") from error
    codes = {
        key: packed([(each, next(objects)) for each in texts]) for key, texts in written.items()
    }
    for each in written.values():
        _check_calls("".join(f"\n{text.text}" for text in each))
    return codes


def _check_calls(text: str) -> None:
    """Check that all is there that machine code calls; products are by the time it is called."""
    with deferred():
        import llvmlite.binding as llvm

    defined = set(DEFINED.findall(text))
    for name in DECLARED.findall(text):
        outside = not name.startswith(("llvm.", PRODUCT)) and name not in defined
        if outside and not llvm.address_of_symbol(name):
            raise CompileError(f"{name}, which the kernel calls, is not part of this process")
