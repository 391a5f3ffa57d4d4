"""`Sequential`: a model with Keras's names, trained as a recorded and compiled program."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.config import class_of
from chainrule._src.base.errors import FileError
from chainrule._src.base.registered import known_as
from chainrule._src.base.registry import provided
from chainrule._src.base.validation import check_positive, lookup
from chainrule._src.core.transforms import grad
from chainrule._src.core.trees import map_leaves
from chainrule._src.nn.layers.given import shapes_given
from chainrule._src.nn.layers.symbols import drawing
from chainrule._src.nn.layers.weights import Blank
from chainrule._src.nn.network.chain import Chain
from chainrule._src.nn.network.contents import contents, described, take
from chainrule._src.nn.network.fitting import Trainable
from chainrule._src.nn.network.runs import example_data, training_kernel_text
from chainrule._src.nn.network.saving import (
    as_file_error,
    read_model,
    read_weights,
    restored,
    write_model,
)
from chainrule._src.nn.training.source import source


class Exportable(Trainable):
    """A model that can be read, saved, and exported."""

    # The gradient as text, and its check

    def source(self, dialect: str = "numpy", *, batch_size: int = 32) -> str:
        """Return loss and gradient of the network as readable NumPy code, or as loops.

        Parameters
        ----------
        dialect : {"numpy", "kernel"}
            ``"kernel"``: the loops that are compiled for an epoch.
        batch_size : int
            Batch size of the kernel.
        """
        self._check_compiled("source")
        check_positive(batch_size, "batch_size", "source")
        data = example_data(self.network, self.loss)
        objective = self.objective
        if lookup("dialect", dialect, {"numpy": False, "kernel": True}):
            return training_kernel_text(objective, self.optimizer, data, batch_size)
        return source(objective.plain_loss())(self.network.params, *data, *objective.states())

    def check_gradients(self, x: Any, y: Any) -> Any:
        """Compare the network's gradient with central differences, in float64.

        Returns
        -------
        GradientReport
        """
        from chainrule._src.check import check_gradients

        data, objective = self._parts(x, y, "check_gradients")
        double = {name: w.astype(np.float64) for name, w in self.network.params.items()}
        data = map_leaves(
            lambda part: np.asarray(part, np.float64) if part.dtype.kind == "f" else part, data
        )
        loss = objective.plain_loss()
        return check_gradients(loss, grad(loss))(double, *data, *objective.states())

    def gradients(self, x: Any, y: Any, sample_weight: Any = None) -> dict[str, Array]:
        """Return the gradient of the mean loss over these samples, by the names of the weights."""
        data, objective = self._parts(x, y, "gradients", sample_weight)
        gradients: dict[str, Array] = grad(objective.loss_of_params)(self.network.params, *data)
        return gradients

    # Files

    def save(self, path: Any, overwrite: bool = True, *, training: bool = True) -> None:
        """Save the model in a file, atomically; `load_model` reads the file.

        The file holds architecture, weights, the arguments of `compile`, class names and
        preprocessing; with ``training`` also the state that resumed training needs. It is in the
        safetensors format.

        Raises
        ------
        DataError
            If a layer of your own cannot be described by plain values.
        FileError
            If the file cannot be written, or has the ending of another kind of file, such as
            ``.onnx``; an older file stays unchanged.

        Notes
        -----
        Keras's endings ``.keras`` and ``.h5`` may be used; the file is in the format of chainrule
        all the same: `load_model` reads it, Keras does not. For Keras there is `to_keras`.
        """
        if not overwrite and os.path.exists(path):
            raise FileError(f"{path}: there is a file already; give overwrite=True")
        write_model(path, contents(self, training))

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Save the model in a file without the state that resumed training needs."""
        self.save(filepath, overwrite, training=False)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Load the weights from a file that `save_weights`, `save` or a web page wrote.

        A web page writes one by ``net.save()``, and takes files of both kinds by
        ``net.restore(bytes)``; see `export`.

        Parameters
        ----------
        filepath : path-like
        skip_mismatch : bool, default False
            If true, weights with another name or shape in the file stay unchanged.

        Raises
        ------
        FileError
            If the file is damaged or foreign, or its weights are not this model's.
        """
        saved, expected = read_weights(filepath), self.network.weights
        if skip_mismatch:
            shapes = {name: np.shape(w) for name, w in saved.items()}
            expected = {name: w for name, w in expected.items() if shapes.get(name) == w.shape}
            saved = {name: saved[name] for name in expected}
        self.network.take(restored(expected, saved, f"{filepath}: weights"))

    def to_json(self, **options: Any) -> str:
        """Return the architecture as JSON, for `chainrule.keras.models.model_from_json`."""
        return json.dumps(self.get_config(), **options)

    @classmethod
    def load(
        cls,
        path: Any,
        custom_objects: Mapping[str, Any] | None = None,
        compile: bool = True,  # noqa: A002
    ) -> Self:
        """Return a model from a file that `save` wrote; see `load_model`."""
        tree = read_model(path)
        with as_file_error(path), known_as(custom_objects):
            about = tree.get("class", {"class_name": "Sequential"})
            kind = class_of(about)
            if kind is None or not issubclass(kind, Exportable):
                raise FileError(f"there is no model {about['class_name']!r} here; if it is one of "
                                "your own, hand it over as custom_objects")  # fmt: skip
            config, entries, input_shape = described(tree)
            with drawing(Blank(entries)):
                model: Self = kind.from_config(config)
                if input_shape is not None and not model.built:
                    model.prepare(shapes_given(input_shape))
            take(model, tree, compile)
        return model

    # The blackboard

    def blackboard(self, x: Any = None, y: Any = None) -> Any:
        """Show training in a notebook cell, where you can stop it, step back, and see why.

        Returns immediately; a copy of the model is trained in a thread until the page is closed
        (``close()``) or the kernel ends.

        Parameters
        ----------
        x, y : array_like, optional
            As for `fit`; a tenth is used as validation data. By default the digits.

        Returns
        -------
        widget
            The page; a notebook shows the last value of a cell.

        Raises
        ------
        DataError, ShapeError
            If the model is not compiled, or the data do not fit the model.
        MissingDependencyError
            If anywidget is missing.
        """
        self._check_compiled("blackboard")
        self.refuse_several("blackboard")
        return provided("blackboard")(self, x, y)

    # Export

    def export(
        self,
        filepath: Any,
        format: str | None = None,  # noqa: A002
        *,
        training: bool = False,
        batch_size: int = 32,
        weights: str = "inside",
        examples: Any = None,
    ) -> None:
        """Export the model: for web pages (``.mjs``, ``.html``), or as ONNX for other runtimes.

        ``digits.mjs`` is a module of JavaScript that needs no other file and no server:
        ``import { load } from "./digits.mjs"; const net = await load();`` gives an object with
        ``net.predict(x)``, ``net.gradients(x, y)``, with ``training`` also ``net.train(x, y,
        {epochs, batchSize, learningRate, onEpoch, signal})`` at native speed in a worker, and
        ``net.save()`` and ``net.restore(bytes)``. Its types are beside it, in ``digits.d.mts``.
        ``digits.html`` is one page that works offline: it takes what the model takes, a drawing, a
        picture, a table's columns, a sequence, and shows the prediction with its reasons.

        Parameters
        ----------
        filepath : path-like
        format : {"onnx", "web", "page"}, optional
            By default the one of the suffix: ``.mjs`` is "web", ``.html`` "page", others "onnx".
        training : bool, default False
            If true, the module or page can train.
        batch_size : int, default 32
            The batch size that training is compiled for; with 1 it takes no other.
        weights : {"inside", "apart"}
            ``"apart"``: the module's weights are in a file beside it, ``digits.safetensors``.
        examples : (X, y), optional
            Samples for the page: X an array, or a table's columns by name. It shows them as
            examples, takes ranges and typical values from them, and with ``training`` it trains on
            them. Without ``training``, y may be None.

        Raises
        ------
        DataError
            If the model has no weights yet, class names and outputs differ in number, an argument
            does not apply to the format, or ``examples`` do not fit the model.
        ExportError
            If the format cannot express a layer, the loss, a metric or the optimizer.
        FileError, MissingDependencyError
            If the file cannot be written, or a package is missing: onnx, for pages jinja2.

        Notes
        -----
        In ONNX the input is ``"X"``, for any number of samples. A model with a `preprocessor` has
        one input per column instead, with the column's name and shape ``(n,)``: numbers are float64
        with NaN for missing values, categories are texts with an empty text for missing values. The
        output is ``"probabilities"``, or ``"output"`` if it is no probabilities; with class names
        also ``"label"``, the most probable class; for a table's quantity ``"prediction"``, in its
        unit. A model with several inputs or outputs has the names of their layers. Weights keep
        their names, such as ``dense_kernel``. In a web module a row of a table is an object of
        values by column, several inputs are a list or an object by name, and several outputs an
        object by name.

        Examples
        --------
        >>> import os, tempfile
        >>> import chainrule as cr
        >>> model = Sequential([cr.layers.Input((64,)), cr.layers.Dense(10)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.export(os.path.join(folder, "digits.onnx"))
        ...     model.export(os.path.join(folder, "digits.mjs"))
        ...     sorted(os.listdir(folder))
        ['digits.d.mts', 'digits.mjs', 'digits.onnx']
        """
        provided("export")(
            self, filepath, format, training=training, batch_size=batch_size, weights=weights,
            examples=examples,
        )  # fmt: skip

    def to_keras(self) -> Any:
        """Return the model as a ``keras.Sequential``, with copies of its weights.

        The arguments of `compile` are converted; if Keras has no counterpart, for a loss of your
        own for instance, the result is not compiled, with a warning that says why. See
        `from_keras`.

        Raises
        ------
        DataError
            If a layer is of your own class, or the model has no weights yet.
        MissingDependencyError
            If Keras is missing.

        Examples
        --------
        >>> import chainrule as cr
        >>> model = Sequential([cr.layers.Input((64,)), cr.layers.Dense(10)])
        >>> model.to_keras().count_params() == model.count_params()
        True
        """
        return provided("to_keras")(self)

    def eject(self, path: Any) -> None:
        """Write the model as a Python module that needs only NumPy, and a file of its weights.

        The module ``digits.py`` with ``digits.npz`` has prediction, loss and gradient as in
        `source`, the optimizer's step and a training loop, the steps of a `preprocessor` and class
        names, all to be read and changed; ``python digits.py data.csv`` predicts. A model that is
        not compiled has no loss and no training loop.

        Parameters
        ----------
        path : path-like
            Path of the module, ``….py``.

        Raises
        ------
        DataError
            If the path does not end in ``.py``, or the model has no weights yet.
        ExportError, TraceError
            If the optimizer or a layer cannot be written as NumPy.
        FileError
            If a file cannot be written.

        Examples
        --------
        >>> import os, tempfile
        >>> import chainrule as cr
        >>> model = Sequential([cr.layers.Input((64,)), cr.layers.Dense(10)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.eject(os.path.join(folder, "digits.py"))
        ...     sorted(os.listdir(folder))
        ['digits.npz', 'digits.py']
        """
        provided("eject")(self, path)


class Sequential(Chain, Exportable):
    """A model that is a chain of layers.

    Parameters
    ----------
    layers : sequence of Layer
        The first may be an `Input` with the shape of a sample; by default the data define it.
    name : str, optional
    dtype : {"float32", "float64"}
    seed : int, Generator or None
        Seed of initial weights, order of samples and dropout: the same seed gives the same
        numbers, bit for bit.

    Attributes
    ----------
    layers : list of Layer
    history : History
        History of the last `fit`.
    optimizer, loss
        Set by `compile`.
    class_names : list of str or None
        Names of the classes, one per output; saved in files.
    feature_names : list of str or None
        Columns of the files or frames that the model was fitted to part by part; saved in files.
        Other columns, or another order, are refused where data come in parts.
    preprocessor : Preprocessor or None
        The transformation of a table into samples; saved in files.

    Raises
    ------
    DataError
        If an item is no layer, or the seed is no seed.
    UnknownNameError
        If ``dtype`` has another value.

    Examples
    --------
    >>> import chainrule as cr
    >>> digits = cr.data.load_digits()
    >>> model = Sequential(
    ...     [cr.layers.Dense(10, activation="sigmoid"), cr.layers.Dense(10, activation="softmax")],
    ...     seed=0,
    ... )
    >>> model.compile(
    ...     optimizer=cr.optimizers.SGD(1.0), loss="sparse_categorical_crossentropy",
    ...     metrics=["accuracy"],
    ... )
    >>> history = model.fit(digits.X_train, digits.y_train, epochs=15, batch_size=32)
    >>> model.evaluate(digits.X_test, digits.y_test, return_dict=True)["accuracy"] > 0.95
    True
    """


def load_model(
    path: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,  # noqa: A002
) -> Sequential:
    """Load a model from a file that `Sequential.save` wrote. Loading runs no code from the file.

    Parameters
    ----------
    path : path-like
    custom_objects : dict, optional
        Your own functions and classes by their names in the file. Defined classes and registered
        functions need not be passed.
    compile : bool, default True
        If true, the model is compiled with the arguments in the file.

    Returns
    -------
    Sequential

    Raises
    ------
    FileError
        If the file is damaged, hostile or foreign, or names an unknown function or class. A file
        of Keras must be loaded with Keras and converted by `from_keras`.

    Examples
    --------
    >>> import os, tempfile
    >>> import chainrule as cr
    >>> model = Sequential([cr.layers.Input((4,)), cr.layers.Dense(3)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(os.path.join(folder, "model.safetensors"))
    ...     load_model(os.path.join(folder, "model.safetensors")).count_params()
    15
    """
    return Sequential.load(path, custom_objects, compile)
