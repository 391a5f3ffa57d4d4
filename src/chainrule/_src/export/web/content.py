"""The content of a web module: a document and arrays, in the safetensors format.

The arrays are the kernels' code and constants, and the weights, each with a prefix.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._src.base.errors import ExportError
from chainrule._src.data.storage.tensors import file_metadata, tensor_chunks
from chainrule._src.export.web.kernels import WebKernel
from chainrule._src.nn.network.saving import WEIGHTS


@dataclass
class WebContent:
    """A network or a loss for web pages.

    Attributes
    ----------
    name : str
    kernels : dict of str to WebKernel
        ``"predict"``, ``"gradients"``, ``"train"``, ``"scores"`` and ``"features"``, as far as the
        network has them.
    weights, optimizer, metrics : dict of str to ndarray
        The weights, the optimizer's state and the metrics' sums at zero, by name.
    page : dict of str to ndarray
        Arrays for a page alone, such as examples.
    about : dict
        Plain values: what the network takes and returns.
    """

    name: str
    kernels: dict[str, WebKernel] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    page: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    def file(self, weights_apart: bool = False) -> bytes:
        """Return the content as a file in the safetensors format."""
        forms = {name: kernel.form for name, kernel in self.kernels.items()}
        document = {"name": self.name, "apart": weights_apart, **self.about, "kernels": forms}
        # What is missing is undefined in JavaScript.
        document = {key: value for key, value in document.items() if value not in (None, False)}
        arrays = {}
        for group in ("weights", "optimizer", "metrics", "page"):
            for name, array in getattr(self, group).items():
                empty = weights_apart and group == "weights"
                arrays[f"{group}/{name}"] = np.zeros_like(array) if empty else array
        for name, kernel in self.kernels.items():
            for key, array in kernel.constants.items():
                arrays[f"constant/{name}/{key}"] = array
        # Equal parts of code are one behind the other, so that they compress well.
        for kind in ("code", "relaxed"):
            for name, kernel in self.kernels.items():
                code = getattr(kernel, kind)
                if code:
                    arrays[f"{kind}/{name}"] = np.frombuffer(code, np.uint8)
        return tensor_file(arrays, {"document": _json(document)})

    def weights_file(self) -> bytes:
        """Return the weights alone as a file, as ``net.save()`` returns it in a page."""
        arrays = {f"{WEIGHTS}/{name}": array for name, array in self.weights.items()}
        return tensor_file(arrays, file_metadata({}, WEIGHTS))


def _json(document: Mapping[str, Any]) -> str:
    try:
        return json.dumps(document, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise ExportError(
            "a category, a class or a setting of the preprocessing is NaN or infinite, which a web "
            "page cannot read"
        ) from error


def tensor_file(arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> bytes:
    """Return arrays as the bytes of a file in the safetensors format."""
    return b"".join(tensor_chunks(arrays, metadata))
