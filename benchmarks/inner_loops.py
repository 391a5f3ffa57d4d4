"""The inner loops of matrix products, as ``llvm-mca`` forecasts them.

The peak is that of the same forecast for a loop of nothing but independent multiply-adds. On the
machine's own processor both are also run, the shortest time of many counts.

    python benchmarks/inner_loops.py          (apt-get install llvm-22, 19 or newer)
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np

from chainrule._src.compile.native import ENTRY
from chainrule._src.compile.native.function import NativeFunction, packed, product_text
from chainrule._src.compile.native.gemm import Shape
from chainrule._src.compile.native.llvm import (
    NONE,
    Text,
    compiled,
    loops_as_written,
    target_machine,
)
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.native.target import Target

sys.path.insert(0, str(Path(__file__).parent))
from publish import put

LINUX, MACOS = "unknown-linux-gnu", "apple-darwin23.4.0"
TARGETS = [
    Target(f"arm64-{MACOS}", "apple-m1", "", 16, 32, 31),
    Target(f"aarch64-{LINUX}", "neoverse-v2", "", 16, 32, 31),
    Target(f"x86_64-{LINUX}", "znver4", "", 64, 32),
    Target(f"x86_64-{LINUX}", "skylake-avx512", "", 64, 32),
    Target(f"x86_64-{LINUX}", "haswell", "", 32, 16),
    Target(f"x86_64-{LINUX}", "znver3", "", 32, 16),
]
TURNS = 400  # of a forecast
CHAINS, RUN = 24, 50_000  # multiply-adds that wait for none of each other, and turns of those run
SIZES = 384, 512, 256  # rows, columns and terms of the product that is run
LEAST = 0.85
LABEL = re.compile(r"^(\.?L\w+):")
FUSED = re.compile(r"^\s+(vfn?m(?:add|sub)\w+p[sd]|fmla)(?:\.\w+)?\s")
STACK = re.compile(r"\(%rsp|\(%rbp|\[sp")


def assembly(dtype: str, target: Target) -> list[str]:
    """Return the assembly of a product."""
    text = product_text(dtype, target)
    with loops_as_written(), target_machine(target) as machine:
        machine.set_asm_verbosity(False)
        with llvm.parse_assembly(text.text) as module:
            return str(machine.emit_assembly(module)).splitlines()


def loops(lines: list[str]) -> Iterator[list[str]]:
    """Yield the innermost loops that have multiply-adds."""
    begin, name = 0, ""
    for i, line in enumerate(lines):
        if label := LABEL.match(line):
            begin, name = i + 1, label[1]
        elif name and re.search(rf"{re.escape(name)}\b", line) and re.match(r"\s+(j|c?b|tb)", line):
            body = [f"{name}:", *(x for x in lines[begin : i + 1] if re.match(r"\s+[a-z]", x))]
            if any(map(FUSED.match, body)):
                yield body
            name = ""


def cycles(body: list[str], target: Target) -> float:
    """Return the cycles of a turn, as `llvm-mca` forecasts them."""
    command = [tool(), f"-mtriple={target.triple}", f"-mcpu={target.processor}"]
    command += [f"-iterations={TURNS}", "-instruction-info=0", "-resource-pressure=0"]
    done = subprocess.run(
        command, input="\n".join(body), capture_output=True, text=True, check=True
    )
    return int(re.search(r"Total Cycles:\s+(\d+)", done.stdout)[1]) / TURNS


def tool() -> str:
    """Return the newest `llvm-mca`."""
    names = [f"llvm-mca-{version}" for version in range(25, 18, -1)]
    return next((name for name in names if shutil.which(name)), "llvm-mca")


def peak(dtype: str, target: Target) -> float:
    """Return the multiply-adds in a cycle where nothing else is done."""
    if target.is_arm:
        kind, part = ("4s", "s") if dtype == "float32" else ("2d", "d")
        lines = [f"\tfmla v{i}.{kind}, v30.{kind}, v31.{part}[0]" for i in range(CHAINS)]
    else:
        name, last = ("z", 31) if target.width == 64 else ("y", 15)
        kind = "ps" if dtype == "float32" else "pd"
        first = f"\tvfmadd231{kind} %{name}mm{last}, %{name}mm{last - 1}, %{name}mm"
        lines = [f"{first}{i}" for i in range(min(CHAINS, last - 3))]
    return len(lines) / cycles(lines, target)


def run_peak(dtype: str, target: Target) -> float:
    """Return the multiplications in a second of a loop of multiply-adds, run here."""
    bits = int(dtype[-2:])
    lanes = target.width * 8 // bits
    vector = f"<{lanes} x {'float' if bits == 32 else 'double'}>"
    fused = f"@llvm.fma.v{lanes}f{bits}({vector}"
    sums = "\n".join(f"%s{i} = phi {vector} [%a, %entry], [%t{i}, %loop]" for i in range(CHAINS))
    turns = "\n".join(
        f"%t{i} = call {vector} {fused} %a, {vector} %a, {vector} %s{i})" for i in range(CHAINS)
    )
    ends = "\n".join(
        f"%p{i} = getelementptr {vector}, ptr %c, i64 {i}\nstore {vector} %t{i}, ptr %p{i}, align 4"
        for i in range(CHAINS)
    )
    text = f"""declare {vector} {fused}, {vector}, {vector})
