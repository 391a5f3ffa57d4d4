"""Every kind of kernel becomes machine code for every kind of machine."""

import ctypes
import os
import pickle
import re
import subprocess
import sys
import threading
from functools import cache

import lief
import numpy as np
import pytest
from tests.compile.native import emit
from tests.compile.native.everything import everything
from tests.compile.native.targets import COMPILED, TARGETS

import chainrule as cr
from chainrule._src.compile.lower.functions import FOR
from chainrule._src.compile.native import ENTRY, frames
from chainrule._src.compile.native.function import NativeFunction, packed, product_text
from chainrule._src.compile.native.llvm import NONE, Text, compiled
from chainrule._src.compile.native.machine import MATHEMATICS, host
from chainrule._src.compile.native.modules import modules
from chainrule._src.compile.native.writer import Writer

# What objects may take from outside: C's functions, and what `machine` and `code` provide.
OUTSIDE = {
    *(name + kind for name in MATHEMATICS for kind in ("", "f")),
    "memcpy", "memset", "chainrule_yield", "chainrule_sgemm", "chainrule_dgemm",
}  # fmt: skip
# The loader makes a table of addresses itself, and macOS has two more of C's functions.
OF_FORMAT = {
    "ELF": {"_GLOBAL_OFFSET_TABLE_"},
    "COFF": set(),
    "MachO": {"bzero", "__bzero", "__sincos_stret"},
}
# Where the loader has to put an address, by how much of it is put there.
lief.disable_leak_warning()
RELOCATIONS = {
    ("ELF", "x86"): {"64", "GOT64", "GOTOFF64", "GOTPC64"},
    ("ELF", "arm"): {
        "CALL26", "JUMP26", "ADR_PREL_PG_HI21", "LDST64_ABS_LO12_NC", "LDST128_ABS_LO12_NC",
    },
    ("COFF", "arm"): {"BRANCH26", "PAGEBASE_REL21", "PAGEOFFSET_12L"},
    ("MachO", "x86"): {"UNSIGNED"},
    ("MachO", "arm"): {"BRANCH26", "GOT_LOAD_PAGE21", "GOT_LOAD_PAGEOFF12"},
}  # fmt: skip


def named(target):
    return f"{target.triple}-{target.processor}"


@cache
def texts(target):
    """Return the modules of all kernels and of products."""
    kernels = [text for _, kernel in everything().values() for text in modules(kernel, target)]
    return [*kernels, product_text("float32", target), product_text("float64", target)]


def emitted(target, texts):
    """Return object files made in another process, and what that printed last."""
    made = subprocess.run(
        [sys.executable, emit.__file__], input=pickle.dumps((target, texts)), capture_output=True
    )
    return pickle.loads(made.stdout) if made.returncode == 0 else [], made.stderr.decode()[-2000:]


def symbols(binary):
    """Return the names that an object defines for others, and those that it takes from others."""
    defined, wanted = set(), set()
    for symbol in binary.symbols:
        if isinstance(binary, lief.ELF.Binary):
            is_defined = symbol.shndx != 0
        elif isinstance(binary, lief.COFF.Binary):
            is_defined = symbol.section_idx != 0
        else:
            is_defined = symbol.type != lief.MachO.Symbol.TYPE.UNDEFINED
        name = symbol.name
        if isinstance(binary, lief.MachO.Binary):
            name = name.removeprefix("_")
        (defined if is_defined else wanted).add(name)
    return defined, wanted - {""}


def relocations(binary):
    prefix = re.compile(r"TYPE\.|ARM64_|AMD64_|X86_64_|X86_|AARCH64_")
    return {prefix.sub("", str(each.type).rpartition(".")[2]) for each in binary.relocations}


