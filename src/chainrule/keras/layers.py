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


def add(inputs: Sequence[Any], **options: Any) -> Any:
    """Return the sum of the arrays: the output of the layer `Add`.

    Parameters
    ----------
    inputs : list of ndarray or symbolic tensors
        At least two arrays whose shapes fit each other.
    **options
        Arguments of `Add`.

    Returns
    -------
    ndarray or symbolic tensor

    Raises
    ------
    DataError
        If ``inputs`` is no list of at least two arrays.

    Examples
    --------
    >>> add([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[4., 8.]], dtype=float32)
    """
    return _layers.Add(**options)(inputs)


def multiply(inputs: Sequence[Any], **options: Any) -> Any:
    """Return the product of the arrays: the output of the layer `Multiply`.

    Parameters
    ----------
    inputs : list of ndarray or symbolic tensors
        At least two arrays whose shapes fit each other.
    **options
        Arguments of `Multiply`.

    Returns
    -------
    ndarray or symbolic tensor

    Raises
    ------
    DataError
        If ``inputs`` is no list of at least two arrays.

    Examples
    --------
    >>> multiply([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[ 3., 12.]], dtype=float32)
    """
    return _layers.Multiply(**options)(inputs)


def subtract(inputs: Sequence[Any], **options: Any) -> Any:
    """Return the first array minus the second: the output of the layer `Subtract`.

    Parameters
    ----------
    inputs : list of ndarray or symbolic tensors
        At least two arrays whose shapes fit each other.
    **options
        Arguments of `Subtract`.

    Returns
    -------
    ndarray or symbolic tensor

    Raises
    ------
    DataError
        If ``inputs`` is no list of at least two arrays.

    Examples
    --------
    >>> subtract([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[-2.,  4.]], dtype=float32)
    """
    return _layers.Subtract(**options)(inputs)


def average(inputs: Sequence[Any], **options: Any) -> Any:
    """Return the mean of the arrays: the output of the layer `Average`.

    Parameters
    ----------
    inputs : list of ndarray or symbolic tensors
        At least two arrays whose shapes fit each other.
    **options
        Arguments of `Average`.

    Returns
    -------
    ndarray or symbolic tensor

    Raises
    ------
    DataError
        If ``inputs`` is no list of at least two arrays.

    Examples
    --------
    >>> average([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[2., 4.]], dtype=float32)
    """
    return _layers.Average(**options)(inputs)


def maximum(inputs: Sequence[Any], **options: Any) -> Any:
    """Return the largest entry at each position: the output of the layer `Maximum`.

    Parameters
    ----------
    inputs : list of ndarray or symbolic tensors
        At least two arrays whose shapes fit each other.
    **options
        Arguments of `Maximum`.

    Returns
    -------
    ndarray or symbolic tensor

    Raises
    ------
    DataError
        If ``inputs`` is no list of at least two arrays.

    Examples
    --------
    >>> maximum([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[3., 6.]], dtype=float32)
    """
    return _layers.Maximum(**options)(inputs)


def minimum(inputs: Sequence[Any], **options: Any) -> Any:
    """Return the smallest entry at each position: the output of the layer `Minimum`.

    Parameters
    ----------
    inputs : list of ndarray or symbolic tensors
        At least two arrays whose shapes fit each other.
    **options
        Arguments of `Minimum`.

    Returns
    -------
    ndarray or symbolic tensor

    Raises
    ------
    DataError
        If ``inputs`` is no list of at least two arrays.

    Examples
    --------
    >>> minimum([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[1., 2.]], dtype=float32)
    """
    return _layers.Minimum(**options)(inputs)


def concatenate(inputs: Sequence[Any], **options: Any) -> Any:
    """Return the arrays one after the other along an axis: the output of the layer `Concatenate`.

    Parameters
    ----------
    inputs : list of ndarray or symbolic tensors
        At least two arrays whose shapes fit each other.
    **options
        Arguments of `Concatenate`.

    Returns
    -------
    ndarray or symbolic tensor

    Raises
    ------
    DataError
        If ``inputs`` is no list of at least two arrays.

    Examples
    --------
    >>> concatenate([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])])
    array([[1., 6., 3., 2.]], dtype=float32)
    """
    return _layers.Concatenate(**options)(inputs)


def dot(inputs: Sequence[Any], **options: Any) -> Any:
    """Return the products of two arrays, summed along axes: the output of the layer `Dot`.

    Parameters
    ----------
    inputs : list of ndarray or symbolic tensors
        At least two arrays whose shapes fit each other.
    **options
        Arguments of `Dot`.

    Returns
    -------
    ndarray or symbolic tensor

    Raises
    ------
    DataError
        If ``inputs`` is no list of at least two arrays.

    Examples
    --------
    >>> dot([np.array([[1.0, 6.0]]), np.array([[3.0, 2.0]])], axes=1)
    array([[15.]], dtype=float32)
    """
    return _layers.Dot(**options)(inputs)


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
