"""Where results go."""

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
    """Return where to write, which must be possible and not the data themselves.

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


def kept(output: str, place: str, write: Callable[[str], object]) -> str:
    """Write a result where it was asked for; return what it is called.

    A folder that has gone while the work was done is made anew. Where nothing can be written any
    more the result goes to a temporary folder; that is told.

    Parameters
    ----------
    output : str
        The path as the user gave it.
    place : str
        The same from the root on.
    write : callable

    Raises
    ------
    FileError
        If it cannot be written there either.
    """
    folder = os.path.dirname(os.path.realpath(place))
    gone = "" if os.path.isdir(folder) else f"the folder {folder} was gone when the work was done"
    try:
        os.makedirs(folder, exist_ok=True)
        write(place)
    except (OSError, FileError) as error:
        reason = f"{gone} and cannot be made ({error})" if gone else str(error)
        elsewhere = os.path.join(tempfile.mkdtemp(prefix="chainrule-"), os.path.basename(place))
        write(elsewhere)
        tell([f"{reason}: {elsewhere} is written instead"])
        return elsewhere
    tell([f"{gone}; it is made anew"] if gone else [])
    return output if os.path.exists(output) else place
