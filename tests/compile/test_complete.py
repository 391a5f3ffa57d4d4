"""Every target has every operation, or its table refuses the operation by name."""

import importlib
import pkgutil
from functools import cache

import numpy as np
import pytest
from scipy.special import xlog1py, xlogy
from tests.compile.native.everything import everything, primitives_of

import chainrule as cr
from chainrule._src import ops
from chainrule._src.compile.lower.kernels import RULES, function_kernel
from chainrule._src.compile.lower.script import Script
from chainrule._src.compile.native.machine import host
from chainrule._src.compile.native.modules import modules
from chainrule._src.core.kernel import Composite
from chainrule._src.core.primitive import Family, Lines, Primitive
from chainrule._src.export.onnx import model, windows
from chainrule._src.text.lines import LINES
from chainrule._src.trace.passes import expand, fixed
from chainrule._src.trace.recurrence import primitives as recurrences
from chainrule._src.trace.tracing import Recorder


def every_primitive():
    """Return all primitives by name, those too that are loaded with another library."""
    names = [module.name for module in pkgutil.iter_modules(ops.__path__, f"{ops.__name__}.")]
    rooms = [recurrences, *map(importlib.import_module, names)]
    families = [part for room in rooms for part in vars(room).values() if type(part) is Family]
    return {name: p for family in families for name, p in family.primitives.items()}


PRIMITIVES = every_primitive()
X = np.linspace(0.1, 2, 12).reshape(3, 4)
COMPOSITES = (
    np.mean, np.var, np.std, np.linalg.norm, cr.softmax, cr.functions.log_softmax,
    cr.functions.logsumexp, cr.functions.softplus, lambda x: cr.one_hot(4, x[0].astype(int)),
    lambda x: xlogy(x, 2 * x), lambda x: xlog1py(x, x),
)  # fmt: skip


def in_numpy():
    """Return the operations that have a text, and those that are refused."""
    texts = {name: p.text for name, p in PRIMITIVES.items()}
    assert {name for name, text in texts.items() if isinstance(text, Lines)} == {*LINES}
    return {name for name, text in texts.items() if text is not None}, set()


def programs():
    """Yield the programs of a fixed set of kernels, which `test_targets` emits for LLVM."""
    yield from (program for program, _ in everything().values())
    yield expand(Recorder(lambda x: [f(x) for f in COMPOSITES], (X,)).alone())


@cache
def composites():
    """Return the operations of a program that are written as other operations."""
    program = Recorder(lambda x: [f(x) for f in COMPOSITES], (X,)).alone()
    equations = [e for e in program.equations if isinstance(e.primitive.kernel, Composite)]
    assert modules(function_kernel(expand(program)), host())
    return {equation.primitive.name for equation in equations}


def in_llvm():
    kernels = {name: p.kernel for name, p in PRIMITIVES.items()}
    assert {type(kernel) for kernel in kernels.values()} - {Composite, type(None)} == {*RULES}
    compiled = set().union(*map(primitives_of, programs()))
    return compiled | composites(), {name for name, kernel in kernels.items() if kernel is None}


def in_javascript():
    """A script has the kernels of LLVM, and no table of its own by operation."""
    written = set()
    for program in programs():
        program = expand(fixed(program, 4))
        script = Script({v: f"x{i}" for i, v in enumerate(program.variables)})
        written |= {e.primitive.name for e in program.equations if script.function(e)}
    return written | composites(), in_llvm()[1]


def in_onnx():
    rules = model.RULES
    made = {p.name for p in vars(windows).values() if type(p) is Primitive}  # of several others
    assert set(rules) <= {*PRIMITIVES} | made
    refused = {name for name, rule in rules.items() if rule is None}
    return {*rules} - refused - made, refused


TARGETS = {"NumPy": in_numpy, "LLVM": in_llvm, "JavaScript": in_javascript, "ONNX": in_onnx}


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_has_every_operation_or_refuses_it(target):
    has, refuses = TARGETS[target]()
    assert len(PRIMITIVES) > 160
    assert {*PRIMITIVES} - has - refuses == set(), f"{target} neither has nor refuses them"
    assert has & refuses == set(), f"{target} has and refuses them"
    assert has | refuses <= {*PRIMITIVES}, f"{target} knows them, but they are no operations"


def test_a_new_operation_says_what_its_kernel_is():
    """An operation without a kernel says so: ``kernel=None``."""
    with pytest.raises(TypeError, match="kernel"):
        Family().add("halved", lambda x: x / 2, None, "_0 / 2")
