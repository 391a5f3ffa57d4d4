"""A page for each operation that has a gradient, written from its record and from runs."""

import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sphinx.application import Sphinx

import chainrule as cr
from chainrule._src import ops
from chainrule._src.core import elementwise
from chainrule._src.core.kernel import Elementwise
from chainrule._src.core.primitive import Family, Primitive
from extensions.digests import made, write_changed
from extensions.latex import UnknownFormError, formula
from extensions.pictures import curves, influence

CALLS = tomllib.loads(Path(__file__).with_name("operations.toml").read_text(encoding="utf-8"))
OPERANDS = {
    "x": "np.array([[0.5, 1.0, 2.0], [1.5, 0.2, 0.8]])",
    "y": "np.array([[1.0, 0.5, 2.5], [1.0, 2.0, 3.0]])",
}
UNARY = {"x": "np.array([0.5, 1.0, 2.0])"}
FAMILIES = {
    "elementwise": "Entry by entry", "nn": "Networks", "error_function": "Networks", "reduce": "Reductions",
    "shape": "Shapes", "moves": "Shapes", "joining": "Joined", "index": "Indexing", "linalg": "Products",
    "matrices": "Matrices", "decompositions": "Decompositions and norms", "sampled": "Samples",
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """An operation with the call that its page shows."""

    primitive: Primitive
    module: Any
    call: str
    operands: dict[str, str]

    @property
    def name(self) -> str:
        """The name of the primitive."""
        return self.primitive.name

    @property
    def function(self) -> str:
        """The NumPy function or the operator of the call, as people search for it."""
        called = re.match(r"((?:np|cr)\.[\w.]+)\(", self.call)
        return called[1] if called else self.call

    def arrays(self) -> dict[str, Any]:
        """Return the operands."""
        return {name: eval(text, {"np": np}) for name, text in self.operands.items()}

    def function_of_operands(self) -> Any:
        """Return the call as a function of its operands."""
        return eval(f"lambda {', '.join(self.operands)}: {self.call}", {"np": np, "cr": cr})

    def weighted_sum(self) -> Any:
        """Return the function of the operands and `g` whose gradient is that of the call for `g`."""
        taken = "; ".join(f'{name} = params["{name}"]' for name in self.operands)
        space = {"np": np, "cr": cr}
        exec(f"def loss(params, g):\n    {taken}\n    return np.sum(g * ({self.call}))", space)
        return space["loss"]


@cache
def operations() -> tuple[Operation, ...]:
    """Return the operations that have pages."""
    modules = [
        importlib.import_module(f"{ops.__name__}.{each.name}")
        for each in pkgutil.iter_modules(ops.__path__)
    ]
    pages = {}
    for module in [elementwise, *modules]:
        for family in [part for part in vars(module).values() if type(part) is Family]:
            for name, primitive in family.primitives.items():
                if primitive.gradients is not None and name not in pages:
                    shown = _shown(primitive)
                    if shown:
                        pages[name] = Operation(
                            primitive, _home(primitive, module, modules), *shown
                        )
    return tuple(sorted(pages.values(), key=lambda each: each.name))


def _home(primitive: Primitive, module: Any, modules: list[Any]) -> Any:
    """Return the module that holds the row of a primitive."""
    rows = [each for each in [elementwise, *modules] if _row(each, primitive.name)]
    return rows[0] if rows else module


def _shown(primitive: Primitive) -> tuple[str, dict[str, str]] | None:
    entry = CALLS.get(primitive.name, {})
    call = entry.get("call") or _default_call(primitive)
    if call is None:
        return None
    used = {node.id for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Name)}
    usual = OPERANDS if "y" in used or "call" in entry else UNARY
    return call, {name: entry.get(name, usual[name]) for name in ("x", "y") if name in used}


def _default_call(primitive: Primitive) -> str | None:
    if not isinstance(primitive.kernel, Elementwise) or not isinstance(primitive.text, str):
        return None
    call = primitive.text.replace("_0", "x").replace("_1", "y")
    return None if re.search(r"_\d", call) else call


