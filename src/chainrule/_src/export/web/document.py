"""A model as one page: its inputs and outputs as the page shows them, and the page's text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.errors import ChainruleError, DataError, ExportError
from chainrule._src.base.pages import SHARED, HashedText, packed, page
from chainrule._src.base.version import __version__
from chainrule._src.data.storage.files import check_writable, write_text
from chainrule._src.export.ejecting import WRITTEN
from chainrule._src.export.in_use import InUse
from chainrule._src.export.web.content import WebContent
from chainrule._src.export.web.examples import checked_examples, example_arrays, with_examples
from chainrule._src.export.web.inputs import parts_of_columns, parts_of_sample
from chainrule._src.export.web.model import model_content
from chainrule._src.export.web.module import runtime_text
from chainrule._src.export.web.script import joined
from chainrule._src.nn import activations
from chainrule._src.nn.losses import CategoricalCrossentropy, SparseCategoricalCrossentropy
from chainrule._src.nn.network.compiled import Compiled

FOLDER = Path(__file__).with_name("page")
SCRIPTS = (
    "elements", "strokes", "parts", "fields", "sequence", "picture", "pad", "inputs", "outcome",
    "reasons", "result", "csv", "chart", "lessons", "start",
)  # fmt: skip
SCRIPT = """function runtime() {{
"use strict";
{runtime}
}}
(function () {{
"use strict";
{page}start(runtime, document.getElementById("content").textContent);
}})();"""


def write_page(
    model: Compiled, path: str | os.PathLike[str], training: bool, batch_size: int, examples: Any
) -> None:
    """Write a model as one page; see `Sequential.export`."""
    if Path(path).suffix.lower() != ".html":
        raise DataError(f"expected the name of a page, such as digits.html, received {path}")
    check_writable(path)
    content = page_content(model, training, batch_size, examples)
    write_text(path, page_text(content, Path(path).stem.replace("_", " ")))


def page_content(model: Compiled, training: bool, batch_size: int, examples: Any) -> WebContent:
    """Return a model, with the parts of its page and examples, as content."""
    if len(model.output_names) > 1 or training or examples is not None:
        model.refuse_several("export to a page")
    for layer in model.network.stateful_layers:
        raise ExportError(
            f"layer {layer.name!r} is stateful: a page compares predictions of one input, which "
            "would change its states; export a module, whose name ends in .mjs"
        )
    used = InUse(model, "export")
    pair = checked_examples(examples, used, training)
    content = model_content(model, training, batch_size)
    if used.steps:
        columns = used.preprocessor.columns
        units = {column.name: column.written.unit for column in columns if column.written}
        parts = parts_of_columns(used.steps, units)
    else:
        parts = [
            part
            for array in content.about["inputs"]
            for part in parts_of_sample(
                model.network.first, tuple(array["shape"]), np.dtype(array["dtype"]).kind == "i",
                array.get("name", ""),
            )
        ]  # fmt: skip
    if pair is not None:
        X, y = pair
        parts, content.page = with_examples(parts, X, _column_names(examples))
        content.page |= example_arrays(X, y, training)
    if training:
        content.page |= {f"initial/{name}": w for name, w in _untrained(model).items()}
    content.about["page"] = {
        "parts": parts, "output": _output(model, used), "version": __version__,
        "weights": model.count_params(),
    }  # fmt: skip
    return content


def _column_names(examples: Any) -> list[str] | None:
    """Return the names of the columns of a data frame with examples."""
    names = getattr(examples[0], "columns", None) if examples is not None else None
    return None if names is None else [str(name) for name in names]


def _untrained(model: Compiled) -> dict[str, Any]:
    """Return new weights for those that are trained; none for a model that cannot be made anew."""
    try:
        config = model.get_config()
        shape = ("input_shape", "batch_size")
        fresh = type(model).from_config({k: v for k, v in config.items() if k not in shape})
        fresh.rng = np.random.default_rng(0)
        fresh.build(model.network.first.input_shape)
    except ChainruleError:  # a layer or a function that has no config
        return {}
    params: dict[str, Any] = fresh.network.params
    trained = {name: w.shape for name, w in model.network.params.items()}
    return params if {name: w.shape for name, w in params.items()} == trained else {}


def _output(model: Compiled, used: InUse) -> dict[str, Any]:
    """Describe the output: classes of which one is right, several shares, a quantity, or numbers.

    Scores become probabilities in the page by ``convert``.
    """
    if used.quantity is not None:
        written = used.preprocessor.target_column.written
        unit, reading = (written.unit, written.reading) if written else ("", "")
        return {
            "kind": "quantity", "name": used.quantity.name, "unit": unit,
            "comma": WRITTEN.get(reading), "share": used.quantity.interval,
        }  # fmt: skip
    last = model.network.last
    shape, kind = [size or 1 for size in last.output_shape[1:]], getattr(last, "activation", None)
    name = "" if used.preprocessor is None else used.preprocessor.target.name
    numbers = {"kind": "numbers", "name": name, "features": shape[-1] if len(shape) > 1 else 1}
    if len(shape) != 1:
        return numbers
    k, logits = shape[0], getattr(model.loss, "from_logits", False)
    names = list(used.classes) or [str(i) for i in range(max(k, 2))]
    one_of = isinstance(model.loss, SparseCategoricalCrossentropy | CategoricalCrossentropy)
    if k > 1 and (kind is activations.softmax or (one_of and logits) or used.label is not None):
        convert = None if kind is activations.softmax else "softmax"
        return {"kind": "classes", "names": names, "convert": convert, "name": name}
    binary = kind is activations.sigmoid
    if binary or (logits and not one_of):
        convert = None if binary else "sigmoid"
        several = "classes" if k == 1 else "several"
        return {"kind": several, "names": names, "convert": convert, "name": name}
    return numbers


def page_text(content: WebContent, title: str) -> str:
    """Return the text of a page: its style and script are allowed by their hashes, no other is."""
    style = (SHARED / "page.css").read_text("utf-8") + (FOLDER / "page.css").read_text("utf-8")
    script = SCRIPT.format(runtime=runtime_text(content), page=joined(FOLDER, SCRIPTS))
    return page(
        FOLDER / "page.html", title=title, style=HashedText(style), script=HashedText(script),
        content=packed(content.file()),
    )  # fmt: skip
