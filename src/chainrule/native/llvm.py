"""LLVM at work: a module's text becomes machine code, here or in a process that does nothing else.

Nothing of the project is imported: `helpers` runs this file alone, which is there sooner than
NumPy is.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

if __name__ == "__main__":  # without site, what is installed is where one says it is
    sys.path.append(sys.argv[1])

import llvmlite.binding as llvm

READY = "ready"
ALL, FEW, NONE = "all", "few", "none"


class Text(NamedTuple):
    """A module in LLVM's language.

    Attributes
    ----------
    text : str
    passes : str
        Which to run over it: `ALL`; `FEW`, of what calls the loops and is not within one; `NONE`.
        Products are written as they should run, vectors and all: passes over them took two thirds
        of the time and left them as fast as they were.
    unrolls : bool
        Whether passes unroll loops.
    """

    text: str
    passes: str = ALL
    unrolls: bool = False

    @property
    def work(self) -> int:
        """Return about how much there is to do."""
        return self.text.count("\n") * (3 if self.passes == ALL else 1)


class Target(NamedTuple):
    """What machine code is made for, in LLVM's words."""

    triple: str
    processor: str
    features: str

    def machine(self) -> Any:
        """Return what LLVM calls a target machine."""
        return llvm.Target.from_triple(self.triple).create_target_machine(
            cpu=self.processor, features=self.features, opt=3, reloc="pic",
            codemodel="jitdefault", jit=True,
        )  # fmt: skip


def compiled(text: Text, target: Target) -> bytes:
    """Return the machine code of a module as an object file."""
    module, machine = llvm.parse_assembly(text.text), target.machine()
    if text.passes != NONE:
        _optimize(module, machine, text)
    with _loops_as_written():
        code: bytes = machine.emit_object(module)
    return code


def _optimize(module: Any, machine: Any, text: Text) -> None:
    """Run passes over a module."""
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    options.loop_unrolling = text.unrolls
    builder = llvm.create_pass_builder(machine, options)
    if text.passes == ALL:
        builder.getModulePassManager().run(module, builder)
        return
    few = llvm.create_new_module_pass_manager()
    few.add_sroa_pass()
    few.add_simplify_cfg_pass()
    few.run(module, builder)


@contextmanager
def _loops_as_written() -> Iterator[None]:
    """Keep LLVM from rewriting the addresses in loops, which is a fifth of its work.

    They step from entry to entry as they are written. The option is all of this process's.
    """
    llvm.set_option("", "-disable-lsr=true")
    try:
        yield
    finally:
        llvm.set_option("", "-disable-lsr=false")


def initialize() -> None:
    """Make LLVM ready for this machine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def serve(given: Any, answers: Any) -> None:
    """Answer texts with machine code, until no more come; first says that it is there."""
    initialize()
    target = Target(*marshal.load(given))
    marshal.dump(READY, answers)
    answers.flush()
    while True:
        try:
            text = Text(*marshal.load(given))
        except EOFError:
            return
        marshal.dump(compiled(text, target), answers)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
