"""Stack frames that are larger than a page, on Windows.

Windows maps a thread's stack page by page, and each new page must be the next one. A function with
a larger frame would call a C function that touches the pages in order, but LLVM's loader does not
find this function. So a kernel touches all pages once when it begins.
"""

from __future__ import annotations

import re

from chainrule._src.compile.native.target import Machine
from chainrule._src.compile.native.writer import TYPES, Writer

MEMORY = re.compile(r"= alloca \[(\d+) x (\w+)\]")
BYTES = {kind: dtype.itemsize for dtype, kind in TYPES.items()}
PAGE = 4096
PART = PAGE - 256  # bytes: one call's stack frame is at most a page
SPARE = 2**16  # bytes for LLVM's own stack variables, and for functions outside
LARGEST = 2**20  # bytes that are touched at most: a thread may have twice as many


def attributes(target: Machine) -> str:
    """Return the attributes of every function.

    No function raises an exception, so there are no unwind tables, which some loaders reject.
    """
    return f'nounwind "stack-probe-size"="{LARGEST}"' if target.is_windows else "nounwind"


def size_of(text: str) -> int:
    """Return the total bytes of the stack arrays that a text declares."""
    return sum(int(entries) * BYTES[kind] for entries, kind in MEMORY.findall(text))


def touch(writer: Writer, target: Machine, frames: int) -> str:
    """Write a call that touches the pages of stack frames, and return the called function.

    Other systems than Windows, and small frames, need no call.
    """
    if not target.is_windows or frames <= PAGE // 2:
        return ""
    writer.call("touch", writer.literal(min(frames + SPARE, LARGEST) // PART))
    touching = Writer()
    pages = touching.literal("%pages")
    page = touching.stack(f"[{PART} x i8]")
    touching.line(f"store volatile i8 0, ptr {page}")

    def further() -> None:
        touching.call("touch", pages - 1)
        # The second store prevents LLVM from turning the recursion into a loop.
        touching.line(f"store volatile i8 1, ptr {page}")

    touching.when(touching.compare("icmp sgt", pages, 0), further)
    return touching.definition("touch", [pages], "noinline nounwind", internal=True)
