"""An object file becomes a WebAssembly module.

LLVM writes one object file per module, with provisional addresses and numbers of functions. They
are final if the object is not linked with others. So an object of a kernel with all that it calls
is a module that only lacks its memory, its stack and its exports.

The memory has the constants of the code first, from address 0, then the stack, and then the heap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from chainrule._src.base.errors import CompileError

MAGIC = b"\0asm\1\0\0\0"
PAGE = 2**16  # bytes
# The numbers of sections, in WebAssembly's specification.
CUSTOM, IMPORT, MEMORY, GLOBAL, EXPORT, ELEMENTS, CODE, DATA = 0, 2, 5, 6, 7, 9, 10, 11
ORDER = (1, IMPORT, 3, MEMORY, GLOBAL, EXPORT, 12, CODE, DATA)
FUNCTION, TABLE, OF_MEMORY, OF_GLOBAL = range(4)  # kinds of imports and exports
OBJECT_MEMORY, OBJECT_TABLE = b"__linear_memory", b"__indirect_function_table"
OWN = {OBJECT_MEMORY, OBJECT_TABLE, b"__stack_pointer"}  # imports of an object, not of the module
ABSENT, NAMED = 0x10, 0x40  # flags of symbols: not defined here, with a name all the same
SYMBOLS = 8  # the subsection of the symbols in the section "linking"
OF_FUNCTION, OF_DATA, OF_SECTION = 0, 1, 3  # kinds of symbols
I32, MUTABLE, I32_CONST, END = 0x7F, 1, 0x41, 0x0B


class WasmBinary(NamedTuple):
    """A WebAssembly module.

    Attributes
    ----------
    code : bytes
    heap : int
        The first free address of the memory.
    imports : tuple of str
        The names of the functions that the module takes from its host.
    """

    code: bytes
    heap: int
    imports: tuple[str, ...]


def module_of(binary: bytes, entry: str, stack: int, owns_memory: bool = True) -> WasmBinary:
    """Return the module of an object file, which exports a function as ``run``.

    Parameters
    ----------
    binary : bytes
        The object file.
    entry : str
        The name of the function in the object.
    stack : int
        The bytes of the stack.
    owns_memory : bool, default True
        If true, the module has and exports a ``memory``. If false, it imports one from ``env``.

    Raises
    ------
    CompileError
        If the object needs anything but functions from its host.
    """
    sections: dict[int, bytes] = {}
    linking = b""
    for number, content in _sections(binary):
        if number == CUSTOM:
            name, at = _name(content, 0)
            linking = content[at:] if name == b"linking" else linking
        else:
            sections[number] = content
    top = _aligned(_end_of_data(sections.get(DATA, b"\0")) + stack)
    imports = [*_imports(sections.get(IMPORT, b"\0"))]
    functions = [each for each in imports if each.kind == FUNCTION]
    symbols = [*_symbols(linking)]
    strange = {each.name for each in imports} - OWN - {each.name for each in functions}
    strange |= {each.name for each in symbols if each.kind == OF_DATA and not each.is_defined}
    if strange or ELEMENTS in sections:  # a table of functions would need elements
        names = b", ".join(sorted(strange)).decode() or "a table of functions"
        raise CompileError(f"WebAssembly code needs {names} from its host")
    numbers = {each.name: each.number for each in symbols if each.kind == OF_FUNCTION}
    exports = [_text(b"run") + bytes([FUNCTION]) + _leb(numbers[entry.encode()])]
    if owns_memory:
        sections[MEMORY] = _vector([b"\0" + _leb(-(-top // PAGE))])
        exports.append(_text(b"memory") + bytes([OF_MEMORY, 0]))
    memory = [each for each in imports if each.name == OBJECT_MEMORY and not owns_memory]
    sections[IMPORT] = _vector([each.code for each in [*functions, *memory]])
    # The stack pointer has the number 0, as in the object: there is no other global.
    pointer = bytes([I32, MUTABLE, I32_CONST]) + _signed_leb(top) + bytes([END])
    sections[GLOBAL] = _vector([pointer])
    sections[EXPORT] = _vector(exports)
    code = MAGIC + b"".join(
        bytes([number]) + _text(sections[number]) for number in ORDER if number in sections
    )
    return WasmBinary(code, top, tuple(each.name.decode() for each in functions))


class _Import(NamedTuple):
    name: bytes
    kind: int
    code: bytes


def _sections(binary: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the content of each section."""
    at = len(MAGIC)
    while at < len(binary):
        number = binary[at]
        content, at = _name(binary, at + 1)
        yield number, content


def _imports(content: bytes) -> Iterator[_Import]:
    count, at = _number(content, 0)
    for _ in range(count):
        begin = at
        _, at = _name(content, at)
        name, at = _name(content, at)
        kind, at = content[at], at + 1
        if kind == FUNCTION:
            _, at = _number(content, at)
        elif kind == OF_GLOBAL:
            at += 2
        else:
            at += 1 if kind == TABLE else 0  # the type of a table's entries
            has_maximum, at = _number(content, at)
            for _ in range(1 + (has_maximum & 1)):
                _, at = _number(content, at)
        yield _Import(name, kind, content[begin:at])


def _end_of_data(content: bytes) -> int:
    """Return the address behind the last data segment."""
    end = 0
    count, at = _number(content, 0)
    for _ in range(count):
        address, at = _number(content, at + 2)  # after the kind of segment and the instruction
        data, at = _name(content, at + 1)
        end = max(end, address + len(data))
    return end


class _Symbol(NamedTuple):
    kind: int
    name: bytes
    number: int
    is_defined: bool


def _symbols(linking: bytes) -> Iterator[_Symbol]:
    """Yield the symbols of an object from its section "linking"."""
    _, at = _number(linking, 0)  # the version
    while at < len(linking):
        kind = linking[at]
        content, at = _name(linking, at + 1)
        if kind == SYMBOLS:
            yield from _symbols_in(content)


def _symbols_in(content: bytes) -> Iterator[_Symbol]:
    count, at = _number(content, 0)
    for _ in range(count):
        kind, at = content[at], at + 1
        flags, at = _number(content, at)
        is_defined = not flags & ABSENT
        name, number = b"", 0
        if kind == OF_DATA:  # a name, and for a definition its segment, offset and size
            name, at = _name(content, at)
            for _ in range(3 * is_defined):
                _, at = _number(content, at)
        else:
            number, at = _number(content, at)
            if kind != OF_SECTION and (is_defined or flags & NAMED):
                name, at = _name(content, at)
        yield _Symbol(kind, name, number, is_defined)


# Numbers and texts


def _aligned(address: int) -> int:
    return -(-address // 64) * 64


def _number(content: bytes, at: int) -> tuple[int, int]:
    """Return an unsigned number in the LEB128 encoding, and the position of the next byte."""
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value, at


def _name(content: bytes, at: int) -> tuple[bytes, int]:
    """Return bytes that follow their length, and the position of the next byte."""
    size, at = _number(content, at)
    return content[at : at + size], at + size


def _leb(number: int) -> bytes:
    """Return an unsigned number in the LEB128 encoding."""
    code = b""
    while number > 127:
        code, number = code + bytes([number & 127 | 128]), number >> 7
    return code + bytes([number])


def _signed_leb(number: int) -> bytes:
    """Return a number that is not negative in the signed LEB128 encoding."""
    code = b""
    while number > 63:
        code, number = code + bytes([number & 127 | 128]), number >> 7
    return code + bytes([number])


def _text(content: bytes) -> bytes:
    return _leb(len(content)) + content


def _vector(items: list[bytes]) -> bytes:
    return _leb(len(items)) + b"".join(items)
