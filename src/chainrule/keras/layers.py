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


def _merging(name: str, merge: Callable[..., Any]) -> tuple[Any, Any]:
    """Return the class and the function for a merging operation."""
    cls = type(name, (_Merge,), {"merge": staticmethod(merge), "__doc__": merge.__doc__})

    def function(inputs: Sequence[Any], **options: Any) -> Any:
        return cls(**options)(inputs)

    return cls, function


Add, add = _merging("Add", lambda parts: reduce(np.add, parts))
Multiply, multiply = _merging("Multiply", lambda parts: reduce(np.multiply, parts))
Subtract, subtract = _merging("Subtract", lambda parts: reduce(np.subtract, parts))
Average, average = _merging("Average", lambda parts: reduce(np.add, parts) / len(parts))
Maximum, maximum = _merging("Maximum", lambda parts: reduce(np.maximum, parts))
Minimum, minimum = _merging("Minimum", lambda parts: reduce(np.minimum, parts))
Concatenate, concatenate = _merging(
    "Concatenate", lambda parts, axis=-1: np.concatenate(parts, axis=axis)
)
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
    """Return a layer from a config of `serialize`; ``custom_objects`` are your classes by name.

    >>> deserialize(serialize(_layers.Dense(3)))
    Dense(units=3)
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
