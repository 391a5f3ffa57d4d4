"""Keras's layers: chainrule's layers, merging functions, and placeholders for missing names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from chainrule._src.base.config import made, plain
from chainrule._src.base.errors import DataError
from chainrule._src.base.registered import known_as
from chainrule._src.nn import layers as _layers
from chainrule._src.nn.layers import Input
from chainrule._src.nn.layers.surroundings import refuse_symbolic
from chainrule.keras.left_out import left_out

InputLayer, serialize = Input, plain

_ADVICE = {
    "put the text into numbers before the network, for instance with scikit-learn's "
    "CountVectorizer or a dict from words to numbers and keras.utils.pad_sequences": (
        "TextVectorization", "StringLookup", "IntegerLookup", "Hashing", "HashedCrossing",
        "CategoryEncoding", "Discretization", "FeatureSpace",
    ),
    "change the images before the network, in a generator of batches": (
        "AugMix", "AutoContrast", "CenterCrop", "CutMix", "Equalization", "MixUp", "RandAugment",
        "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast",
        "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip",
        "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective",
        "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness",
        "RandomShear", "RandomTranslation", "RandomZoom", "Resizing", "Solarization", "Pipeline",
        "ContrastLimitedAdaptiveHistogramEqualization", "MaxNumBoundingBoxes",
    ),
    "there are layers of sequences (…1D) and images (…2D); write a layer of your own in NumPy": (
        "AveragePooling3D", "AvgPool3D", "Conv3D", "Conv3DTranspose", "Convolution3D",
        "Convolution3DTranspose", "Cropping3D", "GlobalAveragePooling3D", "GlobalAvgPool3D",
        "GlobalMaxPool3D", "GlobalMaxPooling3D", "MaxPool3D", "MaxPooling3D", "SpatialDropout3D",
        "UpSampling3D", "ZeroPadding3D", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D",
        "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D",
        "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D",
    ),
    "transform the signal before the network, for instance with scipy.signal": (
        "MelSpectrogram", "STFTSpectrogram",
    ),
    "write a layer of your own: a class derived from keras.layers.Layer with NumPy in call": (
        "ActivityRegularization", "AdditiveAttention", "Attention", "EinsumDense", "FlaxLayer",
        "GroupQueryAttention", "InputSpec", "JaxLayer", "ReversibleEmbedding",
        "SpectralNormalization", "TFSMLayer", "TorchModuleWrapper",
    ),
}  # fmt: skip


class _Merge:
    """Base class of merges of several arrays into one, for the `call` of your own layer."""

    def __init__(self, name: str | None = None, **options: Any) -> None:
        self.name, self.options = name, options

    def __call__(self, inputs: Sequence[Any]) -> Any:
        """Return the merged array."""
        if not isinstance(inputs, Sequence) or len(inputs) < 2:
            raise DataError(f"{type(self).__name__}: give a list of at least two arrays")
        for part in inputs:
            refuse_symbolic(part, type(self).__name__)
        return self.merge(list(inputs), **self.options)

    def merge(self, inputs: list[Any]) -> Any:
        """Return the merged array."""
        raise NotImplementedError


_CLASS = """Merge arrays into one, for the `call` of your own layer: {summary}.

Parameters
----------
name : str, optional
    A name, which is not used.
**options
    Further arguments of the operation: the ``axis`` of `Concatenate`.

Raises
------
DataError
    If it is called with anything but a list of at least two arrays.

Examples
--------
>>> {class_name}()([np.array([1.0, 6.0]), np.array([3.0, 2.0])])
{result}
"""

_FUNCTION = """Return {summary}.

Parameters
----------
inputs : list of ndarray
    At least two arrays whose shapes fit each other.
**options
    Further arguments of `{class_name}`.

Returns
-------
ndarray

Raises
------
DataError
    If ``inputs`` is no list of at least two arrays.

Examples
--------
>>> {name}([np.array([1.0, 6.0]), np.array([3.0, 2.0])])
{result}
"""


def _merging(
    class_name: str, summary: str, result: str, merge: Callable[..., Any]
) -> tuple[Any, Any]:
    """Return the class and the function for a merging operation, whose example has ``result``."""
    texts = {"class_name": class_name, "summary": summary, "result": result}
    members = {"merge": staticmethod(merge), "__doc__": _CLASS.format(**texts)}
    cls = type(class_name, (_Merge,), members)

    def function(inputs: Sequence[Any], **options: Any) -> Any:
        return cls(**options)(inputs)

    function.__name__ = function.__qualname__ = class_name.lower()
    function.__doc__ = _FUNCTION.format(name=function.__name__, **texts)
    return cls, function


Add, add = _merging(
    "Add", "the sum of the arrays", "array([4., 8.])", lambda parts: reduce(np.add, parts)
)
Multiply, multiply = _merging(
    "Multiply", "the product of the arrays", "array([ 3., 12.])",
    lambda parts: reduce(np.multiply, parts),
)  # fmt: skip
Subtract, subtract = _merging(
    "Subtract", "the first array minus the others", "array([-2.,  4.])",
    lambda parts: reduce(np.subtract, parts),
)  # fmt: skip
Average, average = _merging(
    "Average", "the mean of the arrays", "array([2., 4.])",
    lambda parts: reduce(np.add, parts) / len(parts),
)  # fmt: skip
Maximum, maximum = _merging(
    "Maximum", "the largest entry at each position", "array([3., 6.])",
    lambda parts: reduce(np.maximum, parts),
)  # fmt: skip
Minimum, minimum = _merging(
    "Minimum", "the smallest entry at each position", "array([1., 2.])",
    lambda parts: reduce(np.minimum, parts),
)  # fmt: skip
Concatenate, concatenate = _merging(
    "Concatenate", "the arrays one after the other, along an axis, the last by default",
    "array([1., 6., 3., 2.])",
    lambda parts, axis=-1: np.concatenate(parts, axis=axis),
)  # fmt: skip
Dot, dot = (left_out(name, "write np.einsum in the call of a layer") for name in ("Dot", "dot"))

__all__ = [
    *(name for name in dir(_layers) if name[0].isupper()), "Add", "Average", "Concatenate",
    "InputLayer", "Maximum", "Minimum", "Multiply", "Subtract", "add", "average", "concatenate",
    "deserialize", "maximum", "minimum", "multiply", "serialize", "subtract",
]  # fmt: skip
LEFT_OUT = {
    name: advice
    for advice, names in _ADVICE.items()
    for name in names
    if not hasattr(_layers, name)
}


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return a layer from a config of `serialize`.

    Parameters
    ----------
    config : dict
        A description with the layer's class and arguments.
    custom_objects : dict, optional
        Your own classes by their names in the description.

    Returns
    -------
    Layer

    Raises
    ------
    DataError
        If no class has the name in the description.

    Examples
    --------
    >>> from chainrule import keras
    >>> config = keras.layers.serialize(keras.layers.Dense(3, activation="relu"))
    >>> config["class_name"], config["config"]["units"]
    ('Dense', 3)
    >>> keras.layers.deserialize(config).units
    3
    """
    with known_as(custom_objects):
        return made(config)


def __getattr__(name: str) -> Any:
    if hasattr(_layers, name) and not name.startswith("_"):
        return getattr(_layers, name)
    if name in LEFT_OUT:
        return left_out(name, LEFT_OUT[name])
    raise AttributeError(
        f"chainrule.keras.layers has no {name!r}; there are {', '.join(_layers.__all__)}"
    )
