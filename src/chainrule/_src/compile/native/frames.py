"""Stack frames of more than a page.

Windows gives a thread its stack page by page, and each new page must be the next one. A function
whose frame is larger would have to call one of C's that touches them in order, which no loader
knows. So all pages are touched once where a kernel begins.
"""

from __future__ import annotations

import re

from chainrule._src.compile.native.target import Target

MEMORY = re.compile(r"= alloca \[(\d+) x (\w+)\]")
BYTES = {"float": 4, "double": 8, "i8": 1, "i16": 2, "i32": 4, "i64": 8}
PAGE = 4096
SPARE = 2**16  # bytes for what LLVM puts on the stack, and for functions outside
LARGEST = 2**20  # bytes that are touched: a thread may have twice that
# The second store keeps LLVM from making a loop of it.
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
    """Return the attributes that every function has.

    None is left by an exception, so there are no tables for that, for which loaders have rules of
    their own.
    """
    return f'nounwind "stack-probe-size"="{LARGEST}"' if target.is_windows else "nounwind"


def size_of(text: str) -> int:
    """Return the bytes of the arrays on the stack that a text declares."""
    return sum(int(entries) * BYTES[kind] for entries, kind in MEMORY.findall(text))


def touched(target: Target, frames: int) -> tuple[str, str]:
    """Return what touches the pages for frames of so many bytes: a definition and a call of it."""
    if not target.is_windows or frames <= PAGE // 2:
        return "", ""
    pages = min(frames + SPARE, LARGEST) // (PAGE - 256)
    return TOUCH, f"  call void @touch(i64 {pages})\n"
