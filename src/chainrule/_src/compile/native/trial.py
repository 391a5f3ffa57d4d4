"""A trial of machine code: modules are compiled, loaded, and run on arrays.

`verdict` runs it in another process, which imports this module but no NumPy.
"""

from __future__ import annotations

import ctypes
import pickle
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chainrule._src.base.errors import CompileError
from chainrule._src.compile.native import cores
from chainrule._src.compile.native.function import NativeFunction, packed
from chainrule._src.compile.native.helpers import compile_all
from chainrule._src.compile.native.llvm import Text
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.native.target import Machine

WORD = 8  # the bytes of the largest entry of an array: arrays begin at multiples of it


class TrialCall(NamedTuple):
    """The modules of a kernel, and the bytes of the arrays that it is called with."""

    texts: Sequence[Text]
    arrays: Sequence[bytes]


class CodeTrial(NamedTuple):
    """Machine code to compile and to run.

    Attributes
    ----------
    target : Machine
        This machine.
    products : mapping of str to Text
        Matrix products by the names that kernels call them by.
    calls : sequence of TrialCall
    """

    target: Machine
    products: Mapping[str, Text]
    calls: Sequence[TrialCall]


def run(trial: CodeTrial) -> list[list[bytes]]:
    """Return, for each call, the bytes of its arrays after the call.

    Raises
    ------
    CompileError
        If LLVM refuses a module.
    """
    host()
    texts = [*trial.products.values(), *(text for call in trial.calls for text in call.texts)]
    try:
        codes = dict(zip(texts, compile_all(texts, trial.target, cores() - 1), strict=True))
    except RuntimeError as error:
        raise CompileError(f"LLVM refuses code for it ({error})") from error
    for name, text in trial.products.items():
        _loaded([text], codes).provide(name)
    return [_called(_loaded(call.texts, codes), call.arrays) for call in trial.calls]


def _loaded(texts: Sequence[Text], codes: Mapping[Text, bytes]) -> NativeFunction:
    return NativeFunction(packed([(text, codes[text]) for text in texts]))


def _called(function: NativeFunction, arrays: Sequence[bytes]) -> list[bytes]:
    memory = [(ctypes.c_uint64 * (len(array) // WORD + 1))() for array in arrays]
    for block, array in zip(memory, arrays, strict=True):
        ctypes.memmove(block, array, len(array))
    table = (ctypes.c_void_p * len(memory))(*map(ctypes.addressof, memory))
    ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(function.address)(ctypes.addressof(table))
    return [bytes(block)[: len(array)] for block, array in zip(memory, arrays, strict=True)]


def main() -> None:
    """Run the trial that comes from the standard input, and write its results as they are read."""
    results = run(pickle.load(sys.stdin.buffer))
    pickle.dump(results, sys.stdout.buffer)
