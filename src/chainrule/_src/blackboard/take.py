"""Downloads of a run: its weights, a module, a notebook cell that repeats it, a replay page."""

from __future__ import annotations

import base64
import copy
import io
import textwrap
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.escaping import for_python
from chainrule._src.base.validation import lookup
from chainrule._src.blackboard.replay import replay_of
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.subject import Subject
from chainrule._src.compile.running.threads import one_for_products
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.nn.layers.tracking import as_name
from chainrule._src.text.helpers import helpers_of, quoted
from chainrule._src.text.text import function_text
from chainrule._src.trace.tracing import trace

More = Callable[[Subject], Mapping[str, Any]]
ROWS = 3  # samples in the recording of a text
LOAD = '''def load():
    """Return the weights."""
    return dict(np.load(io.BytesIO(base64.b64decode(WEIGHTS))))
'''
CELL = """# Repeats {title}, to update {update}, to the same bits.
from pathlib import Path

from chainrule._src.blackboard import mistakes, subjects
from chainrule._src.blackboard.own import UserFile
from chainrule._src.blackboard.take import repeated

subject = {code}
subject = subject.make({settings})
{mistake}run = repeated(
    subject,
    {update},
    settings={changes},
    samples={samples},
)
params = run.params
"""


def taker(more: More) -> Callable[[str, ReversibleRun], tuple[str, str, bytes]]:
    """Return ``take(what, run)`` for a `Session`: a file's name, its media type and its bytes.

    Parameters
    ----------
    more : callable
        Function of the subject that returns additional parts of the page's setup.
    """
    return _Taker(more)


class _Taker:
    def __init__(self, more: More) -> None:
        self._more = more

    def __call__(self, what: str, run: ReversibleRun) -> tuple[str, str, bytes]:
        makers = {"weights": weights, "module": module, "cell": cell, "replay": self._replay}
        return lookup("what", what, makers)(run)

    def _replay(self, run: ReversibleRun) -> tuple[str, str, bytes]:
        return "blackboard.html", "text/html", replay_of(run, self._more(run.subject)).encode()


def weights(run: ReversibleRun) -> tuple[str, str, bytes]:
    """Return the parameters: a file for `load_model`, or for losses in NumPy an ``.npz``."""
    kind = "application/octet-stream"
    if run.subject.model is None:
        return "weights.npz", kind, _npz(run.params)
    model = _model_of(run)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{as_name(model.name)}.safetensors"
        model.save(path, training=False)
        return path.name, kind, path.read_bytes()


def module(run: ReversibleRun) -> tuple[str, str, bytes]:
    """Return forward pass, loss, gradient and weights as Python that needs NumPy alone.

    The result is one file, which contains the weights; for a `Sequential` it is a ``.zip`` with the
    two files that `eject` writes.

    Raises
    ------
    TraceError
        If the loss cannot be recorded.
    """
    if run.subject.model is None:
        return "network.py", "text/x-python", _module_text(run).encode()
    content = io.BytesIO()
    with TemporaryDirectory() as folder, zipfile.ZipFile(content, "w") as archive:
        path = Path(folder) / "network.py"
        _model_of(run).eject(path)
        for part in (path, path.with_suffix(".npz")):
            archive.write(part, part.name)
    return "network.zip", "application/zip", content.getvalue()


def cell(run: ReversibleRun) -> tuple[str, str, bytes]:
    """Return Python that repeats a run with identical bits on a similar machine.

    Raises
    ------
    DataError
        If the subject came from variables of a notebook, whose names are not available.
    """
    subject, events = run.subject, run.events
    if subject.code is None:
        raise DataError(
            "blackboard: what is trained came from arrays or objects of Python, whose names are "
            "not known here; take the module or the weights"
        )
    mistake = subject.mistake and f"subject = mistakes.mistaken(subject, {subject.mistake!r})\n"
    samples = {u: (x[0].tolist(), y[0].item()) for u, (x, y) in events.samples.items()}
    text = CELL.format(
        title=for_python(subject.title), update=run.place.update, code=subject.code,
        settings=dict(subject.settings), mistake=mistake or "", changes=events.settings,
        samples=samples,
    )  # fmt: skip
    return "cell.py", "text/x-python", text.encode()


def repeated(
    subject: Subject,
    update: int,
    *,
    settings: Mapping[int, Mapping[str, Any]],
    samples: Mapping[int, tuple[Any, Any]],
) -> ReversibleRun:
    """Repeat a run up to an update, and return the new run.

    Parameters
    ----------
    subject : Subject
    update : int
    settings : dict of int to dict
        Changes of settings, by the first update they apply to.
    samples : dict of int to tuple
        Single samples with their targets, by the update that used each.
    """
    run, data = ReversibleRun(subject), subject.data
    with one_for_products():  # as in the session, for identical bits
        for at in sorted({*settings, *samples, update}):
            while run.place.update < min(at, update) and run.advance(at - run.place.update)[0]:
                pass
            if at in settings and at <= update:
                run.set(settings[at])
            if at in samples and at < update:
                x, y = samples[at]
                run.train_on(np.array(x, data.X.dtype), np.array(y, data.y.dtype))
                run.advance(1)
    return run


def _model_of(run: ReversibleRun) -> Any:
    """Return a copy of a subject's model with the run's weights."""
    model = copy.deepcopy(run.subject.model)
    states = dict(zip(run.subject.parts, run.parts, strict=True))["layers"]
    model.network.take({**run.params, **states})
    return model


def _npz(params: Mapping[str, Any]) -> bytes:
    content = io.BytesIO()
    np.savez(content, **params)
    return content.getvalue()


def _module_text(run: ReversibleRun) -> str:
    subject, params = run.subject, run.params
    X, y = subject.data.X[:ROWS], subject.data.y[:ROWS]
    learn = trace(value_and_grad(subject.loss))(params, X, y)
    programs, texts = [learn], []
    if subject.forward is not None:
        predict = trace(subject.forward)(params, X)
        programs.append(predict)
        texts.append(function_text(predict, "predict", "Return the outputs for samples."))
    about = "Return the mean loss of samples, and its gradient by each parameter."
    texts.append(
        function_text(learn, "value_and_gradients", about, value=learn.result[0], value_name="loss")
    )
    helpers = dict.fromkeys(helper for program in programs for helper in helpers_of(program))
    imports = "import base64\nimport io\n\nimport numpy as np"
    head = quoted(helpers).replace("import numpy as np", imports, 1)
    doc = f'"""{for_python(subject.title)} after {run.place.update} updates, in NumPy alone."""'
    encoded = "\n".join(textwrap.wrap(base64.b64encode(_npz(params)).decode(), 88))
    parts = [*texts, LOAD]
    return f"{doc}\n\n{head}\n\n\n" + "\n\n".join(parts) + f'\n\nWEIGHTS = """\n{encoded}\n"""\n'
