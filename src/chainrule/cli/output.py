"""Where results go."""

from __future__ import annotations

from pathlib import Path

from chainrule.cli.problems import UsageError


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
