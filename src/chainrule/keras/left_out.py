"""Placeholders for names of Keras without a counterpart: they can be imported, but not used."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from chainrule._src.base.errors import DataError

_DOCUMENTATION = """Stand for Keras's `{name}`, which has no counterpart: using it raises an error.

The error says: {advice}.

Parameters
----------
*args, **options : ignored

Raises
------
DataError
    In any case; the message says what to write instead.

Examples
--------
>>> {name}()  # doctest: +ELLIPSIS
Traceback (most recent call last):
...
chainrule.errors.DataError: {name} of Keras has no counterpart in chainrule: ...
"""


def left_out(name: str, advice: str) -> Any:
    """Return a placeholder class; using it raises an error that says what to write instead."""

    def refuse(*args: Any, **options: Any) -> Any:
        raise DataError(f"{name} of Keras has no counterpart in chainrule: {advice}")

    return type(name, (), {
        "__new__": refuse,
        "__init_subclass__": refuse,
        "__doc__": _DOCUMENTATION.format(name=name, advice=advice),
        "__module__": sys._getframe(1).f_globals["__name__"],  # the module that has the name
    })  # fmt: skip


def left_out_module(name: str, advice: str) -> Any:
    """Return a module from which any name can be imported; using the name raises an error."""

    class Absent(ModuleType):
        def __getattr__(self, attribute: str) -> Any:
            if attribute.startswith("__"):
                raise AttributeError(attribute)
            return sys.modules.get(f"{name}.{attribute}") or left_out(attribute, advice)

    return Absent(name)


_LARGE = (
    "large networks with weights from elsewhere are Keras's own; chainrule.from_keras takes over "
    "what is made of the layers that are here"
)
LEFT_OUT_MODULES = {
    "applications": _LARGE,
    **{f"applications.{name}": _LARGE for name in (
        "convnext", "densenet", "efficientnet", "efficientnet_v2", "imagenet_utils",
        "inception_resnet_v2", "inception_v3", "mobilenet", "mobilenet_v2", "mobilenet_v3",
        "nasnet", "resnet", "resnet50", "resnet_v2", "vgg16", "vgg19", "xception",
    )},
    "preprocessing.text": "put the text into numbers before the network, for instance with "
    "scikit-learn's CountVectorizer or a dict from words to numbers and keras.utils.pad_sequences",
    "preprocessing.image": "read images with Pillow, and change them in a generator of batches",
    "mixed_precision": "a model computes in float32, or in float64 as a whole",
    "distribution": "fit(client=) trains with the workers of a Dask cluster",
    "quantizers": "a model computes in float32, or in float64 as a whole",
    "dtype_policies": "a model computes in float32, or in float64 as a whole",
    "tree": "lists and dicts of arrays can be gone through in Python",
}  # fmt: skip
"""Modules of Keras that can be imported, and what to do instead of using them."""
