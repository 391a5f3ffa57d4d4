"""LLVM compiles the text of a module to machine code."""

from __future__ import annotations

import ctypes
import functools
import re
import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite.binding import ffi

from chainrule._src.base.forks import before_forks, in_child, lock
from chainrule._src.compile.native.target import Machine

ALL, FEW, NONE = "all", "few", "none"
VARIANTS = "vector-function-abi-variant"  # attribute of functions with vector versions
# In the attribute: the name of the function, and that of a version.
VARIANT = re.compile(r"_ZGV_LLVM_M\d+v+_(\w+)\((\w+)\)")
SOONEST, BEST = 0, 3  # LLVM's optimisation levels
MODULES = 64  # the number of modules that one pass builder is used for


class Text(NamedTuple):
    """A module in LLVM's language.

    Attributes
    ----------
    text : str
    passes : str
        The optimisation passes to run: `ALL`; `FEW` for code outside of loops, where a fast
        compilation matters more than fast code; or `NONE`. Matrix products are written with vectors
        and need no passes, which took two thirds of the time and made no difference.
    unrolls : bool
        If true, passes unroll loops and vectorize the unrolled code. Other loops are vectorized in
        any case.
    """

    text: str
    passes: str = ALL
    unrolls: bool = False

    @property
    def work(self) -> int:
        """An estimate of the time to compile the module."""
        return self.text.count("\n") * (3 if self.passes == ALL else 1)


@functools.cache
def _initialize_all() -> None:
    """Initialize LLVM for all machines."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


def target_machine(target: Machine, level: int = BEST) -> Any:
    """Return LLVM's target machine object, which emits code at an optimisation level."""
    if target.is_wasm:
        _initialize_all()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.processor, features=target.features, opt=level, codemodel=target.model,
        reloc="static" if target.is_wasm else "pic", jit=not target.is_wasm,
    )  # fmt: skip


def compiled(text: Text, target: Machine) -> bytes:
    """Return the machine code of a module as an object file. Threads may call this in parallel."""
    with (
        loops_as_written(),
        llvm.create_context() as context,
        llvm.parse_assembly(text.text, context) as module,
        _tools(target, text) as tools,
    ):
        if text.passes != NONE:
            _optimize(module, tools.builder(), text)
        return _emitted(module, tools.machine)


def linked(texts: Sequence[Text], target: Machine, entry: str, unrolls: bool = False) -> bytes:
    """Return several modules, which may call each other's functions, as one object file.

    Functions that ``entry`` does not need are left out. If ``unrolls``, loops are unrolled, which
    makes the code a third longer, and faster by a tenth for large arrays. This is for WebAssembly,
    where functions are inlined across the modules, and where loop strength reduction pays:
    addresses of 32 bits are computed from indices of 64 bits.
    """
    with loops_reduced(), llvm.create_context() as context:
        linked_module: Any = None
        for text in texts:
            with _tools(target, text) as tools:
                head = f'target datalayout = "{tools.machine.target_data}"\n'
                head += f'target triple = "{target.triple}"\n'
                module = llvm.parse_assembly(head + text.text, context)
                if text.passes != NONE:
                    _optimize(module, tools.builder(), text)
            if linked_module is None:
                linked_module = module
            else:
                linked_module.link_in(module)
        together = Text("", unrolls=unrolls)
        with linked_module, _tools(target, together) as tools:
            for function in linked_module.functions:
                if not function.is_declaration and function.name != entry:
                    function.linkage = "internal"
            _optimize(linked_module, tools.builder(), together)
            return _emitted(linked_module, tools.machine)


class _Tools:
    """A target machine, whose construction takes 2 ms, and its pass builder.

    llvmlite does not free a pass builder's table of callbacks (1.5 kB). So a builder is used for
    many modules, but not for all: each module adds a callback, and LLVM calls all of them for every
    pass. Callbacks of earlier modules do nothing unless a function is `optnone`.
    """

    def __init__(self, machine: Any, unrolls: bool) -> None:
        self.machine = machine
        self._options = llvm.create_pipeline_tuning_options(speed_level=3)
        self._options.loop_vectorization = True
        self._options.slp_vectorization = self._options.loop_unrolling = unrolls
        self._builder: Any = None
        self._modules = 0

    def builder(self) -> Any:
        """Return the pass builder for the next module."""
        if self._modules % MODULES == 0:
            self._builder = llvm.create_pass_builder(self.machine, self._options)
        self._modules += 1
        return self._builder


