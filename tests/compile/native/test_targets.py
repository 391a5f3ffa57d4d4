"""Every kind of kernel becomes machine code for every kind of machine."""

import ctypes
import os
import pickle
import re
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache

import lief
import llvmlite
import numpy as np
import pytest
from llvmlite.binding import llvm_version_info
from tests.compile.native import emit
from tests.compile.native.everything import everything
from tests.compile.native.targets import COMPILED, TARGETS

import chainrule as cr
from chainrule._src.compile.lower.functions import FOR
from chainrule._src.compile.native import ENTRY, frames
from chainrule._src.compile.native.code import sources
from chainrule._src.compile.native.function import NativeFunction, packed, product_text
from chainrule._src.compile.native.llvm import NONE, Text, compiled
from chainrule._src.compile.native.machine import MATHEMATICS, host
from chainrule._src.compile.native.modules import modules
from chainrule._src.compile.native.waves import CAN_CALL
from chainrule._src.compile.native.writer import Writer

# What objects may take from outside: C's functions, and what `machine` and `code` provide.
OUTSIDE = {
    *MATHEMATICS, "memcpy", "memset", "chainrule_yield", "chainrule_sgemm", "chainrule_dgemm",
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


def not_yet(target):
    """Return the modules to compile for a target: all for the first of a system, then new ones.

    A later target leaves out what an earlier one with this processor has compiled. Windows has a
    text of its own for each function because of an attribute, which changes no instruction.
    """
    earlier = COMPILED[: COMPILED.index(target)]
    if target.triple not in {each.triple for each in earlier}:
        return texts(target)
    alike = [each for each in earlier if each.processor == target.processor]
    known = {plain(text, each) for each in alike for text in texts(each)}
    return [text for text in texts(target) if plain(text, target) not in known]


def plain(text, target):
    return text._replace(text=text.text.replace(frames.attributes(target), "nounwind"))


@pytest.fixture(scope="module")
def emitted():
    """Return a function for object files made in another process, and what that printed last."""
    pipe, emitters = subprocess.PIPE, []

    def ask(target, texts):
        if not emitters:
            command = [sys.executable, emit.__file__]
            emitters.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe))
        pickle.dump((target, texts), emitters[0].stdin)
        emitters[0].stdin.flush()
        try:
            return pickle.load(emitters[0].stdout), ""
        except EOFError:
            return [], emitters.pop().communicate()[1].decode()[-2000:]

    yield ask
    for emitter in emitters:
        emitter.communicate()


@pytest.fixture
def remembered(emitted, request):
    """Return a function like `emitted` that keeps objects for later runs of the same compiler."""
    compiler = llvmlite.__version__, llvm_version_info, sources("compile/native")

    def ask(target, texts):
        file = request.config.cache.mkdir("objects") / named(target)
        made = compiler, target, texts
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            of, objects = pickle.loads(file.read_bytes())
            if of == made:
                return objects, ""
        objects, message = emitted(target, texts)
        if objects:
            file.write_bytes(pickle.dumps((made, objects)))
        return objects, message

    return ask


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


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("target", COMPILED, ids=named)
def test_everything_becomes_machine_code_that_a_loader_takes(target, remembered):
    parts = not_yet(target)
    objects, message = remembered(target, parts)
    assert objects, message
    binaries = [lief.parse(part) for part in objects]
    kind = type(binaries[0]).__module__.rpartition(".")[2]
    found = [symbols(binary) for binary in binaries]
    defined = set().union(*(names for names, _ in found))
    wanted = set().union(*(names for _, names in found))
    left_out = "\n".join(text.text for text in texts(target) if text not in parts)
    elsewhere = {*re.findall(r"^define (?!internal)[^@]*@(\w+)\(", left_out, re.MULTILINE)}
    assert ENTRY in defined
    assert wanted - defined - elsewhere <= OUTSIDE | OF_FORMAT[kind]
    if not left_out:
        assert "nest0" in defined
        assert {"chainrule_sgemm", "fmod"} <= wanted
    processor = "arm" if target.is_arm else "x86"
    put = set().union(*map(relocations, binaries))
    assert put
    assert put <= RELOCATIONS[kind, processor]


@pytest.mark.thorough
def test_what_is_compiled_has_all_that_targets_differ_in():
    def variety(targets):
        return (
            {tuple(texts(each)) for each in targets},
            {each.processor for each in targets},
            {each.triple for each in targets},
        )

    assert variety(COMPILED) == variety(TARGETS)


def test_an_abort_is_told(emitted):
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
    defined = re.findall(r"^define [\w ]+ @(\w+)\(", text, re.MULTILINE)
    for name, kind in FOR:
        assert any(each.startswith(f"{name}_{KINDS.get(kind, kind)}") for each in defined), name


LINES = [
    "atomicrmw", "load atomic", "@chainrule_yield()", "llvm.assume", "bitcast", "alloca [", "udiv",
    "masked.load", "!llvm.loop !2", "@far_wave_float32_4(", "frem", "fptoui", "call void @nest0(",
]  # fmt: skip
OF_WAVES = [
    "!llvm.loop !4", "@waves_sin_cos_float32(", "@waves_sin_cos_float64(", "@waves_tan_float64_2(",
]  # fmt: skip


@pytest.mark.parametrize("line", [*LINES, *(OF_WAVES if CAN_CALL else ())])
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
