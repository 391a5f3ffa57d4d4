"""A page for each operation that has a gradient, written from its record and from runs."""

import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special
from sphinx.application import Sphinx

import chainrule as cr
from chainrule._src import ops
from chainrule._src.core import elementwise
from chainrule._src.core.kernel import Elementwise
from chainrule._src.core.primitive import Family, Primitive
from chainrule._src.ops import special
from chainrule._src.text.text import module_text
from extensions.digests import made, write_changed
from extensions.latex import UnknownFormError, formula
from extensions.pictures import curves, influence

CALLS: dict[str, Any] = {
    name: row
    for table in ("operations.toml", "special.toml")
    for name, row in tomllib.loads(Path(__file__).with_name(table).read_text("utf-8")).items()
}
SPACE = {"np": np, "cr": cr, "special": scipy.special}  # the names in calls
OPERANDS = {
    "x": "np.array([[0.5, 1.0, 2.0], [1.5, 0.2, 0.8]])",
    "y": "np.array([[1.0, 0.5, 2.5], [1.0, 2.0, 3.0]])",
}
LAB = {"matmul", "sigmoid", "softmax", "log", "exp", "mean", "sum", "relu"}  # of the lab's page
UNARY = {"x": "np.array([0.5, 1.0, 2.0])"}
FAMILIES = {
    "elementwise": "Entry by entry", "ufunc_methods": "Entry by entry", "nn": "Networks",
    "error_function": "Networks", "reduce": "Reductions", "shape": "Shapes", "moves": "Shapes",
    "joining": "Joined", "index": "Indexing", "linalg": "Products",
    "matrices": "Matrices", "decompositions": "Decompositions and norms", "sampled": "Samples",
    "special": "Of scipy.special",
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
        called = re.match(r"((?:np|cr|special)\.[\w.]+)\(", self.call)
        return called[1] if called else self.call

    def arrays(self) -> dict[str, Any]:
        """Return the operands."""
        return {name: eval(text, {"np": np}) for name, text in self.operands.items()}

    def function_of_operands(self) -> Any:
        """Return the call as a function of its operands."""
        return eval(f"lambda {', '.join(self.operands)}: {self.call}", SPACE)

    @property
    def title(self) -> str:
        """The name of the operation in titles and links."""
        name = re.sub(r"^special\.", "scipy.special.", self.function)
        return str(CALLS.get(self.name, {}).get("shown", name))

    @property
    def loss(self) -> str:
        """The loss whose gradient the page shows."""
        return str(CALLS.get(self.name, {}).get("loss", f"np.sum({self.call})"))

    @property
    def summary(self) -> str:
        """One sentence that says what the operation computes."""
        written = CALLS.get(self.name, {}).get("intro")
        if written:
            return str(written)
        function = getattr(np, self.name, None)
        if self.function != self.call:
            function = eval(self.function, SPACE)
        lines = (inspect.getdoc(function) or "").split("\n\n")
        texts = [" ".join(part.split()) for part in lines if not re.match(r"\s*\w+\(", part)]
        first = texts[0] if texts else ""
        sentence = re.sub(r":math:`(.*?)`", r"$\1$", first[:1].upper() + first[1:])
        return re.sub(r"``(.*?)``", r"`\1`", sentence)

    @property
    def also(self) -> str:
        """A sentence on functions of SciPy that are recorded as this operation, or refused."""
        return str(CALLS.get(self.name, {}).get("also", ""))

    def pullback_text(self) -> str:
        """Return the module of the value and of the gradient for `g`, the result's gradient."""
        f = self.function_of_operands()

        def pullback(params: Any, g: Any) -> Any:
            z, back = cr.vjp(f, *params.values())
            return z, dict(zip(params, back(g), strict=True))

        arrays = self.arrays()
        g = np.ones_like(f(*arrays.values()))
        return str(module_text(cr.trace(pullback)(arrays, g), "z"))

    def weighted_sum(self) -> Any:
        """Return the function whose gradient is that of the call for `g`."""
        taken = "; ".join(f'{name} = params["{name}"]' for name in self.operands)
        space = dict(SPACE)
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
    call = entry.get("call") or _default_call(primitive, entry)
    if call is None:
        return None
    used = {node.id for node in ast.walk(ast.parse(call)) if isinstance(node, ast.Name)}
    usual = OPERANDS if "y" in used or "call" in entry else UNARY
    return call, {name: entry.get(name, usual[name]) for name in ("x", "y") if name in used}


def _default_call(primitive: Primitive, entry: dict[str, Any]) -> str | None:
    if primitive.name in special.SPECIAL.primitives and "check" in entry:
        return f"special.{primitive.name}({', '.join(entry['check'])})"
    if not isinstance(primitive.kernel, Elementwise) or not isinstance(primitive.text, str):
        return None
    call = primitive.text.replace("_0", "x").replace("_1", "y")
    return None if re.search(r"_\d", call) else call


def _row(module: Any, name: str) -> str | None:
    """Return the text of the record of a primitive: the smallest statement or row that names it."""
    rows = _rows(module)
    keys = (repr(name), f"np.{name}", f"scipy.special.{name}", name)
    return next((rows[key] for key in keys if key in rows), None)


@cache
def _rows(module: Any) -> dict[str, str]:
    """Return the statements and rows of tables of a module, by the names and functions in them."""
    source = inspect.getsource(module)
    rows: dict[str, str] = {}
    for node in ast.walk(ast.parse(source)):
        for key, row in _named(node):
            name = ast.unparse(key)
            text = ast.get_source_segment(source, row) or ""
            rows.setdefault(name, f"{name}: {text}" if isinstance(row, ast.Lambda) else text)
    return rows


def _named(node: ast.AST) -> list[tuple[ast.expr, ast.AST]]:
    """Return what a node names, each with the text of its record."""
    functions = ast.Constant | ast.Attribute
    match node:
        case ast.Call(args=arguments):
            return [(each, node) for each in arguments if isinstance(each, functions)]
        case ast.For(iter=ast.Tuple(elts=elements)):
            return [(each, node) for each in elements if isinstance(each, functions)]
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return [(key, row) for key, row in pairs if key and isinstance(row, ast.Lambda)]
        case ast.Tuple(elts=[ast.Name() | ast.Attribute() as key, *_, ast.Lambda()]):
            return [(key, node)]
    return []


def page(operation: Operation) -> str:
    """Return the page of an operation."""
    arrays = operation.arrays()
    result = operation.function_of_operands()(*arrays.values())
    text = operation.pullback_text()
    others = ", ".join(rf"$\bar {name}$ (`d_{name}`)" for name in operation.operands)
    parts = [
        f"# `{operation.title}`: value and gradient",
        f"{operation.summary} {_reference(operation)} {operation.also}".strip(),
        _formulas(operation, text),
        "Here $z$ is the result, and $\\bar z$, in the code `g`, the gradient of the loss by the "
        f"result. The backward pass makes of it {others}, by the chain rule.",
        _picture(operation, arrays),
        f"## Value and gradient\n\n{_about_loss(operation)}\n\n{_session(operation, arrays)}",
        "## The gradient as NumPy\n\n"
        "The lines that chainrule writes for this call, forward and backward:\n\n"
        f"```python\n{_lines(text)}\n```",
        _kernel(operation, arrays, result),
        f"## The record\n\nThe operation is called `{operation.name}` in programs. "
        f"This is its row in `{operation.module.__name__}`; "
        "a rule takes `g`, the result `y` and the operands:\n\n"
        f"```python\n{inspect.cleandoc(_row(operation.module, operation.name) or '')}\n```",
        _related(operation),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _about_loss(operation: Operation) -> str:
    if "loss" in CALLS.get(operation.name, {}):
        return f"The loss here is `{operation.loss}`."
    return r"The loss here is the sum of the result, so each entry of $\bar z$ is 1."


def _reference(operation: Operation) -> str:
    """Return a link to the reference of the function, if the call has one."""
    if operation.function == operation.call:
        return ""
    for prefix, library in (("np.", "numpy."), ("special.", "scipy.special.")):
        if operation.function.startswith(prefix):
            return f"Arguments: {{py:obj}}`{library}{operation.function.removeprefix(prefix)}`."
    return f"Arguments and an example: {{py:obj}}`chainrule.{operation.function[3:]}`."


def _related(operation: Operation) -> str:
    """Return links to other pages: those of the table, then neighbours of the family."""
    family = [each for each in operations() if _family(each) == _family(operation)]
    by_name = {each.name: each for each in operations()}
    names = CALLS.get(operation.name, {}).get("see", [])
    place = family.index(operation)
    near = [each.name for each in family[max(0, place - 2) : place + 3] if each is not operation]
    links = [f"[`{by_name[name].title}`]({name}.md)" for name in dict.fromkeys([*names, *near])]
    lab = "[the lab's formulas](../lab.md)" if operation.name in LAB else ""
    more = ", ".join(filter(None, [*links, lab]))
    all_of_them = "[All operations](index.md); [how they are put together](../reverse-mode.md)."
    return f"## See also\n\n{more}. {all_of_them}"


def _family(operation: Operation) -> str:
    return FAMILIES.get(operation.module.__name__.rpartition(".")[2], "Other")


def _lines(text: str) -> str:
    """Return the lines of a text after those that take the parameters, without the shapes."""
    plain = re.sub(r"[ ]+# \(.*\)$", "", text, flags=re.MULTILINE)
    helpers, _, function = plain.partition("def value_and_gradients")
    helpers = re.sub(r"^import .*\n", "", helpers, flags=re.MULTILINE).strip()
    body = function.split(":\n", 1)[1]
    hidden = re.compile(r"# for the shapes|assert |(\w+, )*\w+ = params|n = len|return ")
    lines = [line for line in inspect.cleandoc(body).splitlines() if not hidden.match(line)]
    others = [f"d_{name} = {text}" for name, text in _steps(text)[1].items() if text != f"d_{name}"]
    shown = "\n".join([*lines, *others]).strip()
    return f"{helpers}\n\n\n{shown}" if helpers else shown


def _formulas(operation: Operation, text: str) -> str:
    """Return value and gradient as formulas: written in the table, or made from the text."""
    written = CALLS.get(operation.name, {}).get("formula")
    if written:
        return _aligned(written)
    if not isinstance(operation.primitive.kernel, Elementwise):
        return ""
    steps, gradients = _steps(text)
    try:
        lines = [f"z &= {formula(operation.call)}"]
        lines += [rf"\bar {name} &= {formula(gradients[name], steps)}" for name in gradients]
    except UnknownFormError:
        return ""
    return _aligned(lines)


def _aligned(lines: list[str]) -> str:
    inside = " \\\\[0.4em]\n".join(lines)
    return f"$$\n\\begin{{aligned}}\n{inside}\n\\end{{aligned}}\n$$"


def _steps(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the assignments of a text by name, and the expressions of its gradients."""
    function = ast.parse(text).body[-1]
    steps, gradients = {}, {}
    for node in function.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            steps[node.targets[0].id] = ast.unparse(node.value)
        if isinstance(node, ast.Return):
            returned = next(each for each in ast.walk(node) if isinstance(each, ast.Dict))
            texts = [ast.unparse(value).removesuffix(".copy()") for value in returned.values]
            gradients = dict(zip(map(ast.literal_eval, returned.keys), texts, strict=True))
    steps = {name: step for name, step in steps.items() if not step.startswith("params[")}
    return steps, gradients


def _picture(operation: Operation, arrays: dict[str, Any]) -> str:
    by_entry = isinstance(operation.primitive.kernel, Elementwise) or operation.module is special
    if by_entry and len(arrays) == 1:
        return curves(operation.function_of_operands(), arrays["x"], operation.call)
    return influence(operation.function_of_operands(), arrays, operation.call)


def _session(operation: Operation, arrays: dict[str, Any]) -> str:
    names = ", ".join(operation.operands)
    lines = ["import numpy as np, chainrule as cr"]
    lines += ["from scipy import special"] * operation.function.startswith("special.")
    lines += [f"{name} = {text}" for name, text in operation.operands.items()]
    calls = [operation.call]
    calls += [
        f"cr.grad(lambda {names}: {operation.loss}{f', argnums={i}' * (i > 0)})({names})"
        for i in range(len(arrays))
    ]
    space = SPACE | arrays
    with np.printoptions(precision=4, suppress=True):
        shown = [
            f">>> {line}" for line in [*lines, "np.set_printoptions(precision=4, suppress=True)"]
        ]
        for call in calls:
            shown += [f">>> {call}", repr(eval(call, space))]
    return "```python\n" + "\n".join(shown) + "\n```"


def _kernel(operation: Operation, arrays: dict[str, Any], result: Any) -> str:
    if operation.primitive.kernel is None:
        library = "SciPy" if operation.module is special else "NumPy"
        return f"This operation runs in {library}: it is not compiled."
    loss = operation.weighted_sum()
    g = np.ones_like(result)
    try:
        text = cr.source(lambda params: loss(params, g), "kernel")(arrays)
    except cr.ChainruleError:
        return ""
    step = text.split("row = order[start]\n")[1].split("        value = loss_value[0]")[0]
    code = f"```python\n{inspect.cleandoc(step)}\n```"
    return f":::{{dropdown}} A training step with it, as loops\n{code}\n:::"


def _write(folder: Path) -> None:
    groups: dict[str, list[Operation]] = {}
    for operation in operations():
        groups.setdefault(_family(operation), []).append(operation)
        write_changed(folder / f"{operation.name}.md", page(operation))
    index = [
        "# Operations, one by one",
        "Operations that a gradient goes through, with formula, gradient as NumPy, loops, and the "
        "record in the library. The pages are written from the records while the site is built; "
        "tests hold each gradient equal to central differences.",
    ]
    for family, members in groups.items():
        rows = [(f"[`{each.title}`]({each.name}.md)", each.summary) for each in members]
        index += [f"## {family}", table(rows), toctree({each.name: each.title for each in members})]
    write_changed(folder / "index.md", "\n\n".join(index) + "\n")


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Return links and sentences as a table."""
    cells = [(link, sentence.replace("|", r"\|")) for link, sentence in rows]
    lines = "\n".join(f"| {link} | {sentence} |" for link, sentence in cells)
    return f"| page | what it computes |\n|---|---|\n{lines}"


def toctree(titles: Mapping[str, str]) -> str:
    """Return pages with short titles as a part of the table of contents that is not shown."""
    lines = "\n".join(f"{title} <{name}>" for name, title in titles.items())
    return f"```{{toctree}}\n:hidden:\n\n{lines}\n```"


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before others are read."""
    app.connect(
        "config-inited",
        lambda app, _config: made(Path(app.srcdir) / "learn" / "operations", _write),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
