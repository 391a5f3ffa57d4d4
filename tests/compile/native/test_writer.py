"""The writer of LLVM's language: functions that it writes compute what they say."""

import ctypes
from pathlib import Path

import numpy as np
import pytest

from chainrule._src.compile import native
from chainrule._src.compile.native import ENTRY
from chainrule._src.compile.native.function import NativeFunction, packed
from chainrule._src.compile.native.llvm import NONE, Text, compiled
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.native.vectors import Vectors
from chainrule._src.compile.native.writer import INT64, POINTER, Writer

N = {"n": INT64}


def run(code, result, number):
    """Return what a function of one whole number returns."""
    text = Text(code.definition(ENTRY, [code.literal("%n")], "nounwind", result), NONE)
    function = NativeFunction(packed([(text, compiled(text, host()))]))
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(function.address)(number)


WRITERS = [Writer, lambda: Vectors(N, np.dtype(np.float32), 16)]
both = pytest.mark.parametrize("new", WRITERS, ids=["Writer", "Vectors"])


@both
def test_a_loop_carries_values(new):
    code = new()
    (total,) = code.loop(0, code.literal("%n"), 1, lambda i, x: [x + i * i], [code.literal(3)])
    assert run(code, total, 5) == 3 + sum(i * i for i in range(5))


@both
@pytest.mark.parametrize(("number", "expected"), [(3, 6), (8, 1)])
def test_a_branch_chooses_values(new, number, expected):
    code = new()
    n = code.literal("%n")
    (chosen,) = code.when(n < 5, lambda: [n * 2], [code.literal(1)])
    assert run(code, chosen, number) == expected


@both
@pytest.mark.parametrize(("number", "expected"), [(3, 30), (8, 7)])
def test_either_of_two_blocks_runs(new, number, expected):
    code = new()
    n, address = code.literal("%n"), code.stack(INT64)
    code.either(n < 5, lambda: code.store(n * 10, address), lambda: code.store(n - 1, address))
    assert run(code, code.load(INT64, address), number) == expected


@both
def test_what_follows_a_return_never_runs(new):
    code = new()
    n = code.literal("%n")
    code.when(n.equals(4), lambda: code.leave("ret i64 44"))
    result = n % 3
    assert run(code, result, 4) == 44


def test_equal_instructions_are_written_once_by_vectors_in_one_block_alone():
    code = Vectors(N, np.dtype(np.float32), 16)
    n = code.given["n"]
    inside = []
    code.when(n < 5, lambda: inside.append(n * 7))
    assert (n * 7).text != inside[0].text
    assert (n * 7).text == (n * 7).text
    assert n * 1 is n + 0 is n
    assert (n * 0).text == "0"


def test_a_function_from_outside_is_declared_once():
    declared = {}
    for _ in range(2):
        code = Writer(declared)
        code.outside("llvm.assume", code.literal("%n") >= 0)
    assert declared == {"llvm.assume": "declare void @llvm.assume(i1)"}


def test_pointers_have_the_attribute_of_the_writer():
    code = Writer()
    code.of_pointer = " noalias"
    text = code.definition("f", [code.literal("%a", POINTER), code.literal("%n")], "", None, True)
    assert text.startswith("define internal void @f(ptr noalias %a, i64 %n)")


@pytest.mark.parametrize(
    "instruction", ["getelementptr", "= alloca {", "= phi", '"define {', "br i1", '"declare {']
)
def test_no_other_module_writes_blocks_and_memory(instruction):
    folder = Path(native.__file__).parent
    texts = {path.name: path.read_text("utf-8") for path in folder.glob("*.py")}
    assert [name for name, text in texts.items() if instruction in text] == ["writer.py"]
