"""`Sequential`: a model with Keras's names, trained as a recorded and compiled program."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import FileError
from chainrule._src.base.registered import known_as
from chainrule._src.base.registry import provided
from chainrule._src.base.validation import lookup
from chainrule._src.core.transforms import grad
from chainrule._src.nn.network.contents import contents, described, take
from chainrule._src.nn.network.fitting import Trainable
from chainrule._src.nn.network.runs import example_data, training_kernel_text
from chainrule._src.nn.network.saving import as_file_error, read_model, restored, write_model
from chainrule._src.nn.training.source import source


class Sequential(Trainable):
    """Layers one after the other.

    Parameters
    ----------
    layers : sequence of Layer
        The first may be an `Input`, which tells the shape of a sample; otherwise the data tell.
    name : str, optional
    dtype : {"float32", "float64"}
    seed : int, Generator or None
        Of initial weights, of the order of samples, and of dropout: the same seed gives the same
        numbers, bit for bit.

    Attributes
    ----------
    layers : list of Layer
    history : History
        Of the last `fit`.
    optimizer, loss
        Once compiled.
    class_names : list of str or None
        What the outputs stand for; kept in files.
    preprocessor : Preprocessor or None
        What made samples of a table; kept in files.

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

    # The gradient, to read and to check

    def source(self, dialect: str = "numpy", *, batch_size: int = 32) -> str:
        """Return loss and gradient of the whole network as readable NumPy, or as loops.

        Parameters
        ----------
        dialect : {"numpy", "kernel"}
            ``"kernel"``: what is compiled for an epoch.
        batch_size : int
            Of the kernel.
        """
        self._check_compiled("source")
        data = example_data(self.network, self.loss)
        objective = self.objective
        if lookup("dialect", dialect, {"numpy": False, "kernel": True}):
            return training_kernel_text(objective, self.optimizer, data, batch_size)
        return source(objective.plain_loss())(self.network.params, *data, *objective.states())

    def check_gradients(self, x: Any, y: Any) -> Any:
        """Hold the network's gradient against central differences, in float64.

        Returns
        -------
        GradientReport
        """
        from chainrule._src.check import check_gradients

        data, objective = self._parts(x, y, "check_gradients")
        double = {name: w.astype(np.float64) for name, w in self.network.params.items()}
        data = tuple(np.asarray(p, np.float64) if p.dtype.kind == "f" else p for p in data)
        loss = objective.plain_loss()
        return check_gradients(loss, grad(loss))(double, *data, *objective.states())

    def gradients(self, x: Any, y: Any, sample_weight: Any = None) -> dict[str, Array]:
        """Return the gradient of the mean loss over all these samples, by the weights' names."""
        data, objective = self._parts(x, y, "gradients", sample_weight)
        found: dict[str, Array] = grad(objective.loss_of_params)(self.network.params, *data)
        return found

    # Files

    def save(self, path: Any, overwrite: bool = True, *, training: bool = True) -> None:
        """Write the model into a file, whole or not at all; `load_model` reads it.

        Architecture, weights, how it was compiled, class names and preprocessing; with
        ``training`` also what training needs to go on. The file is in the safetensors format.

        Raises
        ------
        DataError
            If a layer of your own cannot be described by plain values.
        FileError
            If the file cannot be written, or its name is that of another kind of file, such as
            ``.onnx``; what was there before stays.

        Notes
        -----
        Keras's endings ``.keras`` and ``.h5`` may be used; the file is in the format of chainrule
        all the same: `load_model` reads it, Keras does not. For Keras there is `to_keras`.
        """
        if not overwrite and os.path.exists(path):
            raise FileError(f"{path}: there is a file already; give overwrite=True")
        write_model(path, contents(self, training))

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights into a file: all of the model, but what training needs to go on."""
        self.save(filepath, overwrite, training=False)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Take the weights in a file that `save_weights` or `save` wrote.

        Parameters
        ----------
        filepath : path-like
        skip_mismatch : bool, default False
            Whether weights whose name or shape is another stay as they are.

        Raises
        ------
        FileError
            If the file is damaged or foreign, or its weights are not this model's.
        """
        found, mine = read_model(filepath).get("weights"), self.network.weights
        if skip_mismatch and isinstance(found, Mapping):
            shapes = {name: np.shape(w) for name, w in found.items()}
            mine = {name: w for name, w in mine.items() if shapes.get(name) == w.shape}
            found = {name: found[name] for name in mine}
        self.network.take(restored(mine, found, f"{filepath}: weights"))

    def to_json(self, **options: Any) -> str:
        """Return the architecture as a text; `chainrule.keras.models.model_from_json` reads it."""
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
            model = cls._from_config(*described(tree))
            take(model, tree, compile)
        return model

    # To be watched

    def blackboard(self, x: Any = None, y: Any = None) -> Any:
        """Watch the model learn in a cell of a notebook: stop it, step back, and see why.

        Returns at once; a copy of the model is trained in a thread until the page is closed
        (``close()``) or the kernel ends.

        Parameters
        ----------
        x, y : array_like, optional
            As for `fit`; a tenth is held back. By default the digits.

        Returns
        -------
        widget
            The page, shown by a notebook whose cell ends with it.

        Raises
        ------
        DataError, ShapeError
            If the model was not compiled, or does not take the data.
        MissingDependencyError
            If anywidget is missing.
        """
        self._check_compiled("blackboard")
        return provided("blackboard")(self, x, y)

    # For others

    def export(self, filepath: Any, format: str = "onnx") -> None:  # noqa: A002
        """Write what the model computes into a file that other runtimes read.

        Parameters
        ----------
        filepath : path-like
        format : {"onnx"}

        Raises
        ------
        DataError
            If the model has no weights yet, or other class names than outputs.
        ExportError
            If a layer does what ONNX cannot.
        FileError, MissingDependencyError
            If the file cannot be written, or the package onnx is missing.

        Notes
        -----
        The input is ``"X"``, for any number of samples. A model with a `preprocessor` has an input
        a column instead, by its name and of shape ``(n,)``: numbers as float64 with NaN for
        missing, categories as texts with an empty one for missing. Outputs are
        ``"probabilities"`` (``"output"`` where they are none); with class names also ``"label"``,
        the name of the likeliest; for a table's quantity ``"prediction"``, in its own unit.
        Weights keep their names, such as ``dense_kernel``.

        Examples
        --------
        >>> import os, tempfile
        >>> import chainrule as cr
        >>> model = Sequential([cr.layers.Input((64,)), cr.layers.Dense(10)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.export(os.path.join(folder, "digits.onnx"))
        ...     os.listdir(folder)
        ['digits.onnx']
        """
        provided("export")(self, filepath, format)

    def to_keras(self) -> Any:
        """Return the model as a ``keras.Sequential``, with copies of its weights.

        How it was compiled is taken over; what Keras has no counterpart for, such as a loss of
        your own, leaves the result uncompiled, with a warning that says why. See `from_keras`.

        Raises
        ------
        DataError
            If a layer is of your own, or the model has no weights yet.
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
        """Write the model as a module that needs NumPy alone, and its weights beside it.

        ``digits.py`` and ``digits.npz``: prediction, loss and gradient as in `source`, the
        optimizer's step and a training loop, what a `preprocessor` does, class names, all to be
        read and changed; ``python digits.py data.csv`` predicts. A model that is not compiled has
        no loss and no training loop.

        Parameters
        ----------
        path : path-like
            Of the module, ``….py``.

        Raises
        ------
        DataError
            If the path is none of a module, or the model has no weights yet.
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


def load_model(
    path: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,  # noqa: A002
) -> Sequential:
    """Return the model in a file that `Sequential.save` wrote, of any ending. It runs no code.

    Parameters
    ----------
    path : path-like
    custom_objects : dict, optional
        Functions and classes of your own by the names that they have in the file. Classes are
        found without it once they are defined, functions once they are registered.
    compile : bool, default True
        Whether to take over how it was compiled as well.

    Raises
    ------
    FileError
        If the file is damaged, hostile or foreign, or names a function or a class that is not
        known. One that Keras itself wrote is loaded with Keras and taken over by `from_keras`.
    """
    return Sequential.load(path, custom_objects, compile)