@cache
def _row(module: Any, name: str) -> str | None:
    """Return the text of the record of a primitive: the smallest statement or row that names it."""
    source = inspect.getsource(module)
    tree = ast.parse(source)
    ufunc = {"abs": "abs", "power": "power"}.get(name, name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and any(
            isinstance(a, ast.Constant) and a.value == name for a in node.args
        ):
            return ast.get_source_segment(source, node)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if key is not None and ast.unparse(key) == f"np.{ufunc}":
                    return f"{ast.unparse(key)}: {ast.get_source_segment(source, value)}"
    return None


def page(operation: Operation) -> str:
    """Return the page of an operation."""
    arrays = operation.arrays()
    result = operation.function_of_operands()(*arrays.values())
    text = cr.source(operation.weighted_sum())(arrays, np.ones_like(result))
    parts = [
        f"# `{operation.function}`: value and gradient",
        f"The operation `{operation.name}` of chainrule, {_family(operation).lower()}. In the formulas and in the text "
        "below, $\\bar y$ and `g` are the gradient of the loss with respect to the result; `d_x` is that with "
        "respect to `x`.",
        _formulas(operation, text),
        _picture(operation, arrays),
        "## Value and gradient\n\n" + _session(operation, arrays),
        f"## The gradient as NumPy\n\nThe lines that `cr.source` writes:\n\n```python\n{_lines(text)}\n```",
        _kernel(operation, arrays, result),
        f"## The record\n\nThe row of this operation in `{operation.module.__name__}`:\n\n"
        f"```python\n{inspect.cleandoc(_row(operation.module, operation.name) or '')}\n```",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _family(operation: Operation) -> str:
    return FAMILIES.get(operation.module.__name__.rpartition(".")[2], "Other")


def _lines(text: str) -> str:
    """Return the lines of a text after those that take the parameters, without the shapes."""
    body = re.sub(r"[ ]+# \(.*\)$", "", text, flags=re.MULTILINE).split("):\n", 1)[1]
    lines = inspect.cleandoc(body).splitlines()
    hidden = re.compile(r"# for the shapes|assert |(\w+, )*\w+ = params")
    return "\n".join(line for line in lines if not hidden.match(line)).strip()


def _formulas(operation: Operation, text: str) -> str:
    """Return value and gradient as formulas, for calls that have them."""
    if not isinstance(operation.primitive.kernel, Elementwise):
        return ""
    steps = dict(re.findall(r"^    (\w+) = (.*?)(?:\s+# .*)?$", text, re.MULTILINE))
    try:
        written = [f"{'z' if 'y' in operation.operands else 'y'} &= {formula(operation.call)}"]
        for name in operation.operands:
            inner = {key: value for key, value in steps.items() if not key.startswith("d_")}
            written.append(rf"\bar {name} &= {formula(steps[f'd_{name}'], inner)}")
    except (UnknownFormError, KeyError):
        return ""
    return "$$\n" + " \\\\\n".join(written) + "\n$$"


def _picture(operation: Operation, arrays: dict[str, Any]) -> str:
    is_curve = isinstance(operation.primitive.kernel, Elementwise) and len(arrays) == 1
    if is_curve:
        return curves(operation.function_of_operands(), arrays["x"], operation.call)
    return influence(operation.function_of_operands(), arrays, operation.call)


def _session(operation: Operation, arrays: dict[str, Any]) -> str:
    names = ", ".join(operation.operands)
    lines = ["import numpy as np, chainrule as cr"]
    lines += [f"{name} = {text}" for name, text in operation.operands.items()]
    calls = [operation.call]
    calls += [
        f"cr.grad(lambda {names}: np.sum({operation.call}), argnums={i})({names})"
        for i in range(len(arrays))
    ]
    space = {"np": np, "cr": cr} | arrays
    with np.printoptions(precision=4, suppress=True):
        shown = [
            f">>> {line}" for line in [*lines, "np.set_printoptions(precision=4, suppress=True)"]
        ]
        for call in calls:
            shown += [f">>> {call}", repr(eval(call, space))]
    return "```python\n" + "\n".join(shown) + "\n```"


def _kernel(operation: Operation, arrays: dict[str, Any], result: Any) -> str:
    if operation.primitive.kernel is None:
        return "This operation runs in NumPy: it is not compiled."
    loss = operation.weighted_sum()
    g = np.ones_like(result)
    try:
        text = cr.source(lambda params: loss(params, g), "kernel")(arrays)
    except cr.ChainruleError:
        return ""
    step = text.split("row = order[start]\n")[1].split("        value = loss_value[0]")[0]
    return f":::{{dropdown}} A training step with it, as loops\n```python\n{inspect.cleandoc(step)}\n```\n:::"


def _write(folder: Path) -> None:
    groups: dict[str, list[Operation]] = {}
    for operation in operations():
        groups.setdefault(_family(operation), []).append(operation)
        write_changed(folder / f"{operation.name}.md", page(operation))
    index = [
        "# Operations, one by one",
        "Each page is written from the operation's record while the site is built.",
    ]
    for family, members in groups.items():
        names = "\n".join(f"{each.function} <{each.name}>" for each in members)
        index.append(f"## {family}\n\n```{{toctree}}\n:titlesonly:\n\n{names}\n```")
    write_changed(folder / "index.md", "\n\n".join(index) + "\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before others are read."""
    app.connect(
        "config-inited",
        lambda app, _config: made(Path(app.srcdir) / "learn" / "operations", _write),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
