"""Functions as ONNX models: a program's equations, written as a graph that other runtimes read."""

from chainrule._src.export.onnx.model import export_onnx, onnx_model

__all__ = ["export_onnx", "onnx_model"]
