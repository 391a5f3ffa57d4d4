"""Output paths: checks before the work, and a fallback when a result cannot be written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from chainrule._src.base.errors import FileError
from chainrule._src.cli.problems import UsageError, tell


def check_output(
    output: str | None, source: str, example: str = "model.safetensors", option: str = "-o"
) -> str:
    """Check that an output path is given, is writable, and is not the data's; return the path.

    Raises
    ------
    UsageError, FileError
    """
    from chainrule._src.data.storage import check_writable

    if output is None:
        raise UsageError(
            f"{option} is missing: say where the result goes, for instance {option} {example}"
        )
    if Path(output).exists() and Path(source).exists() and Path(output).samefile(source):
        raise UsageError(f"{option} {output} would overwrite the data; give another name")
    check_writable(output)
    return output


def save_result(output: str, absolute: str, write: Callable[[str], object]) -> str:
    """Write a result to its output path, or else to a temporary folder; return the path.

    If the output's folder was deleted during the work, it is created again. A note on stderr
    reports this, and also a temporary folder.

    Parameters
    ----------
    output : str
        The output path, as the user wrote it.
    absolute : str
        The absolute output path.
    write : callable
        Function of a path that writes the result.

    Raises
    ------
    FileError
        If the result cannot be written to the temporary folder either.
    """
    folder = os.path.dirname(os.path.realpath(absolute))
    gone = "" if os.path.isdir(folder) else f"the folder {folder} was gone when the work was done"
    try:
        os.makedirs(folder, exist_ok=True)
        write(absolute)
    except (OSError, FileError) as error:
        reason = f"{gone} and cannot be made ({error})" if gone else str(error)
        elsewhere = os.path.join(tempfile.mkdtemp(prefix="chainrule-"), os.path.basename(absolute))
        write(elsewhere)
        tell([f"{reason}: {elsewhere} is written instead"])
        return elsewhere
    tell([f"{gone}; it is made anew"] if gone else [])
    return output if os.path.exists(output) else absolute
