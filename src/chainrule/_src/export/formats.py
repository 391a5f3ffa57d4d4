"""The formats of `Sequential.export`, by their suffixes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chainrule._src.base.errors import DataError
from chainrule._src.base.validation import check_flag, check_positive, lookup
from chainrule._src.nn.network.compiled import Compiled

BY_SUFFIX = {".mjs": "web", ".html": "page"}  # every other suffix is ONNX's
MEANT = {".js": ".mjs", ".cjs": ".mjs", ".mts": ".mjs", ".htm": ".html", ".xhtml": ".html"}
FORMATS = ("onnx", *BY_SUFFIX.values())
OPTIONS = {"training": False, "batch_size": 32, "weights": "inside", "examples": None}
TAKES: dict[str, tuple[str, ...]] = {
    "onnx": (),
    "web": ("training", "batch_size", "weights"),
    "page": ("training", "batch_size", "examples"),
}
NAMES = {"onnx": "ONNX", "web": "web modules", "page": "pages"}


def export(
    model: Compiled, filepath: str | os.PathLike[str], file_format: str | None, **options: Any
) -> None:
    """Write a model for other runtimes; see `Sequential.export`."""
    suffix = Path(filepath).suffix.lower()
    kind = BY_SUFFIX.get(suffix, "onnx")
    if file_format is None and suffix in MEANT:
        raise DataError(
            f"export: {filepath} has the suffix {suffix}; the name of a web module ends in .mjs, "
            f"that of a page in .html: write {Path(filepath).with_suffix(MEANT[suffix])}"
        )
    if file_format is not None:
        kind = lookup("export format", file_format, {each: each for each in FORMATS})
    for name, default in OPTIONS.items():
        if name not in TAKES[kind] and options[name] is not default and options[name] != default:
            takers = " and ".join(NAMES[each] for each in TAKES if name in TAKES[each])
            raise DataError(f"export: {name} is for {takers}, {filepath} is for {NAMES[kind]}")
    if kind == "onnx":
        from chainrule._src.export.onnx_model import write_onnx

        write_onnx(model, filepath)
        return
    training = check_flag(options["training"], "training", "export")
    batch_size = check_positive(options["batch_size"], "batch_size", "export")
    if kind == "page":
        from chainrule._src.export.web.document import write_page

        write_page(model, filepath, training, batch_size, options["examples"])
        return
    apart = lookup("weights", options["weights"], {"inside": False, "apart": True})
    from chainrule._src.export.web.module import write_module

    write_module(model, filepath, training, batch_size, apart)
