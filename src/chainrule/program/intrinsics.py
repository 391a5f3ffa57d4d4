"""What the text of a kernel calls besides arithmetic: checks, threads meeting, the processor."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from chainrule.ops.random import mixed, random_bits
from chainrule.program.vector_math import STRICT

NAMES = ("wrap", "within", "share", "meet", "natural", "flush", "restore", "random_bits")


def _arrive(typing: Any, pointer: Any) -> Any:
    """Add one to the first entry, and return what it was before."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", arguments[0], ir.Constant(ir.IntType(64), 1), "acq_rel")

    return types.int64(pointer), code


def _look(typing: Any, pointer: Any) -> Any:
    """Return the first entry as other threads have left it."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(arguments[0], "acquire", 8)

    return types.int64(pointer), code


def _assume(typing: Any, number: Any) -> Any:
    """Let the compiler take a whole number for at least 0."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        holds = builder.icmp_signed(">=", arguments[0], ir.Constant(ir.IntType(64), 0))
        builder.assume(holds)
        return context.get_dummy_value()

    return types.void(types.int64), code


_arrive_at: Any = intrinsic(_arrive)
_look_at: Any = intrinsic(_look)
_assume_natural: Any = intrinsic(_assume)
_rest = types.ExternalFunction("chainrule_yield", types.int32())

_X86 = platform.machine().lower() in ("x86_64", "amd64")
_ARM = platform.machine().lower() in ("aarch64", "arm64")
_TO_ZERO = 0x8040 if _X86 else 1 << 24  # flush to zero; on x86 denormals are zeros as well


def _mxcsr(builder: Any, move: str, place: Any) -> None:
    """Move the register of x86 that controls floating-point arithmetic to or from a place."""
    byte = ir.IntType(8).as_pointer()
    declare: Any = cgutils.get_or_insert_function
    kind = ir.FunctionType(ir.VoidType(), [byte])
    function = declare(builder.module, kind, f"llvm.x86.sse.{move}")
    builder.call(function, [builder.bitcast(place, byte)])


def _control(typing: Any) -> Any:
    """Return the register that controls floating-point arithmetic."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _X86:
            place = builder.alloca(ir.IntType(32))
            _mxcsr(builder, "stmxcsr", place)
            return builder.zext(builder.load(place), ir.IntType(64))
        if _ARM:
            kind = ir.FunctionType(ir.IntType(64), [])
            return builder.asm(kind, "mrs $0, fpcr", "=r", [], True)
        return ir.Constant(ir.IntType(64), 0)

    return types.int64(), code


def _set_control(typing: Any, value: Any) -> Any:
    """Set the register that controls floating-point arithmetic."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if _X86:
            place = builder.alloca(ir.IntType(32))
            builder.store(builder.trunc(arguments[0], ir.IntType(32)), place)
            _mxcsr(builder, "ldmxcsr", place)
        elif _ARM:
            kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)])
            builder.asm(kind, "msr fpcr, $0", "r", arguments, True)
        return context.get_dummy_value()

    return types.void(types.int64), code


_get_control: Any = intrinsic(_control)
_put_control: Any = intrinsic(_set_control)
F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Return a function that compiled code can call."""
    made: F = njit(**STRICT)(function)
    return made


@compiled
def wrap(index: Any, size: Any, fault: Any, number: Any) -> Any:
    """Return an index counted from the front; leave ``number`` in ``fault`` if it is outside."""
    place = index + size if index < 0 else index
    if place < 0 or place >= size:
        fault[0] = number
        place = np.int64(0)
    return place


@compiled
def within(entry: Any, size: Any, fault: Any, number: Any) -> Any:
    """Return an entry; leave ``number`` in ``fault`` if it is no place of an axis."""
    if not 0 <= entry < size or entry != np.floor(entry):
        fault[0] = number
        return entry - entry
    return entry


@compiled
def share(extent: Any, part: Any, parts: Any) -> Any:
    """Return where a part of a loop's turns begins."""
    return extent * part // parts


@compiled
def meet(meeting: Any, threads: Any) -> None:
    """Wait until all threads are here.

    Every thread adds one; a round is over when the count is a multiple of the threads.
    """
    if threads > 1:
        goal = (_arrive_at(meeting) // threads + 1) * threads
        turns = 0
        while _look_at(meeting) < goal:
            turns += 1
            if turns > 1000:
                if meeting[1] != 0:  # nobody else will come
                    break
                _rest()


@compiled
def natural(index: Any) -> None:
    """Tell the compiler that an index is not counted from the end."""
    _assume_natural(index)


@compiled
def flush() -> Any:
    """Let results that are too small for a full number of digits be 0; return what was set before.

    Momenta that die away would stay among those numbers, on which processors take many times as
    long.
    """
    before = _get_control()
    _put_control(before | _TO_ZERO)
    return before


@compiled
def restore(control: Any) -> None:
    """Set back what `flush` changed."""
    _put_control(control)


@overload(mixed, jit_options=STRICT)
def _mixed(h: Any) -> Any:
    return mixed


@overload(random_bits, jit_options=STRICT)
def _random_bits(seed: Any, counter: Any, place: Any) -> Any:
    return random_bits
