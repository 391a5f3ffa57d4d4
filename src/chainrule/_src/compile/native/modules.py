"""A kernel is written as modules in LLVM's language.

Equal loop nests become one function, for example those of equal layers. Nests that differ only in
sizes take the sizes as arguments. So repeated code is compiled once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._src.base.errors import CompileError
from chainrule._src.compile.lower.functions import function_of
from chainrule._src.compile.lower.kernels import Kernel
from chainrule._src.compile.lower.reading import Function
from chainrule._src.compile.native import ENTRY
from chainrule._src.compile.native.emission import SIZE, FunctionWriter
from chainrule._src.compile.native.frames import attributes, size_of, touch
from chainrule._src.compile.native.llvm import FEW, Text
from chainrule._src.compile.native.rare import RARE, rare_variants, with_variants
from chainrule._src.compile.native.target import Machine
from chainrule._src.compile.native.waves import has_many, with_calls
from chainrule._src.compile.native.writer import INT64, POINTER, TYPES, Value, Writer, listed

SUMS = " reassoc nsz contract"  # sums in any order; NaN and infinity are respected
# Other arithmetic is not reordered, so that a number gives the same bits as a constant of a kernel
# and as its input, for example a setting of a sweep.
PLAIN = " nsz contract"
ORDERED = " nsz"  # no fused multiply-add either, so that bits do not depend on the code around
HINTS = """!0 = distinct !{!0, !1}
!1 = !{!"llvm.loop.vectorize.enable", i1 false}
!2 = distinct !{!2, !3}
!3 = !{!"llvm.loop.vectorize.enable", i1 true}
!4 = distinct !{!4, !5}
!5 = !{!"llvm.loop.interleave.count", i32 2}
"""
# LLVM uses half-width vectors on Intel's processors, to avoid a slower clock, but matrix products
# use the full width anyway. Loops over the entries of a single sample are too short for it.
WIDE = ' "prefer-vector-width"="512"'
LONG = 60  # lines from which a repeated nest is not inlined, even for a single sample
CALLED = re.compile(r"call .*?@([\w.]+)\(")
GIVEN = re.compile(r"#(nest\d+) (\d+)#")  # in a call: the nest, and the number of the call
MODULE = 300  # lines of nests from which a new module begins


def modules(kernel: Kernel, target: Machine) -> list[Text]:
    """Return a kernel as modules: ``i64 chainrule_kernel(ptr to pointers)`` is in the last.

    The modules depend on the kernel and the target alone, and not on the number of threads that
    compile, so that the results do not depend on this number either.
    """
    if kernel.one:
        module = Module(target, ORDERED, ORDERED, "", True)
    else:
        module = Module(target, PLAIN, SUMS, WIDE)
    name, update = kernel.function.name, FunctionWriter(module, module.flags, kernel.slots)
    module.functions[name] = update.function(kernel.function, module.apart, outlined=True)
    writer = Writer()
    table = writer.literal("%table", POINTER)
    touching = touch(writer, target, module.frames)
    n_arguments = len(kernel.function.arguments)
    pointers = [writer.load(POINTER, writer.element(POINTER, table, i)) for i in range(n_arguments)]
    n_updates = writer.call(name, *pointers, kind=INT64)
    entry = writer.definition(ENTRY, [table], attributes(target), n_updates)
    return module.texts(touching + entry)


class Module:
    """The functions of a kernel; each is written once.

    Parameters
    ----------
    target : Machine
    flags, sums : str
        LLVM's fast-math flags for floating-point arithmetic, and for sums.
    how : str
        Attributes of the functions that are not inlined.
    inline : bool, default False
        If true, loop nests are inlined. LLVM takes longer for one large function than for many
        small ones, but a call takes as long as the short loops of one sample.
    """

    def __init__(
        self, target: Machine, flags: str, sums: str, how: str, inline: bool = False
    ) -> None:
        self.target = target
        self.flags, self.sums, self.inline = flags, sums, inline
        self.apart = f"noinline {attributes(target)}{how}"
        self.declared: dict[str, str] = {}
        self.functions: dict[str, str] = {}
        self._nests: dict[str, str] = {}  # names of nests by their text without sizes
        self._sizes: dict[str, list[list[str]]] = {}  # by name of the nest: the sizes of each call

    @property
    def frames(self) -> int:
        """The bytes of arrays on the stack while a loop nest runs."""
        nests = [size_of(text) for text in self._nests]
        inner = sum(nests) if self.inline else max(nests, default=0)
        return inner + size_of("".join(self.functions.values()))

    def texts(self, entry: str) -> list[Text]:
        """Return the modules: groups of loop nests, and at last the entry with all functions."""
        nests = self._finished()
        if self.inline:
            return [Text(self._whole([entry, *nests.values()], {}), unrolls=True)]
        heads = {
            name: body.partition(") ")[0].replace("define internal", "declare") + ")\n"
            for name, body in nests.items()
        }
        external = {name: body.replace(" internal", "", 1) for name, body in nests.items()}
        texts = [
            Text(self._whole([external[name] for name in each], {})) for each in _groups(nests)
        ]
        return [*texts, Text(self._whole([entry], heads), FEW)]

    def _whole(self, parts: list[str], heads: dict[str, str]) -> str:
        """Return a module of some parts, with all functions that the parts call."""
        available = {**self.declared, **self.functions, **heads}
        included = set()
        for part in parts:  # which grow
            for name in CALLED.findall(part):
                if name in available and name not in included:
                    included.add(name)
                    parts.append(available[name])
        return "\n".join([*parts, HINTS])

    # Nests of loops

    def nest(self, body: str, arguments: Sequence[Value]) -> str:
        """Add a loop nest to the module, and return the text of its call."""
        name = self._nests.setdefault(SIZE.sub("$$", body), f"nest{len(self._nests)}")
        calls = self._sizes.setdefault(name, [])
        calls.append(SIZE.findall(body))
        return f"call void @{name}({listed(arguments)}#{name} {len(calls) - 1}#)"

    def _finished(self) -> dict[str, str]:
        """Return nests by name. Sizes that differ between calls become arguments of the calls."""
        columns = {name: list(zip(*calls, strict=True)) for name, calls in self._sizes.items()}
        differ = {
            name: list(dict.fromkeys(column for column in each if len({*column}) > 1))
            for name, each in columns.items()
        }

        def given(call: re.Match[str]) -> str:
            return "".join(f", i64 {column[int(call[2])]}" for column in differ[call[1]])

        for name, text in self.functions.items():
            self.functions[name] = GIVEN.sub(given, text)
        return {
            name: self._nest(name, text, columns[name], differ[name])
            for text, name in self._nests.items()
        }

    def _nest(self, name: str, text: str, columns: Sequence[Any], differ: Sequence[Any]) -> str:
        """Return a nest with its sizes: literals, or arguments if they differ between calls."""
        arguments = {column: f"%s{i}" for i, column in enumerate(differ)}
        first, *others = text.split("$$")
        sizes = [arguments.get(column, column[0]) for column in columns]
        body = first + "".join(size + part for size, part in zip(sizes, others, strict=True))
        again = len(self._sizes[name]) > 1 and body.count("\n") > LONG
        how = "alwaysinline nounwind" if self.inline and not again else self.apart
        parameters = "".join(f", i64 {argument}" for argument in arguments.values())
        body = body.replace("@NEST(", f"@{name}(", 1)
        return body.replace(") #NEST", f"{parameters}) {how}", 1)

    # Functions

    def shortened(self, loop: str) -> str | None:
        """Return the text of a loop that calls its waves, or None if it has few waves."""
        return None if self.inline or not has_many(loop) else with_calls(self, loop)

    def called(self, name: str, dtype: np.dtype[Any]) -> Function:
        """Return a function that kernels call, and write its text if it is not written yet."""
        function = function_of(name, dtype)
        if function is None:
            raise CompileError(f"{name} of {dtype.name} numbers runs in NumPy alone")
        if function.name not in self.functions:
            self.functions[function.name] = ""  # its callees are written after it
            writer = FunctionWriter(self, " contract", {})
            how, more = "alwaysinline nounwind", ""
            if function.result is None:  # it is called between loops, not inside of them
                how = self.apart
            elif name in RARE:
                kinds = [TYPES[argument.dtype] for argument in function.arguments]
                how = f"noinline cold {with_variants(function.name, len(kinds))}"
                more = rare_variants(function.name, TYPES[function.result.dtype], kinds)
            text = writer.function(function, how, internal=name not in RARE)
            self.functions[function.name] = text + more
        return function


def _groups(nests: dict[str, str]) -> list[list[str]]:
    """Return the names of nests in groups that are about equally long."""
    groups: list[list[str]] = []
    lines = MODULE
    for name, body in nests.items():
        if lines >= MODULE:
            groups.append([])
            lines = 0
        groups[-1].append(name)
        lines += body.count("\n")
    return groups
