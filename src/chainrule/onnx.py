"""Functions as ONNX models."""

from chainrule._src.export.onnx import (
    export_onnx,
    onnx_model,
)

__all__ = [
    "export_onnx",
    "onnx_model",
]