_idle: dict[Hashable, list[_Tools]] = {}  # a pool of tools that no thread uses


@contextmanager
def _tools(target: Machine, text: Text) -> Iterator[_Tools]:
    """Context manager that lends the tools for a module to one thread at a time."""
    level = SOONEST if text.passes == FEW else BEST
    idle = _idle.setdefault((target, level, text.unrolls), [])
    try:
        tools = idle.pop()
    except IndexError:
        tools = _Tools(target_machine(target, level), text.unrolls)
    yield tools
    idle.append(tools)


def _optimize(module: Any, builder: Any, text: Text) -> None:
    """Run passes over a module."""
    if text.passes == ALL:
        passes = builder.getModulePassManager()
    else:
        passes = llvm.create_new_module_pass_manager()
        passes.add_sroa_pass()
        passes.add_simplify_cfg_pass()
    _run(passes, module, builder)
    with_variants = {name for names in VARIANT.findall(text.text) for name in names}
    if with_variants:  # vectorized loops now call some of them
        for name in with_variants:
            module.get_function(name).linkage = "internal"
        passes = llvm.create_new_module_pass_manager()
        passes.add_always_inliner_pass()
        passes.add_global_dead_code_eliminate_pass()
        _run(passes, module, builder)


def _run(passes: Any, module: Any, builder: Any) -> None:
    """Run passes over a module, and free the passes."""
    try:
        _beside_others(ffi.lib.LLVMPY_RunNewModulePassManager)(passes, module, builder)
    finally:  # llvmlite itself does not free them: 100 kB for each module
        ffi.lib.LLVMPY_DisposeNewModulePassManger(passes)
        passes.detach()


def _emitted(module: Any, machine: Any) -> bytes:
    """Return the object file of a module."""
    with ffi.OutputString() as error:
        emit = _beside_others(ffi.lib.LLVMPY_TargetMachineEmitToMemory)
        buffer = emit(machine, module, 1, error)
        if not buffer:
            raise RuntimeError(str(error))
    try:
        begin = ffi.lib.LLVMPY_GetBufferStart(buffer)
        return ctypes.string_at(begin, ffi.lib.LLVMPY_GetBufferSize(buffer))
    finally:
        ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


def _beside_others(function: Any) -> Any:
    """Return a function of LLVM without llvmlite's lock, so that threads can call it in parallel.

    LLVM itself is thread-safe if each thread has its own context.
    """
    return getattr(function, "_cfn", function)


PATIENCE = 20.0  # seconds that a fork waits for threads inside LLVM
_turns = lock()
_at_work = 0
_library: Any = ffi.lib._lock._lock  # llvmlite holds it around every other function of LLVM


@contextmanager
def loops_as_written() -> Iterator[None]:
    """Context manager that disables LLVM's loop strength reduction, a fifth of its time.

    The addresses in loops already step from entry to entry. The option is global for the process,
    so the first compiling thread sets it and the last one resets it.
    """
    _count(1)
    try:
        yield
    finally:
        _count(-1)


@contextmanager
def loops_reduced() -> Iterator[None]:
    """Context manager with loop strength reduction, in which no other thread compiles."""
    with _entrance:
        while _at_work:
            time.sleep(0.001)
        yield


def _count(more: int) -> None:
    global _at_work
    with _entrance if more > 0 else nullcontext(), _turns:
        was, _at_work = _at_work, _at_work + more
        if not was or not _at_work:
            llvm.set_option("", f"-disable-lsr={'false' if was else 'true'}")


# If a process forks while a thread is inside LLVM, the child waits for ever for a lock that no
# thread releases. So a fork lets no other thread enter LLVM, and waits until all have left.
_entrance = lock()
_waiting: list[Any] = []


def _wait() -> None:
    """Wait before a fork until no other thread is inside LLVM, and let none enter."""
    end = time.monotonic() + PATIENCE
    for each in (_entrance, _library):
        while each is _library and _at_work and time.monotonic() < end:
            time.sleep(0.001)
        if each.acquire(timeout=PATIENCE):
            _waiting.append(each)


def _go_on() -> None:
    while _waiting:
        _waiting.pop().release()


def _alone() -> None:
    """Forget, in a child, the threads that stayed behind."""
    global _at_work
    _at_work = 0
    _waiting.clear()
    _library._at_fork_reinit()


before_forks(_wait, _go_on)
in_child(_alone)


def initialize() -> None:
    """Initialize LLVM for this machine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