@pytest.mark.parametrize("target", COMPILED, ids=named)
def test_everything_becomes_machine_code_that_a_loader_takes(target):
    objects, message = emitted(target, texts(target))
    assert objects, message
    binaries = [lief.parse(part) for part in objects]
    kind = type(binaries[0]).__module__.rpartition(".")[2]
    found = [symbols(binary) for binary in binaries]
    defined = set().union(*(names for names, _ in found))
    wanted = set().union(*(names for _, names in found))
    assert {ENTRY, "nest0"} <= defined
    assert wanted - defined <= OUTSIDE | OF_FORMAT[kind]
    assert {"chainrule_sgemm", "fmod"} <= wanted
    processor = "arm" if target.is_arm else "x86"
    put = set().union(*map(relocations, binaries))
    assert put
    assert put <= RELOCATIONS[kind, processor]


def test_what_is_compiled_has_all_that_targets_differ_in():
    def variety(targets):
        return (
            {tuple(texts(each)) for each in targets},
            {each.processor for each in targets},
            {each.triple for each in targets},
        )

    assert variety(COMPILED) == variety(TARGETS)


def test_an_abort_is_told(monkeypatch):
    """LLVM ends the process over an operation that a processor lacks."""
    arm = next(target for target in TARGETS if target.is_arm)
    text = (
        f"declare void @llvm.x86.sse.ldmxcsr(ptr)\ndefine void @{ENTRY}(ptr %a) {{\n"
        "  call void @llvm.x86.sse.ldmxcsr(ptr %a)\n  ret void\n}\n"
    )
    objects, message = emitted(arm, [Text(text, NONE)])
    assert not objects
    assert "LLVM ERROR" in message


KINDS = {"f": "float", "i": "int", "u": "uint", "b": "bool"}


def test_every_function_that_kernels_call_is_among_them():
    text = "\n".join(text.text for text in texts(host()))
    defined = re.findall(r"^define internal [\w ]+ @(\w+)\(", text, re.MULTILINE)
    for name, kind in FOR:
        assert any(each.startswith(f"{name}_{KINDS.get(kind, kind)}") for each in defined), name


@pytest.mark.parametrize("line", [
    "atomicrmw", "load atomic", "@chainrule_yield()", "llvm.assume", "bitcast", "alloca [", "udiv",
    "masked.load", "!llvm.loop !2", "@far_wave_float32_4(", "frem", "fptoui", "call void @nest0(",
])  # fmt: skip
def test_every_way_of_writing_is_among_them(line):
    assert any(line in text.text for text in texts(TARGETS[-1]))


def test_frames_of_more_than_a_page_are_among_them():
    sizes = [frames.size_of(text.text) for text in texts(TARGETS[0])]
    assert sum(size > frames.PAGE for size in sizes) >= 4


def test_the_pages_of_large_frames_are_touched_in_order():
    """On Windows; here it shows in the pages that a new thread is given."""
    resource = pytest.importorskip("resource")
    windows = next(target for target in TARGETS if target.is_windows)
    entry = Writer()
    touch = frames.touch(entry, windows, 2**19)
    text = touch + entry.definition(ENTRY, [entry.literal("%none", "ptr")], "")
    code = compiled(Text(text, NONE), host())
    function = NativeFunction(packed([(Text(text, NONE), code)]))
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(function.address)
    given = []

    def work():
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        run(None)
        given.append(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert given[0] >= 2**19 / os.sysconf("SC_PAGE_SIZE")


def test_small_frames_cost_nothing():
    windows = next(target for target in TARGETS if target.is_windows)
    entry = Writer()
    assert frames.touch(entry, windows, 1000) == ""
    assert frames.touch(entry, host(), 2**19) == ""
    assert entry.lines == []


def test_a_long_double_that_is_a_double_is_compiled(monkeypatch):
    """As on Windows, and on Apple's machines with ARM's processors."""
    wide = np.ones(3, np.longdouble)
    monkeypatch.setattr(np, "longdouble", np.float64)
    assert cr.jit(np.exp)(np.zeros(3))[0] == 1
    if wide.dtype.itemsize > 8:
        with pytest.raises(cr.errors.CompileError, match="kernels do not work on"):
            cr.jit(np.exp)(wide)
