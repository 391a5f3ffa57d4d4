"""The exceptions."""

from chainrule._src.base.errors import (
    ChainruleError,
    ClusterError,
    CompileError,
    DataError,
    DivergenceError,
    ExportError,
    FewUpdatesWarning,
    FileError,
    InterruptedWarning,
    MachineError,
    MissingDependencyError,
    OptionError,
    OutOfRangeError,
    ReadOnlyError,
    ShapeError,
    TraceError,
    UnknownNameError,
    listed,
    shortened,
)

__all__ = [
    "ChainruleError", "ClusterError", "CompileError", "DataError", "DivergenceError", "ExportError",
    "FewUpdatesWarning", "FileError", "InterruptedWarning", "MachineError",
    "MissingDependencyError", "OptionError", "OutOfRangeError", "ReadOnlyError", "ShapeError",
    "TraceError", "UnknownNameError", "listed", "shortened",
]  # fmt: skip
