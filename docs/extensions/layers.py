"""A page for each layer: its text, its gradient and which inputs its outputs depend on."""

import inspect
import re
import tomllib
from pathlib import Path

import numpy as np
from sphinx.application import Sphinx

import chainrule as cr
from extensions.digests import made, write_changed
from extensions.pictures import influence

TABLE = tomllib.loads(Path(__file__).with_name("layers.toml").read_text(encoding="utf-8"))


def page(name: str, call: str, shape: list[int]) -> str:
    """Return the page of a layer."""
    layer_class = getattr(cr.layers, name)
    summary = inspect.cleandoc(layer_class.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    model = _model(call, shape)
    x = _sample(name, shape)
    parts = [
        f"# {name}: the layer, its gradient and its text",
        f"{summary} Arguments and an example: [`chainrule.layers.{name}`]"
        f"(../../reference/generated/chainrule.layers.{name}.rst).",
        f"## Shapes and weights\n\n{_session(call, shape)}",
        _picture(name, model, x, call),
        "## The text\n\nThis is the layer with a mean squared error behind it, both ways, "
        "as `model.source()` writes it:\n\n"
        f"```python\n{_text(model, x)}\n```",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


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
    return "## Which inputs an output depends on\n\n" + influence(
        lambda x: model(x), {"x": x}, call
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
        "Each page is written from the layer itself while the site is built.",
    ]
    for group, layers in TABLE.items():
        for name, (call, shape) in layers.items():
            write_changed(folder / f"{name}.md", page(name, call, shape))
        names = "\n".join(layers)
        index.append(f"## {group}\n\n```{{toctree}}\n:titlesonly:\n\n{names}\n```")
    write_changed(folder / "index.md", "\n\n".join(index) + "\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before others are read."""
    app.connect(
        "config-inited", lambda app, _config: made(Path(app.srcdir) / "learn" / "layers", _write)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
