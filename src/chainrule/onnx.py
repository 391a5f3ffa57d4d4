"""Functions as ONNX models."""

from chainrule._src.export import onnx as _onnx
from chainrule._src.export.onnx import *

__all__ = _onnx.__all__
