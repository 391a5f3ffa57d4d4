"""Where results go."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from chainrule.cli.problems import UsageError, tell


def check_output(output: str | None, source: str, example: str = "model.safetensors") -> str:
    """Return where to write, which must be possible and not the data themselves.

    Raises
    ------
    UsageError, FileError
    """
    from chainrule.storage import check_writable

    if output is None:
        raise UsageError(f"-o is missing: say where the result goes, for instance -o {example}")
    if Path(output).exists() and Path(source).exists() and Path(output).samefile(source):
        raise UsageError(f"-o {output} would overwrite the data; give another name")
    check_writable(output)
    return output


def still_there(place: str) -> str:
    """Return where to write a result whose folder may have gone while it was made.

    The folder is made anew, or else the result goes to a temporary one; that is told.

    Parameters
    ----------
    place : str
        From the root on.
    """
    folder = os.path.dirname(os.path.realpath(place))
    if os.path.isdir(folder):
        return place
    gone = f"the folder {folder} was gone when the work was done"
    try:
        os.makedirs(folder)
    except OSError as error:
        elsewhere = os.path.join(tempfile.mkdtemp(prefix="chainrule-"), os.path.basename(place))
        tell([f"{gone} and cannot be made ({error.strerror}): {elsewhere} is written instead"])
        return elsewhere
    tell([f"{gone}; it is made anew"])
    return place


def name_of(output: str, place: str) -> str:
    """Return what a result that was written is called: as it was asked for, if it is there."""
    return output if os.path.exists(output) else place
