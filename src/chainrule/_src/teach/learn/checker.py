"""Run the checks of a file in a separate process, which is killed if it does not end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic

from chainrule._src.base.errors import ChainruleError
from chainrule._src.base.processes import starting
from chainrule._src.teach.exercise import CheckOutcome, ExerciseResult
from chainrule._src.teach.loader import LoadedLab, exercise
from chainrule._src.teach.plain import dumps, loads

SECONDS = 60
LOOK = 0.05  # seconds between two looks at whether the result is still wanted
_LOADED = ["__main__", "chainrule._src.teach.checked", "chainrule._src.check", "sklearn.datasets"]


class Stopped(Exception):  # noqa: N818  # nothing went wrong
    """A check was ended because its result is no longer wanted."""


class Checker:
    """Runs the checks of exercises, each exercise in a new process.

    Parameters
    ----------
    seconds : float
        Time limit of a check.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._context = starting(_LOADED)  # loads while the learner reads

    def check(
        self,
        path: Path,
        text: str,
        name: str,
        lab: LoadedLab,
        student: str = "",
        unwanted: Callable[[], bool] = lambda: False,
        on_outcome: Callable[[str, bool], object] = lambda check, passed: None,
    ) -> ExerciseResult:
        """Run the checks of an exercise of a lab on a file's text and return the result.

        The file itself may change meanwhile, and is not read. ``on_outcome`` is called with each
        check as it comes: its name, and whether it has passed.

        Raises
        ------
        Stopped
            If ``unwanted()`` is true while the checks run, for example after another save.
        """
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_check,
            daemon=True,
            args=(sender, path, text, name, lab.source.stubs, lab.key, student),
        )
        process.start()
        sender.close()
        try:
            end = monotonic() + self.seconds
            while monotonic() < end:
                if receiver.poll(LOOK):
                    message = loads(receiver.recv_bytes())
                    if "result" in message:
                        return ExerciseResult.from_dict(message["result"])
                    on_outcome(*message["outcome"])
                elif unwanted():
                    raise Stopped
            return lab.exercises[name].failed(
                f"{name} did not come to an end within {self.seconds:g} seconds: is there a "
                "loop that never ends?"
            )
        except (EOFError, BrokenPipeError):  # on Windows, `poll` raises the latter
            return lab.exercises[name].failed(
                f"the process that ran {name} ended: does it call exit?"
            )
        finally:
            receiver.close()
            process.kill()
            process.join()


def _check(
    connection: Connection, path: Path, text: str, name: str, stubs: Sequence[str], lab: str,
    student: str,
) -> None:  # fmt: skip
    from chainrule._src.teach.checked import check_submission
    from chainrule._src.teach.figures import Figures
    from chainrule._src.teach.submission import parse

    os.environ["MPLBACKEND"] = "Agg"  # figures are pictures, not windows
    task = exercise(name, lab)

    def tell(outcome: CheckOutcome) -> None:
        connection.send_bytes(dumps({"outcome": [outcome.check, outcome.passed]}))

    try:
        submission = parse(path, text, stubs)
        result = check_submission(submission, task, student, on_outcome=tell, figures=Figures())
    except ChainruleError as error:
        result = task.failed(str(error))
    connection.send_bytes(dumps({"result": result.to_dict()}))
    connection.close()
