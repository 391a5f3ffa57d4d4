"""Keras's layers: chainrule's layers, merging functions, and placeholders for missing names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np  # noqa: F401  (the examples use it)

from chainrule._src.base.config import made, plain
from chainrule._src.base.registered import known_as
from chainrule._src.nn import layers as _layers
from chainrule.keras.left_out import left_out

InputLayer, serialize = _layers.Input, plain

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


_FUNCTION = """Return {summary}: the output of the layer `{class_name}`.

Parameters
----------
inputs : list of ndarray or symbolic tensors
    At least two arrays whose shapes fit each other.
**options
    Arguments of `{class_name}`.

Returns
-------
ndarray or symbolic tensor

Raises
------
DataError
    If ``inputs`` is no list of at least two arrays.

Examples
--------
>>> {name}([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])]{options})
array({result}, dtype=float32)
"""


def _function_of(cls: Any, summary: str, result: str = "", options: str = "") -> Any:
    """Return the function for a merging layer, whose example has ``result``."""

    def function(inputs: Sequence[Any], **options: Any) -> Any:
        return cls(**options)(inputs)

    function.__name__ = function.__qualname__ = name = cls.__name__.lower()
    function.__doc__ = _FUNCTION.format(
        name=name,
        class_name=cls.__name__,
        summary=summary,
        result=result or cls.example,
        options=options,
    )
    return function


add = _function_of(_layers.Add, "the sum of the arrays")
multiply = _function_of(_layers.Multiply, "the product of the arrays")
subtract = _function_of(_layers.Subtract, "the first array minus the second")
average = _function_of(_layers.Average, "the mean of the arrays")
maximum = _function_of(_layers.Maximum, "the largest entry at each position")
minimum = _function_of(_layers.Minimum, "the smallest entry at each position")
concatenate = _function_of(
    _layers.Concatenate, "the arrays one after the other along an axis", "[[1., 6., 3., 2.]]"
)
dot = _function_of(
    _layers.Dot, "the products of two arrays, summed along axes", "[[15.]]", ", axes=1"
)


def Input(
    shape: Any = None, batch_size: int | None = None, dtype: Any = None, batch_shape: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Return a symbolic tensor, with which layers are called to describe a model.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample, without the batch size; None is an axis without fixed length.
    batch_size : int, optional
        A fixed batch size.
    dtype : str, default "float32"
    batch_shape : tuple, optional
        Batch size and shape in one.
    name : str, optional

    Returns
    -------
    SymbolicTensor
        It may also be the first of a `Sequential`.

    Raises
    ------
    DataError
        If there is neither ``shape`` nor ``batch_shape``, or if there are both.

    Examples
    --------
    >>> Input((28, 28)).shape
    (None, 28, 28)
    """
    layer = InputLayer(shape, batch_size, dtype, batch_shape, name=name)
    layer.name = name or "input_layer"
    return layer.output


__all__ = [
    *(name for name in dir(_layers) if name[0].isupper()), "InputLayer", "add", "average",
    "concatenate", "deserialize", "dot", "maximum", "minimum", "multiply", "serialize", "subtract",
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
