"""The machines and pages that code is emitted for. One that is to come is one line more."""

from itertools import product

from chainrule._src.compile.native.machine import on_windows
from chainrule._src.compile.native.target import Machine
from chainrule._src.compile.wasm.kernel import RELAXED, TARGET

LINUX, WINDOWS, MACOS = "unknown-linux-gnu", "pc-windows-msvc", "apple-darwin23.4.0"
X86 = {"x86-64": (16, 16), "x86-64-v2": (16, 16), "x86-64-v3": (32, 16), "x86-64-v4": (64, 32)}
ARM = 16, 32, 31
TARGETS = [
    *(
        Machine(f"x86_64-{system}", processor, "", *vectors)
        for (processor, vectors), system in product(X86.items(), (LINUX, MACOS))
    ),
    *(
        on_windows(Machine(f"x86_64-{WINDOWS}", processor, "", *vectors))
        for processor, vectors in X86.items()
    ),
    on_windows(Machine(f"aarch64-{WINDOWS}", "generic", "", *ARM)),
    Machine(f"aarch64-{LINUX}", "generic", "", *ARM),
    Machine(f"aarch64-{LINUX}", "neoverse-v2", "", *ARM),
    *(Machine(f"arm64-{MACOS}", processor, "", *ARM) for processor in ("generic", "apple-m1")),
]
# Kernels are compiled for one of the targets for which they have the same text; between them, these
# have every text, every processor and every system of an architecture.
PROCESSORS = {
    f"x86_64-{LINUX}": ("x86-64-v3", "x86-64-v4"),
    f"x86_64-{MACOS}": ("x86-64-v2",),
    f"x86_64-{WINDOWS}-elf": ("x86-64", "x86-64-v3", "x86-64-v4"),
    f"aarch64-{WINDOWS}": ("generic",),
    f"aarch64-{LINUX}": ("neoverse-v2",),
    f"arm64-{MACOS}": ("apple-m1",),
}
COMPILED = [each for each in TARGETS if each.processor in PROCESSORS[each.triple]]
# Modules for web pages are linked, which `tests/compile/wasm` checks: kernel by kernel.
PAGES = {"plain": TARGET, "relaxed": RELAXED}
