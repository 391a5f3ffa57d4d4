"""Functions that few entries need: vectorized loops branch around their calls.

LLVM vectorizes a loop that calls such a function by calling the function's vector variant, which
takes a mask of the active lanes. If no lane is active, the variant returns at once. It is inlined
after the loop has been vectorized (`llvm.compiled`).
"""

from __future__ import annotations

from collections.abc import Sequence

RARE = {"far_wave"}
LANES = (2, 4, 8, 16)  # the possible numbers of lanes of LLVM's vectors
VARIANTS = "vector-function-abi-variant"
PURE = "nounwind willreturn memory(none)"


def rare_attributes(name: str, arguments: int) -> str:
    """Return the attributes of a rare function, which name its variants."""
    kind = "v" * arguments  # each argument differs from lane to lane
    names = ",".join(f"_ZGV_LLVM_M{lanes}{kind}_{name}({name}_{lanes})" for lanes in LANES)
    return f'noinline cold {PURE} "{VARIANTS}"="{names}"'


def variants(name: str, result: str, arguments: Sequence[str]) -> str:
    """Return the vector variants of a rare function, with a mark against their removal."""
    used = ", ".join(f"ptr @{name}_{lanes}" for lanes in LANES)
    keep = (
        f"@llvm.compiler.used = appending global [{len(LANES)} x ptr] [{used}], "
        'section "llvm.metadata"\n'
    )
    return "".join([keep, *(_variant(name, result, arguments, lanes) for lanes in LANES)])


def _variant(name: str, result: str, arguments: Sequence[str], lanes: int) -> str:
    """Return a vector variant, which returns at once if no lane is active, and its slow path.

    The slow path calls the function for each lane.
    """
    vector, flags = f"<{lanes} x {result}>", f"i{lanes}"
    vectors = [(f"<{lanes} x {kind}>", f"%x{i}") for i, kind in enumerate(arguments)]
    parameters = ", ".join(f"{kind} {x}" for kind, x in vectors)
    entries = "".join(
        f"  %a{i} = extractelement {kind} {x}, i32 %lane\n" for i, (kind, x) in enumerate(vectors)
    )
    scalars = ", ".join(f"{kind} %a{i}" for i, kind in enumerate(arguments))
    return f"""
define internal {vector}
@{name}_{lanes}({parameters}, <{lanes} x i1> %meant) alwaysinline {PURE} {{
entry:
  %flags = bitcast <{lanes} x i1> %meant to {flags}
  %none = icmp eq {flags} %flags, 0
  br i1 %none, label %after, label %some
some:
  %found = call {vector} @{name}_{lanes}_each({parameters})
  br label %after
after:
  %y = phi {vector} [poison, %entry], [%found, %some]
  ret {vector} %y
}}

define internal {vector} @{name}_{lanes}_each({parameters}) noinline cold {PURE} {{
entry:
  br label %turn
turn:
  %lane = phi i32 [0, %entry], [%next, %turn]
  %before = phi {vector} [poison, %entry], [%after, %turn]
{entries}  %entry_y = call {result} @{name}({scalars})
  %after = insertelement {vector} %before, {result} %entry_y, i32 %lane
  %next = add i32 %lane, 1
  %more = icmp slt i32 %next, {lanes}
  br i1 %more, label %turn, label %done
done:
  ret {vector} %after
}}
"""
