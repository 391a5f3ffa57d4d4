"""A page for each layer: its text, its gradient and which inputs its outputs depend on."""

import inspect
import re
import tomllib
from pathlib import Path

import numpy as np
from sphinx.application import Sphinx

import chainrule as cr
from extensions.digests import made, write_changed
from extensions.operations import operations, table, toctree
from extensions.pictures import influence

TABLE = tomllib.loads(Path(__file__).with_name("layers.toml").read_text(encoding="utf-8"))
WITHOUT = {  # name → why it has no page
    name: reason
    for reason, _, names in (line.partition(": ") for line in TABLE.pop("without").values())
    for name in names.split()
}


def page(name: str, call: str, shape: list[int]) -> str:
    """Return the page of a layer."""
    model = _model(call, shape)
    x = _sample(name, shape)
    parts = [
        f"# {name}: the layer, its gradient and its text",
        f"{_summary(name)} Arguments and an example: {{py:obj}}`chainrule.layers.{name}`.",
        f"## Shapes and weights\n\nA sample has the shape {tuple(shape)} here; `None` stands for "
        "the number of samples.\n\n"
        f"{_session(call, shape)}",
        _picture(name, model, x, call),
        "## The text\n\n"
        "This is the layer with a mean squared error behind it, forward and backward. "
        f"`{_how(model)}` writes it; a name with `d_` is the gradient of the loss by that value, "
        "and `n` the number of samples.\n\n"
        f"```python\n{_text(model, x)}\n```",
        _operations(model, x),
        _related(name),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _summary(name: str) -> str:
    """Return the first sentence of a layer's docstring, which is reStructuredText, as Markdown."""
    text = inspect.cleandoc(getattr(cr.layers, name).__doc__ or "")
    summary = text.split("\n\n")[0].replace("\n", " ")
    return re.sub(r"``(.*?)``", r"`\1`", re.sub(r":math:`(.*?)`", r"$\1$", summary))


def _how(model: cr.Sequential) -> str:
    return "model.source()" if model.trainable_weights else "cr.source(loss)(x)"


def _operations(model: cr.Sequential, x: np.ndarray) -> str:
    """Return links to the pages of the operations that the layer consists of."""
    if not np.issubdtype(x.dtype, np.floating):
        return ""
    pages = {each.name: each.function for each in operations()}
    program = cr.trace(lambda w, x: model(x))(np.zeros(()), x)
    names = dict.fromkeys(equation.primitive.name for equation in program.equations)
    links = [f"[`{pages[name]}`](../operations/{name}.md)" for name in names if name in pages]
    if not links:
        return ""
    return f"## Its operations\n\n{', '.join(links)}: the gradient is made of theirs."


def _related(name: str) -> str:
    group = next(list(layers) for layers in TABLE.values() if name in layers)
    place = group.index(name)
    near = [other for other in group[max(0, place - 2) : place + 3] if other != name]
    links = ", ".join(f"[{other}]({other}.md)" for other in near)
    others = "[All layers](index.md); [a dense layer, derived by hand](../lab.md)."
    return f"## See also\n\n{links}. {others}"


def _model(call: str, shape: list[int]) -> cr.Sequential:
    keras = {name: getattr(cr.layers, name) for name in cr.layers.__all__}
    model = cr.Sequential([cr.layers.Input(tuple(shape)), eval(call, keras)], seed=0)
    model.compile("sgd", "mean_squared_error")
    return model


def _sample(name: str, shape: list[int]) -> np.ndarray:
    rng = np.random.default_rng(0)
    if name == "Embedding":
        return rng.integers(0, 6, (1, *shape))
    return rng.normal(size=(1, *shape)).astype(np.float32)


def _session(call: str, shape: list[int]) -> str:
    written = re.sub(r"\b([A-Z]\w+)\(", r"cr.layers.\1(", call)
    lines = [
        "import chainrule as cr",
        f"model = cr.Sequential([cr.layers.Input({tuple(shape)}), {written}])",
        "model.output_shape",
        "[weight.shape for weight in model.weights]",
    ]
    space: dict[str, object] = {}
    shown = []
    for line in lines:
        shown.append(f">>> {line}")
        if "=" in line.split("(")[0] or line.startswith("import"):
            exec(line, space)
        else:
            shown.append(repr(eval(line, space)))
    return "```python\n" + "\n".join(shown) + "\n```"


def _picture(name: str, model: cr.Sequential, x: np.ndarray, call: str) -> str:
    if not np.issubdtype(x.dtype, np.floating):
        return ""
    return (
        "## Which inputs an output depends on\n\n"
        "Each square is the slope of one output (a row) by one input (a column), in their order "
        "in memory: blue is positive, orange negative, and without a square the output does not "
        "depend on the input.\n\n" + influence(lambda x: model(x), {"x": x}, call)
    )


def _text(model: cr.Sequential, x: np.ndarray) -> str:
    if model.trainable_weights:
        text = model.source()
    else:

        def loss(x: np.ndarray) -> object:
            return np.mean(model(x) ** 2) / 2

        text = cr.source(loss)(x)
    body = re.sub(r"[ ]+# \(.*\)$", "", text, flags=re.MULTILINE)
    return body.split("import numpy as np")[-1].strip()


def _write(folder: Path) -> None:
    index = [
        "# Layers, one by one",
        "Each page has the shapes, the text of the layer with its gradient, and a picture of which "
        "inputs an output depends on. It is written from the layer itself while the site is built.",
    ]
    for group, layers in TABLE.items():
        for name, (call, shape) in layers.items():
            write_changed(folder / f"{name}.md", page(name, call, shape))
        rows = [(f"[{name}]({name}.md)", _summary(name)) for name in layers]
        index += [f"## {group}", table(rows), toctree(dict(zip(layers, layers, strict=True)))]
    write_changed(folder / "index.md", "\n\n".join(index) + "\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before others are read."""
    app.connect(
        "config-inited", lambda app, _config: made(Path(app.srcdir) / "learn" / "layers", _write)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
