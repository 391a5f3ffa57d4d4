"""The text of a web module: the runtime and the content, and its types."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chainrule._src.base.errors import DataError
from chainrule._src.base.pages import packed
from chainrule._src.base.validation import check_finite, check_positive, lookup
from chainrule._src.base.version import __version__
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.data.storage.files import check_writable, write_text, write_whole
from chainrule._src.export.web.content import WebContent
from chainrule._src.export.web.kernels import EXAMPLES
from chainrule._src.export.web.model import loss_content, model_content
from chainrule._src.export.web.script import joined
from chainrule._src.nn import optimizers
from chainrule._src.nn.network.compiled import Compiled
from chainrule._src.nn.training.minimize import as_parameter, samples

RUNTIME = Path(__file__).with_name("runtime")
UNSAFE = re.compile(r"[^A-Za-z0-9 _.-]")  # in a comment: a line break would end it


def write_module(
    model: Compiled, path: str | os.PathLike[str], training: bool, batch_size: int, apart: bool
) -> None:
    """Write a model as a module for web pages; see `Sequential.export`."""
    _write(lambda: model_content(model, training, batch_size), path, apart)


def export_web(
    loss: Callable[..., Any],
    params: Any,
    X: Any,
    y: Any = None,
    *,
    path: str | os.PathLike[str],
    optimizer: str | optimizers.Optimizer = "sgd",
    batch_size: int = 32,
    predict: Callable[..., Any] | None = None,
    weights: str = "inside",
) -> None:
    """Write a loss in NumPy as a module that trains in web pages.

    ``import { load } from "./digits.mjs"; const net = await load();`` gives an object with
    ``net.train(X, y, {epochs})``, ``net.gradients(X, y)``, ``net.weights``, ``net.save()`` and
    ``net.restore(bytes)``, and ``net.predict(X)`` with the function ``predict``. The types are in a
    file beside the module, ``digits.d.mts``.

    Parameters
    ----------
    loss : callable
        ``loss(params, X, y)`` or ``loss(params, X)``, as for `minimize`.
    params : tree of array_like
        The parameters at the start: an array, or dicts, lists and tuples of arrays.
    X, y : array_like, with a sample a row
        Examples; only their shapes and dtypes matter.
    path : path-like
        The module's path, ``….mjs``.
    optimizer : str or Optimizer, default "sgd"
    batch_size : int, default 32
        The batch size that the memory's layout is chosen for; a module for 1 takes no other.
    predict : callable, optional
        ``predict(params, X)`` → predictions.
    weights : {"inside", "apart"}
        ``"apart"``: the weights are in a file beside the module, ``….safetensors``.

    Raises
    ------
    ExportError
        If the loss, ``predict`` or the optimizer cannot be compiled for a page.
    DataError, ShapeError, UnknownNameError
        For arguments that do not fit.
    FileError
        If a file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> def loss(w, X, y):
    ...     return np.mean((X @ w - y) ** 2)
    >>> X = np.eye(3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export_web(loss, np.zeros(3), X, X @ [1.0, 2.0, 3.0], path=f"{folder}/line.mjs")
    ...     sorted(os.listdir(folder))
    ['line.d.mts', 'line.mjs']
    """
    for name, function in {"loss": loss, "predict": predict}.items():
        if not callable(function) and (function is not None or name == "loss"):
            raise DataError(f"export_web: {name} must be a function, received {function!r}")
    batch_size = check_positive(batch_size, "batch_size", "export_web")
    start = map_leaves(partial(as_parameter, where="export_web"), params)
    if not list(leaves(start)):
        raise DataError("export_web: params holds no array")
    data = samples(X, y, "X, y", "export_web")
    if any(isinstance(part, dict | list | tuple) for part in data):
        raise DataError("export_web: X and y must be arrays")
    check_finite(data[0], "X", "export_web")
    data = tuple(part[: min(max(2 * batch_size, 8), EXAMPLES)] for part in data)
    dtype = next(iter(leaves(start)))[1].dtype
    data = tuple(part.astype(dtype) if part.dtype.kind == "f" else part for part in data)
    rule = optimizers.get(optimizer, "export_web")

    def content() -> WebContent:
        return loss_content(loss, start, data, rule, batch_size, predict, Path(path).stem)

    apart = lookup("weights", weights, {"inside": False, "apart": True})
    _write(content, path, apart)


def _write(make: Callable[[], WebContent], path: str | os.PathLike[str], apart: bool) -> None:
    module = Path(path)
    if module.suffix != ".mjs":  # Node loads no module whose suffix is .MJS
        raise DataError(
            "expected the name of a module, which ends in .mjs in small letters, such as "
            f"digits.mjs, received {path}"
        )
    types, beside = module.with_suffix(".d.mts"), module.with_suffix(".safetensors")
    for each in (module, types, *([beside] if apart else ())):
        check_writable(each)
    content = make()
    name = UNSAFE.sub("_", module.stem)
    text, declarations = module_text(content, name, apart), types_text(content, name)
    if apart:
        write_whole(beside, [content.weights_file()])
    write_text(types, declarations)
    write_text(module, text)


def module_text(content: WebContent, name: str, weights_apart: bool = False) -> str:
    """Return the text of a module with ``load``; ``name`` stands in a comment."""
    return HEAD.format(
        name=name, version=__version__, runtime=runtime_text(content),
        content=packed(content.file(weights_apart)),
    )  # fmt: skip


def runtime_text(content: WebContent) -> str:
    """Return the files of the runtime that a network needs, as the body of one function."""
    about = content.about
    parts = ["arrays", "kernel", *(["table"] if "columns" in about else [])]
    if any(len(about.get(name, ())) > 1 for name in ("inputs", "targets")):
        parts.append("several")
    exported = ["loaded"]
    if "train" in content.kernels:
        parts += ["random", "training"]
        exported.append("serve")
    return f"{joined(RUNTIME, [*parts, 'net'])}return {{ {', '.join(exported)} }};"


def types_text(content: WebContent, name: str) -> str:
    """Return the declarations of a module's types, for TypeScript and editors."""
    about = content.about
    columns, label = about.get("columns"), about.get("label")
    x, rows = _type_of(about.get("inputs", ()), "Samples"), ""
    y = _type_of(about.get("targets", ()), "Targets")
    if columns:
        x = "Row | Row[]"
        kinds = {"number": "number | string | null", "category": "string | number | boolean | null",
                 "time": "string | Date | null", "picture": "Samples"}  # fmt: skip
        fields = "".join(f"  {json.dumps(c['name'])}: {kinds[c['kind']]};\n" for c in columns)
        rows = f"/** A row of the table. */\nexport interface Row {{\n{fields}}}\n\n"
    output = "Float32Array | Float64Array"
    outputs = about.get("outputs", [])
    if len(outputs) > 1:
        named = "".join(
            f"; {json.dumps(each)}: {'string[]' if each == label else output}" for each in outputs
        )
        output = f"{{ {named[2:]} }}"
    without = about["without"]
    methods = [
        "" if "predict" in without else PREDICT.format(x=x, output=output),
        "" if "gradients" in without else GRADIENTS.format(x=x, y=y),
        "" if "train" in without else TRAIN.format(x=x, y=y),
    ]
    return TYPES.format(rows=rows, name=name, methods="".join(methods))


def _type_of(parts: Sequence[dict[str, Any]], kind: str) -> str:
    """Return the type of an argument: one array, or several in a list or an object by name."""
    if len(parts) < 2:
        return kind
    named = "; ".join(f"{json.dumps(part['name'])}: {kind}" for part in parts)
    return f"[{', '.join([kind] * len(parts))}] | {{ {named} }}"


PREDICT = """\
  /** Predict: rows one behind the other. */
  predict(x: {x}): Promise<{output}>;
"""
GRADIENTS = """\
  /** The mean loss of samples, and its gradient by the names of the weights. */
  gradients(x: {x}, y?: {y}): Promise<{{ loss: number; gradients: Record<string, Numbers> }}>;
"""
TRAIN = """\
  /**
   * Train in a worker. Resolves to the history: the loss and the metrics of each epoch. An abort
   * ends training; the history and the weights are then those of that moment.
   */
  train(x: {x}, y?: {y}, options?: TrainOptions): Promise<Record<string, number[]>>;
"""
TYPES = """\
// The types of {name}.mjs, written by chainrule.
export type Numbers =
  | Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array
  | Uint32Array | BigInt64Array;
/** Samples one behind the other, or nested arrays. */
export type Samples = Numbers | number[] | Samples[];
export type Targets = Numbers | number[] | string[] | Targets[];

{rows}export interface TrainOptions {{
  epochs?: number;
  batchSize?: number;
  learningRate?: number;
  /** If true, every epoch takes the samples in a new order, for the same seed in NumPy's. */
  shuffle?: boolean;
  seed?: number;
  onEpoch?: (epoch: number, logs: Record<string, number>) => void;
  signal?: AbortSignal;
}}

export interface Net {{
  /** Copies of the weights, by name. */
  readonly weights: Record<string, Numbers>;
{methods}  /** The weights as a file in the safetensors format. */
  save(): Uint8Array;
  /** Take weights that save returned. */
  restore(bytes: Uint8Array | ArrayBuffer): void;
}}

export interface LoadOptions {{
  /** The bytes of a file of weights, if it is apart, or other weights than those inside. */
  weights?: Uint8Array | ArrayBuffer;
}}

export declare const load: (options?: LoadOptions) => Promise<Net>;
export default load;
"""


HEAD = """\
// Written by chainrule {version}: import {{ load }} from "./{name}.mjs"; const net = await load();
function runtime() {{
"use strict";
{runtime}
}}

const CONTENT = "{content}";

/** Load the network. */
export const load = (options) => runtime().loaded(CONTENT, `(${{runtime}})()`, options);
export default load;
"""
