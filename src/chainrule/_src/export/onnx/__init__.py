"""Export of functions to ONNX: a program's equations become a graph for other runtimes."""

from chainrule._src.export.onnx.model import export_onnx, onnx_model

__all__ = ["export_onnx", "onnx_model"]
