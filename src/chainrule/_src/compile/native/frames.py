"""Stack frames that are larger than a page, on Windows.

Windows maps a thread's stack page by page, and each new page must be the next one. A function with
a larger frame would call a C function that touches the pages in order, but LLVM's loader does not
find this function. So a kernel touches all pages once when it begins.
"""

from __future__ import annotations

import re

from chainrule._src.compile.native.target import Target

MEMORY = re.compile(r"= alloca \[(\d+) x (\w+)\]")
BYTES = {"float": 4, "double": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8}
PAGE = 4096
SPARE = 2**16  # bytes for LLVM's own stack variables, and for functions outside
LARGEST = 2**20  # bytes that are touched at most: a thread may have twice as many
# The second store prevents LLVM from turning the recursion into a loop.
TOUCH = f"""
define internal void @touch(i64 %pages) noinline nounwind {{
  %page = alloca [{PAGE - 256} x i8]
  store volatile i8 0, ptr %page
  %more = icmp sgt i64 %pages, 0
  br i1 %more, label %further, label %done
further:
  %rest = sub i64 %pages, 1
  call void @touch(i64 %rest)
  store volatile i8 1, ptr %page
  br label %done
done:
  ret void
}}
"""


def attributes(target: Target) -> str:
    """Return the attributes of every function.

    No function raises an exception, so there are no unwind tables, which some loaders reject.
    """
    return f'nounwind "stack-probe-size"="{LARGEST}"' if target.is_windows else "nounwind"


def size_of(text: str) -> int:
    """Return the total bytes of the stack arrays that a text declares."""
    return sum(int(entries) * BYTES[kind] for entries, kind in MEMORY.findall(text))


def touched(target: Target, frames: int) -> tuple[str, str]:
    """Return the definition and the call of a function that touches the pages of stack frames."""
    if not target.is_windows or frames <= PAGE // 2:
        return "", ""
    pages = min(frames + SPARE, LARGEST) // (PAGE - 256)
    return TOUCH, f"  call void @touch(i64 {pages})\n"
