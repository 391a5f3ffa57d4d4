"""A model as an ONNX graph from columns of a table, or samples, to scores and class names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule._src.data.preprocessing.columns import OneHot
from chainrule._src.data.preprocessing.ranks import Ranks
from chainrule._src.data.storage.files import check_writable, write_whole
from chainrule._src.export.in_use import InUse
from chainrule._src.export.onnx import onnx_model
from chainrule._src.export.onnx.graph import onnx_package
from chainrule._src.nn.network.compiled import Compiled
from chainrule._src.trace.tracing import trace

TEXT_OPERATORS = 2  # version of ai.onnx.ml, whose LabelEncoder numbers texts


def write_onnx(model: Compiled, filepath: str | os.PathLike[str]) -> None:
    """Write a model into a file for other runtimes; see `Sequential.export`."""
    check_writable(filepath)
    write_whole(filepath, [as_onnx(model).SerializeToString(deterministic=True)])


def as_onnx(model: Compiled) -> Any:
    """Return a model as an ``onnx.ModelProto``."""
    used = InUse(model, "export")
    inputs = [f"{name} as a number" if name in used.codes else name for name in used.inputs]
    outputs = [f"{name} as a number" if name == used.label else name for name in used.outputs]
    about = {"class_names": json.dumps(used.classes)} if used.classes else {}
    onnx_proto = onnx_model(
        trace(used)(model.network.weights, used.example()),
        name=model.name, inputs=inputs, outputs=outputs, metadata=about,
    )  # fmt: skip
    _read_texts(onnx_proto.graph, used.codes)
    if used.label and used.classes:
        _write_names(onnx_proto.graph, used.label, used.classes)
    if used.codes:
        onnx_proto.opset_import.append(
            onnx_package().helper.make_opsetid("ai.onnx.ml", TEXT_OPERATORS)
        )
    onnx_package().checker.check_model(onnx_proto, full_check=True)
    return onnx_proto


def _read_texts(graph: Any, codes: dict[str, OneHot | Ranks]) -> None:
    """Replace inputs of category numbers by inputs of texts; an empty text is a missing value."""
    helper, text = onnx_package().helper, onnx_package().TensorProto.STRING
    nodes = []
    for i, graph_input in enumerate(list(graph.input)):
        name = graph_input.name.removesuffix(" as a number")
        if name == graph_input.name or name not in codes:
            continue
        step = codes[name]
        texts = {category or "": code for category, code in step.codes.items()}
        nodes.append(
            helper.make_node(
                "LabelEncoder", [name], [graph_input.name], f"number {name}", domain="ai.onnx.ml",
                keys_strings=list(texts), values_int64s=list(texts.values()),
                default_int64=len(step.categories) if step.other else -1,
            )
        )  # fmt: skip
        graph.input[i].CopyFrom(helper.make_tensor_value_info(name, text, ["n"]))
    for node in nodes:
        graph.node.insert(0, node)


def _write_names(graph: Any, label: str, classes: Iterable[str]) -> None:
    """Replace the output of class numbers by an output of class names."""
    onnx = onnx_package()
    names = onnx.numpy_helper.from_array(np.array(classes, dtype=object), "class names")
    graph.initializer.append(names)
    number = graph.output[1].name
    graph.node.append(onnx.helper.make_node("Gather", ["class names", number], [label], label))
    text = onnx.helper.make_tensor_value_info(label, onnx.TensorProto.STRING, ["n"])
    graph.output[1].CopyFrom(text)
