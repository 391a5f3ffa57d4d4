"""Functions that create subjects and sessions from the user's choice of data and model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule._src.base.errors import DataError, FileError, OptionError
from chainrule._src.base.extras import needs
from chainrule._src.base.validation import lookup
from chainrule._src.blackboard import built, subjects
from chainrule._src.blackboard.anatomy import anatomy_of
from chainrule._src.blackboard.mistakes import mistaken, mistakes
from chainrule._src.blackboard.scenes import scenes_of
from chainrule._src.blackboard.session import Session, Steered
from chainrule._src.blackboard.subject import Data, Subject
from chainrule._src.blackboard.take import taker
from chainrule._src.teach.lab.classifier import Classifier

if TYPE_CHECKING:
    from chainrule._src.blackboard.widget import Blackboard

KINDS: dict[str, list[int]] = {"network": [10], "deep": [32, 32], "softmax": []}
"""The lab's networks by name, with their hidden layers."""


def begin(subject: Subject) -> Session:
    """Return a session at update 0; training begins at the request of a page."""
    more = More()
    return Session(subject, more=more, take=taker(more), mistaken=mistaken)


def prepared(
    data: str = "digits",
    target: str | None = None,
    model: str = "network",
    learning_rate: float | None = None,
) -> Callable[[], Steered]:
    """Read data and model; return a function that starts a session.

    Parameters
    ----------
    data, target, model
        As for `subject_of`; the model may also be a Python file, see `own`, which
        is trained in a child process.
    learning_rate : float, optional
        The learning rate of the first update; by default the one of the model.

    Raises
    ------
    DataError, FileError, OptionError, UnknownNameError
        If the data or the model cannot be read or trained.
    """
    settings = {} if learning_rate is None else {"rate": learning_rate}
    if Path(model).suffix != ".py":
        subject = subject_of(data, target, model)
        if settings and subject.make is not None:
            subject = subject.make({**subject.settings, **settings})
        return partial(begin, subject)
    if not Path(model).is_file():
        raise FileError(f"there is no file {model}")
    return partial(_begin_apart, model, _data(data, target), settings)


def _begin_apart(path: str, data: Data, settings: Mapping[str, Any]) -> Steered:
    from chainrule._src.blackboard.apart import ApartSession

    more = More()
    return ApartSession(
        path, data, settings=settings, more=more, take=taker(more), mistaken=mistaken
    )


def _data(data: str, target: str | None) -> Data:
    if data != "digits":
        return subjects.table(data, target)
    if target is not None:
        raise OptionError("target", "the digits are no table: which digit it is, is the target")
    return subjects.digits()


class More:
    """Additional parts of a page's setup: anatomy, mistakes and scenes, cached by subject."""

    def __init__(self) -> None:
        self._subject: Subject | None = None
        self._found: dict[str, Any] = {}

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """Return anatomy, mistakes and scenes of a subject."""
        if subject is not self._subject:
            self._subject = subject
            self._found = {"anatomy": anatomy_of(subject), "mistakes": mistakes(subject)}
        return {**self._found, "scenes": scenes_of(subject)}


def watch(model: Any, X: Any = None, y: Any = None) -> Blackboard:
    """Return a page for a notebook cell, which shows the training of a copy of a model.

    Parameters
    ----------
    model : LogisticRegression, NeuralNet, Sequential
    X, y : array_like, optional
        By default the digits.

    Raises
    ------
    DataError, ShapeError
        If the model does not take the data.
    MissingDependencyError
        If anywidget is missing, or the page's module was never built.
    """
    with needs("the blackboard in a notebook", "blackboard", "anywidget"):
        from chainrule._src.blackboard.widget import Blackboard

    built.module()
    subject = subjects.lab if isinstance(model, Classifier) else _sequential
    return Blackboard(begin(subject(model, X, y)))


def _sequential(model: Any, X: Any, y: Any) -> Subject:
    from chainrule._src.blackboard import models

    if X is not None:
        return models.sequential(model, X, y)
    data = subjects.digits()
    if getattr(model, "compiled", False):
        model.training_parts(data.X, data.y, "blackboard")  # builds the layers
    return models.layered(model, data)


def subject_of(data: str = "digits", target: str | None = None, model: str = "network") -> Subject:
    """Return the subject of a data set and a model.

    Parameters
    ----------
    data : str
        Name of a data set, or a file.
    target : str, optional
        The column of a table to predict.
    model : str
        One of `KINDS`, or a file that `Sequential.save` wrote.

    Raises
    ------
    DataError, FileError, OptionError, UnknownNameError
        If the data or the model cannot be read or trained.
    """
    if Path(model).suffix:
        if target is not None:
            raise OptionError("target", f"{model} knows the column that it predicts")
        return _of_file(model, data)
    layers = lookup("model", model, KINDS)
    return subjects.network(_data(data, target), {"layers": layers})


def _of_file(path: str, data: str) -> Subject:
    """Return the subject of a saved model, with data preprocessed by the model's preprocessor."""
    from chainrule._src.data.tables import load_arrays, open_table
    from chainrule._src.nn.sequential import load_model

    model = load_model(path)
    if model.preprocessor is None:
        if data != "digits":
            raise DataError(f"{path} does not say how tables are prepared for it: it takes digits")
        return _sequential(model, None, None)
    from chainrule._src.blackboard import models

    preprocessor = model.preprocessor
    like = [*preprocessor.columns, preprocessor.target_column]
    X, y = load_arrays(open_table(data, like=like), preprocessor)
    return models.sequential(model, X, y, name=data)
