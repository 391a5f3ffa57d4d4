"""Export of models to ONNX, to Keras, and to modules that only need NumPy."""

from typing import Any

from chainrule._src.base.registry import provides

# The modules that other wings may import; the rest is private to this wing.
DOORS = ("to_keras", "web.content", "web.kernels")


@provides("export")
def _export(model: Any, filepath: Any, file_format: str | None, **options: Any) -> Any:
    from chainrule._src.export.formats import export

    export(model, filepath, file_format, **options)


@provides("to_keras")
def _to_keras(model: Any) -> Any:
    from chainrule._src.export.to_keras import to_keras

    return to_keras(model)


@provides("eject")
def _eject(model: Any, path: Any) -> Any:
    from chainrule._src.export.ejecting import eject

    eject(model, path)
