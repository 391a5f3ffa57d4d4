"""Functions that few entries need: vectorized loops branch around their calls.

LLVM vectorizes a loop that calls such a function by calling the function's vector variant, which
takes a mask of the active lanes. If no lane is active, the variant returns at once. It is inlined
after the loop has been vectorized (`llvm.compiled`).
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule._src.compile.native.llvm import VARIANTS
from chainrule._src.compile.native.writer import FLAG, INT32, Value, Writer, vector_type

RARE = {"far_wave"}
LANES = (2, 4, 8, 16)  # the possible numbers of lanes of LLVM's vectors
PURE = "nounwind willreturn memory(none)"


def with_variants(name: str, arguments: int, possible: Sequence[int] = LANES) -> str:
    """Return the attributes of a function with vector variants, for each number of lanes."""
    kind = "v" * arguments  # each argument differs from lane to lane
    names = ",".join(f"_ZGV_LLVM_M{lanes}{kind}_{name}({name}_{lanes})" for lanes in possible)
    return f'{PURE} "{VARIANTS}"="{names}"'


def rare_variants(name: str, result: str, arguments: Sequence[str]) -> str:
    """Return the vector variants of a rare function."""
    return "".join(
        part(name, result, arguments, lanes) for lanes in LANES for part in (_variant, _slow_path)
    )


def _variant(name: str, result: str, arguments: Sequence[str], lanes: int) -> str:
    """Return a vector variant, which returns at once if no lane is active."""
    code, kind = Writer(), vector_type(lanes, result)
    vectors = _vectors(code, arguments, lanes)
    active = code.literal("%active", vector_type(lanes, FLAG))
    flag = code.compare("icmp ne", code.convert("bitcast", active, f"i{lanes}"), 0)

    def some() -> list[Value]:
        return [code.call(f"{name}_{lanes}_each", *vectors, kind=kind)]

    (values,) = code.when(flag, some, [code.literal("poison", kind)])
    return code.definition(f"{name}_{lanes}", [*vectors, active], f"alwaysinline {PURE}", values)


def _slow_path(name: str, result: str, arguments: Sequence[str], lanes: int) -> str:
    """Return a function that calls the rare function for each lane."""
    code, kind = Writer(), vector_type(lanes, result)
    vectors = _vectors(code, arguments, lanes)

    def each(lane: Value, values: Value) -> list[Value]:
        entries = [
            code.pure(entry, f"extractelement {vector.kind} {vector}, i32 {lane}")
            for entry, vector in zip(arguments, vectors, strict=True)
        ]
        y = code.call(name, *entries, kind=result)
        return [code.pure(kind, f"insertelement {kind} {values}, {result} {y}, i32 {lane}")]

    begin = code.literal(0, INT32)
    (values,) = code.loop(begin, lanes, 1, each, [code.literal("poison", kind)])
    how = f"noinline cold {PURE}"
    return code.definition(f"{name}_{lanes}_each", vectors, how, values, internal=True)


def _vectors(code: Writer, kinds: Sequence[str], lanes: int) -> list[Value]:
    return [code.literal(f"%x{i}", vector_type(lanes, kind)) for i, kind in enumerate(kinds)]
