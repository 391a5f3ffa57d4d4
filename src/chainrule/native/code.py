"""Machine code: made once, kept on disk by `cache`, called."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from chainrule import __version__
from chainrule.errors import CompileError
from chainrule.forks import lock
from chainrule.interrupts import deferred, first_use
from chainrule.native import ENTRY, cache, cores

if TYPE_CHECKING:
    from chainrule.compiler.kernels import Kernel
    from chainrule.native.llvm import Text
    from chainrule.native.target import Target

PRODUCT = "chainrule_"  # how the names of matrix products begin
MOST = 3  # threads that compile beside one
FLOATS = {"float32", "float64"}  # that matrix products are made of
# In a module after an empty line: what begins with "\n" is found five times as soon as with "^".
DEFINED = re.compile(r"\ndefine (?:internal )?\w+ @(\w+)\(")
GIVEN = re.compile(r"\ndefine void @(\w+)\(")  # to other modules
DECLARED = re.compile(r"\ndeclare .* @([\w.]+)\(")
CODES, BYTES = 256, 2**26  # machine code in memory that nobody may be using: how much of it
_making = lock()
_using = lock()
_begun: set[str] = set()  # dtypes of products that were begun before it was known who calls them
_loaded: dict[str, NativeFunction] = {}  # the most recently used last
_provided: dict[str, list[NativeFunction]] = {}  # by name, the last one is found; all are kept


class NativeFunction:
    """A compiled kernel, by the name of its code; it runs without Python's global lock.

    Its memory is given back with the last reference to it, which what runs it has too.
    """

    def __init__(self, code: bytes, key: str = "") -> None:
        with deferred():
            import llvmlite.binding as llvm

        with deferred():
            from chainrule.native.llvm import target_machine

        self.key, self.bytes, self.is_provided = key, len(code), False
        self._engines = []
        # The entry's comes last, and calls what the others give. An engine each: their tables of
        # addresses outside are not joined. Names of what they give are those of the kernel before,
        # which has found its own: LLVM's table, which forgets none, does not grow.
        for names, part in _unpacked(code):
            module = llvm.parse_assembly("")  # without which there is no engine
            engine = llvm.create_mcjit_compiler(module, target_machine(this_machine()))
            engine.remove_module(module)  # or LLVM would compile it: half a millisecond
            engine.add_object_file(llvm.ObjectFileRef.from_data(part))
            engine.finalize_object()
            for name in names:
                llvm.add_symbol(name, engine.get_function_address(name))
            self._engines.append(engine)
        self.address = engine.get_function_address(ENTRY)
        self._function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(self.address)

    def provide(self, name: str) -> None:
        """Let other machine code call it by a name; code that is there calls what it has found."""
        with deferred():
            import llvmlite.binding as llvm

        self.is_provided = True
        given = _provided.setdefault(name, [])
        if not given or given[-1] is not self:
            llvm.add_symbol(name, self.address)
            given.append(self)

    def bound(self, arrays: list[Any]) -> Callable[[], int]:
        """Return a call of the kernel on these arrays, which it keeps alive."""
        table = (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])
        function, place = self._function, ctypes.cast(table, ctypes.c_void_p)
        held = (self, arrays, table)

        def call() -> int:
            done: int = function(place)
            return done if held else 0

        def point(i: int, array: Any) -> None:
            """Let another array take the place of one."""
            arrays[i], table[i] = array, array.ctypes.data

        call.point = point  # type: ignore[attr-defined]
        return call


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


def products_of(kernel: Kernel) -> dict[str, str]:
    """Return what matrix products a kernel calls, by their dtypes."""
    return {item.c.dtype.name: item.routine for item in kernel.products}


@contextmanager
def made_soon(dtype: Any) -> Iterator[None]:
    """Have a kernel written and loaded within, whose parameters are of this dtype.

    A thread begins at once with the matrix product, which nearly every kernel calls, while that is
    recorded; but not a second time, where kernels did without.
    """
    from chainrule.native.helpers import ahead

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
    from chainrule.native.helpers import also

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
    """Return the machine that this process runs on.

    Raises
    ------
    CompileError
        If what compiles is not installed.
    """
    try:
        with first_use("chainrule.native.machine"):
            from chainrule.native.machine import host
    except ImportError as error:
        raise CompileError(f"compiling needs llvmlite ({error}); pip install llvmlite") from error
    return host()


def _texts(kernel: Kernel) -> Sequence[Text]:
    """Return a kernel in LLVM's language."""
    if kernel.llvm is None:
        target = this_machine()
        with deferred():
            from chainrule.native.modules import modules

        kernel.llvm = modules(kernel, target)
    texts: Sequence[Text] = kernel.llvm
    return texts


def _key(text: str) -> str:
    """Return the name of a kernel's file: a digest of all that its machine code depends on."""
    made_by = sources("native/code.py", "native/llvm.py", "native/rare.py")
    return digest(f"{here()}\0{made_by}\0{text}")


def here() -> str:
    """Return all of this machine, and of its tools, that machine code depends on."""
    import llvmlite

    return f"{this_machine()!r} llvmlite {llvmlite.__version__}"


def digest(text: str) -> str:
    """Return a name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _products(products: dict[str, str]) -> list[Piece]:
    """Return matrix products, which kernels call by a name, by their dtypes."""
    return [
        Piece(
            _key(dtype + sources("native/gemm.py", "native/vectors.py")),
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
    package, memory = os.path.dirname(os.path.dirname(__file__)), memoryview(bytearray(2**16))
    whole = hashlib.sha256(__version__.encode())
    for name in names:
        for file in [name] if name.endswith(".py") else _files(package, name):
            whole.update(f"\0{file}\0".encode())
            with open(f"{package}/{file}", "rb", buffering=0) as content:
                while size := content.readinto(memory):
                    whole.update(memory[:size])
    return whole.hexdigest()


def _files(package: str, room: str) -> list[str]:
    files = os.listdir(f"{package}/{room}")
    return sorted(f"{room}/{file}" for file in files if file.endswith(".py"))


def _product(dtype: str) -> list[Text]:
    return [product_text(dtype, this_machine())]


@functools.lru_cache(2)
def product_text(dtype: str, target: Target) -> Text:
    """Return the matrix product of a dtype, as C calls it, in LLVM's language."""
    from chainrule.native import gemm

    with deferred():
        from chainrule.native.llvm import NONE, Text

    text = gemm.module(ENTRY, int(dtype[-2:]) // 8, target)
    return Text(text, NONE)


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
        If it calls what is not part of this process.
    """
    from chainrule.native.helpers import made

    written = {key: texts() for key, texts in wanted.items()}
    texts = [text for texts in written.values() for text in texts]
    objects = iter(made(texts, this_machine(), _others()))
    codes = {
        key: _packed([(each, next(objects)) for each in texts]) for key, texts in written.items()
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


def _packed(parts: Sequence[tuple[Text, bytes]]) -> bytes:
    """Return object files as one, each with the names of what others call of it."""
    head = [(len(code), GIVEN.findall(f"\n{text.text}")) for text, code in parts]
    return b"\n".join([json.dumps(head).encode(), b"".join(code for _, code in parts)])


def _unpacked(code: bytes) -> Iterator[tuple[list[str], bytes]]:
    """Yield the names and the object files of one."""
    head, _, rest = code.partition(b"\n")
    at = 0
    for size, names in json.loads(head):
        yield names, rest[at : at + size]
        at += size