define i64 @{ENTRY}(ptr %table) {{
entry:
%c = load ptr, ptr %table
%a = load {vector}, ptr %c, align 4
br label %loop
loop:
%i = phi i64 [0, %entry], [%j, %loop]
{sums}
{turns}
%j = add i64 %i, 1
%more = icmp slt i64 %j, {RUN}
br i1 %more, label %loop, label %after
after:
{ends}
ret i64 0
}}
"""
    memory = np.zeros(CHAINS * lanes, dtype)
    call = function(Text(text, NONE), target)
    return RUN * CHAINS * lanes / shortest(lambda: call.bound([memory])())


def run_product(dtype: str, target: Target) -> float:
    """Return the multiplications in a second of a product, run here."""
    real = ctypes.c_float if dtype == "float32" else ctypes.c_double
    whole, place = ctypes.c_int64, ctypes.c_void_p
    kinds = [
        *[ctypes.c_int] * 3,
        *[whole] * 3,
        real,
        place,
        whole,
        place,
        whole,
        real,
        place,
        whole,
    ]
    code = function(product_text(dtype, target), target)
    product = ctypes.CFUNCTYPE(None, *kinds)(code.address)
    m, n, k = SIZES
    a, b, c = (np.ones(shape, dtype) for shape in ((m, k), (k, n), (m, n)))
    places = a.ctypes.data, k, b.ctypes.data, n, 0.0, c.ctypes.data, n
    return m * n * k / shortest(lambda: product(101, 111, 111, m, n, k, 1.0, *places))


def function(text: Text, target: Target) -> NativeFunction:
    return NativeFunction(packed([(text, compiled(text, target))]))


def shortest(call: Callable[[], object]) -> float:
    times = []
    for _ in range(300):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def row(dtype: str, target: Target) -> tuple[str, bool]:
    """Return a line of the table, and whether the loop is as good as it must be."""
    shape = Shape.of(target)
    rows, vectors = shape.rows[0], shape.vectors
    tiles = [body for body in loops(assembly(dtype, target)) if count(body) == rows * vectors]
    body = min(tiles, key=len)  # the other lays the panel together meanwhile
    rate, most = count(body) / cycles(body, target), peak(dtype, target)
    is_here = host().processor == target.processor
    run = run_product(dtype, host()) / run_peak(dtype, host()) if is_here else 0.0
    text = (
        f"| {target.processor} | {dtype} | {rows} × {vectors} | {len(body) - 1} | {rate:.2f} | "
        f"{most:.2f} | {rate / most:.0%} | {f'{run:.0%}' if run else ''} | {on_stack(body)} |"
    )
    return text, (run or rate / most) >= LEAST and not on_stack(body)


def on_stack(body: list[str]) -> int:
    return sum(bool(STACK.search(line)) for line in body)


def count(body: list[str]) -> int:
    return sum(bool(FUSED.match(line)) for line in body)


def main() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    version = subprocess.run([tool(), "--version"], capture_output=True, text=True, check=True)
    lines = [
        f"A forecast by llvm-mca of LLVM {re.search(r'version ([0-9.]+)', version.stdout)[1]}; "
        f"what was run is in the column *run here* ({SIZES[0]} × {SIZES[2]} × {SIZES[1]}, one "
        "thread).",
        "",
        "| processor | dtype | tile, rows × vectors | instructions | multiply-adds a cycle | "
        "at most | share, forecast | share, run here | spilled |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    results = [row(dtype, target) for target in TARGETS for dtype in ("float32", "float64")]
    table = "\n".join([*lines, *(text for text, _ in results)])
    print(table)
    put(Path(__file__).parent / "README.md", "inner loops", table)
    sys.exit(not all(good for _, good in results))


if __name__ == "__main__":
    main()
