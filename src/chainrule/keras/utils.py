"""Keras's helper functions for data, seeds and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Sequence as _Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base import validation
from chainrule._src.base.arrays import Array, as_numbers
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.escaping import element
from chainrule._src.base.registered import REGISTERED
from chainrule._src.base.registered import known_as as custom_object_scope
from chainrule._src.base.registered import register as register_keras_serializable
from chainrule._src.base.validation import check_number, check_positive, lookup, set_random_seed
from chainrule.keras.backend import clear_session
from chainrule.keras.files import get_file
from chainrule.keras.left_out import left_out

__all__ = [
    "PyDataset", "Sequence", "clear_session", "custom_object_scope", "get_custom_objects",
    "get_file", "image_dataset_from_directory", "normalize", "pad_sequences", "plot_model",
    "register_keras_serializable", "set_random_seed", "split_dataset",
    "text_dataset_from_directory", "timeseries_dataset_from_array", "to_categorical",
]  # fmt: skip

_FILES = "read the files yourself, and give fit arrays or a generator of batches (x, y)"
image_dataset_from_directory = left_out("image_dataset_from_directory", _FILES)
text_dataset_from_directory = left_out("text_dataset_from_directory", _FILES)
audio_dataset_from_directory = left_out("audio_dataset_from_directory", _FILES)
FeatureSpace = left_out("FeatureSpace", "chainrule.preprocessing makes samples of a table")


class PyDataset:
    """Base class of data for `fit`: ``__len__`` counts the batches, ``__getitem__`` returns one.

    ``on_epoch_end`` is called after every pass.

    Parameters
    ----------
    workers, use_multiprocessing, max_queue_size : ignored
        Accepted for compatibility with Keras: the process itself reads the batches.

    Raises
    ------
    NotImplementedError
        If a class lacks ``__len__`` or ``__getitem__``.

    Examples
    --------
    >>> from chainrule import keras
    >>> class Pairs(keras.utils.PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...
    ...     def __getitem__(self, index):
    ...         return np.full((2, 1), index), np.full((2, 1), 10 * index)
    >>> [int(y[0, 0]) for x, y in Pairs()]
    [0, 10, 20]
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers, self.use_multiprocessing = workers, use_multiprocessing
        self.max_queue_size = max_queue_size

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__")

    @property
    def num_batches(self) -> int:
        """The number of batches."""
        return len(self)

    def __iter__(self) -> Iterator[Any]:
        for index in range(self.num_batches):
            yield self[index]
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Act after a pass over all batches."""


Sequence = PyDataset


def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """Return one-hot rows of class numbers, in float64.

    Parameters
    ----------
    x : array_like of int, shape (n,) or (n, 1)
    num_classes : int, optional
        By default the largest number plus 1.

    Returns
    -------
    ndarray, shape (n, num_classes)

    Raises
    ------
    DataError
        If a number is negative, or not below ``num_classes``.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.utils.to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = as_numbers(x, "x", "to_categorical").astype(np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    size = int(labels.max(initial=-1)) + 1 if num_classes is None else num_classes
    if labels.size and not 0 <= labels.min() <= labels.max() < size:
        raise DataError(
            f"to_categorical: the classes must be 0 … {size - 1}, received {labels.min()} to "
            f"{labels.max()}"
        )
    rows: Array = (labels[..., None] == np.arange(size)).astype(np.float64)
    return rows


def pad_sequences(
    sequences: Iterable[_Sequence[Any]],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> Array:
    """Return sequences as rows of one length: shorter ones are padded, longer ones truncated.

    Parameters
    ----------
    sequences : iterable of sequences
    maxlen : int, optional
        Length of the rows; by default that of the longest sequence.
    dtype : dtype, default int32
    padding, truncating : {"pre", "post"}
        End at which ``value`` is added, and end at which entries are removed.
    value : float, default 0
        Number that fills the rows.

    Returns
    -------
    ndarray, shape (n, maxlen, …)

    Raises
    ------
    ShapeError
        If ``sequences`` holds a number.
    UnknownNameError
        If ``padding`` or ``truncating`` has another value.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.utils.pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
    array([[0, 1],
           [2, 3],
           [5, 6]], dtype=int32)
    """
    sides = {"pre": True, "post": False}
    before, cut = lookup("padding", padding, sides), lookup("truncating", truncating, sides)
    rows = [np.asarray(row) for row in sequences]
    if any(row.ndim == 0 for row in rows):
        raise ShapeError("pad_sequences: sequences must be a list of lists, one holds a number")
    size = max(map(len, rows), default=0) if maxlen is None else maxlen
    inner = next((row.shape[1:] for row in rows if len(row)), ())
    padded = np.full((len(rows), size, *inner), value, dtype)
    for target, row in zip(padded, rows, strict=True):
        part = row[max(len(row) - size, 0) :] if cut else row[:size]
        if len(part):
            target[slice(size - len(part), None) if before else slice(len(part))] = part
    return padded


def normalize(x: Any, axis: int = -1, order: int = 2) -> Array:
    """Return vectors divided by their length; vectors of length 0 stay 0.

    Parameters
    ----------
    x : array_like
    axis : int, default -1
        Axis of the vectors.
    order : int, default 2
        Order of the norm, as in `numpy.linalg.norm`.

    Returns
    -------
    ndarray

    Raises
    ------
    DataError
        If ``x`` holds anything but numbers.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.utils.normalize([[3.0, 4.0]])
    array([[0.6, 0.8]])
    """
    x = np.atleast_1d(as_numbers(x, "x", "normalize"))
    size = np.atleast_1d(np.linalg.norm(x, order, axis))
    return x / np.expand_dims(np.where(size == 0, 1, size), axis)  # type: ignore[no-any-return]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Any, Any]:
    """Return the first and the last samples of an array, or of several arrays in a tuple.

    Parameters
    ----------
    dataset : array_like or tuple of array_like
        Arrays with the same number of rows.
    left_size, right_size : float or int, optional
        A share of the samples, or their number; one of them may be left out.
    shuffle : bool, default False
        If true, the samples are drawn in random order.
    seed : int, optional
        Seed of the order.

    Returns
    -------
    left, right : ndarray or tuple of ndarray

    Raises
    ------
    DataError
        If both sizes are missing, or their sum is above the number of samples.

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.utils.split_dataset(np.arange(5), left_size=0.6)
    (array([0, 1, 2]), array([3, 4]))
    """
    if left_size is None and right_size is None:
        raise DataError("split_dataset: give left_size or right_size")
    arrays = [np.asarray(part) for part in (dataset if isinstance(dataset, tuple) else (dataset,))]
    rows = len(arrays[0])

    def count(size: Any) -> int:
        number = check_number(size, "a size", "split_dataset")
        return round(number * rows) if isinstance(size, float) else int(number)

    left = rows - count(right_size) if left_size is None else count(left_size)
    right = rows - left if right_size is None else count(right_size)
    if not 0 < left + right <= rows:
        raise DataError(f"split_dataset: {left} and {right} samples are asked for, of {rows}")
    order = np.arange(rows)
    if shuffle:
        order = validation.check_seed(seed, "split_dataset").permutation(rows)
    parts = [
        tuple(array[indices] for array in arrays)
        for indices in (order[:left], order[left : left + right])
    ]
    first, last = parts if isinstance(dataset, tuple) else [part[0] for part in parts]
    return first, last


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Any:
    """Return windows of a series with the target at each window's start, in batches.

    Parameters
    ----------
    data : array_like
        The series; its first axis is time.
    targets : array_like or None
        ``targets[i]`` belongs to the window that starts at ``i``.
    sequence_length, sequence_stride, sampling_rate : int
        Entries per window, steps between windows, steps between the entries of a window.
    batch_size : int or None
        Number of windows per batch; None returns all windows in one batch.
    shuffle : bool, default False
        If true, the windows are in random order.
    seed : int, optional
        Seed of the order.
    start_index, end_index : int, optional
        Bounds of the part of the series that is used; the second is excluded.

    Returns
    -------
    list
        A pair ``(x, y)`` per batch, or ``x`` alone without targets.

    Raises
    ------
    DataError
        If ``sequence_length`` is no whole number of at least 1.

    Examples
    --------
    >>> from chainrule import keras
    >>> series = np.arange(5)
    >>> batches = keras.utils.timeseries_dataset_from_array(series, series[3:], sequence_length=3)
    >>> batches
    [(array([[0, 1, 2],
           [1, 2, 3]]), array([3, 4]))]
    """
    data = as_numbers(data, "data", "timeseries_dataset_from_array")[:end_index]
    check_positive(sequence_length, "sequence_length", "timeseries_dataset_from_array")
    reach = (sequence_length - 1) * sampling_rate + 1
    ends = len(data) - reach + 1
    if targets is not None:
        ends = min(ends, len(targets))
    starts = np.arange(start_index or 0, ends, sequence_stride)
    if shuffle:
        starts = validation.check_seed(seed, "timeseries_dataset_from_array").permutation(starts)
    windows = starts[:, None] + np.arange(sequence_length) * sampling_rate
    size = len(starts) if batch_size is None else batch_size
    x = [data[windows[i : i + size]] for i in range(0, len(starts), size)]
    if targets is None:
        return x
    y = np.asarray(targets)
    return [(part, y[starts[i * size : (i + 1) * size]]) for i, part in enumerate(x)]


def get_custom_objects() -> dict[str, Any]:
    """Return the registry of functions and classes by name; new entries are registered too.

    Returns
    -------
    dict

    Examples
    --------
    >>> from chainrule import keras
    >>> keras.utils.get_custom_objects()["cube"] = lambda x: x**3
    >>> keras.saving.get_registered_object("cube")(2)
    8
    >>> del keras.utils.get_custom_objects()["cube"]
    """
    return REGISTERED


def plot_model(
    model: Any,
    to_file: Any = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    show_layer_activations: bool = False,
    **options: Any,
) -> Path:
    """Draw a model's layers as an SVG file, and return the file's path.

    Parameters
    ----------
    model : Sequential
    to_file : path-like, default "model.svg"
        Path of the file; its ending becomes ``.svg``.
    show_shapes, show_dtype, show_layer_names, show_layer_activations : bool, default False
        Information that is written beside a layer's class.
    **options
        Accepted for compatibility with Keras and ignored.

    Returns
    -------
    Path

    Examples
    --------
    >>> import tempfile
    >>> from chainrule import keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = keras.utils.plot_model(model, f"{folder}/model.png", show_shapes=True)
    ...     path.name, "Dense · (n, 2)" in path.read_text(encoding="utf-8")
    ('model.svg', True)
    """
    wide, high, gap = 420, 44, 22
    rows = []
    for number, layer in enumerate(model.layers):
        about = [type(layer).__name__]
        if show_layer_names:
            about.insert(0, layer.name)
        if show_layer_activations and hasattr(layer, "activation"):
            about.append(getattr(layer.activation, "__name__", str(layer.activation)))
        if show_shapes and layer.built:
            about.append(validation.shape_text(layer.output_shape))
        if show_dtype:
            about.append(str(layer.dtype))
        top = 10 + number * (high + gap)
        if number:
            rows.append(element("path", d=f"M{wide / 2} {top - gap}v{gap}", stroke="#5b6b7b"))
        box = {"x": 10, "y": top, "width": wide - 20, "height": high, "rx": 6}
        rows += [
            element("rect", **box, fill="#eef3f8", stroke="#5b6b7b"),
            element("text", " · ".join(about), x=wide / 2, y=top + 27, text_anchor="middle"),
        ]
    height = 20 + len(model.layers) * (high + gap) - gap
    path = Path(to_file).with_suffix(".svg")
    picture = element(
        "svg", *rows, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {wide} {height}",
        width=wide, font_family="sans-serif", font_size=14, fill="#1f2a36",
    )  # fmt: skip
    path.write_text(f"{picture}\n", encoding="utf-8")
    return path
