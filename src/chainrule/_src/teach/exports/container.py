"""Grading in a container, for systems that cannot confine a submission themselves.

The container runs Linux, also on macOS and Windows, without network, with no privileges, and sees
the submissions and the folders of the results alone.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from chainrule._src.base.errors import FileError, OptionError
from chainrule._src.base.version import __version__
from chainrule._src.teach.exports.folders import Files, write_files
from chainrule._src.teach.exports.services import package_files

ENGINES = ("podman", "docker")
IMAGE = f"chainrule-grader:{__version__}"
CONTAINERFILE = """# The image in which `chainrule grade --container` runs.
FROM docker.io/library/python:3.12-slim
COPY source /source
RUN pip install --no-cache-dir -r /source/requirements.txt
ENV PYTHONPATH=/source PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
ENTRYPOINT ["python", "-m", "chainrule", "grade"]
"""


def context() -> Files:
    """Return the files from which the image is built."""
    return {"Containerfile": CONTAINERFILE, **{
        f"source/{name}": content for name, content in package_files().items()
    }}  # fmt: skip


def build_command(engine: str, folder: Path) -> list[str]:
    """Return the command that builds the image; it needs the network, once a version."""
    return [engine, "build", "--tag", IMAGE, "--file", str(folder / "Containerfile"), str(folder)]


def run_command(
    engine: str, options: Iterable[str], read: Sequence[Path], write: Sequence[Path]
) -> list[str]:
    """Return the command that grades: paths in the options are those of this machine.

    Parameters
    ----------
    engine : {"podman", "docker"}
    options : iterable of str
        Those of ``chainrule grade``.
    read, write : sequence of Path
        Files and folders that the container may read, and folders in which it may write.
    """
    command = [
        engine, "run", "--rm", "--network", "none", "--cap-drop", "ALL", "--read-only",
        "--security-opt", "no-new-privileges", "--security-opt", "label=disable",
        "--pids-limit", "512", "--tmpfs", "/tmp:rw,size=1g",
    ]  # fmt: skip
    for path in dict.fromkeys(path.resolve() for path in write):
        command += ["--volume", f"{path}:{path.as_posix()}"]
    for path in dict.fromkeys(path.resolve() for path in read):
        command += ["--volume", f"{path}:{path.as_posix()}:ro"]
    return [*command, IMAGE, *options]


def grade_in(
    engine: str, options: Sequence[str], read: Sequence[Path], write: Sequence[Path]
) -> int:
    """Build the image, grade in a container, and return the exit status.

    Raises
    ------
    OptionError
        If there is no such engine.
    FileError
        If the engine is not installed, or the image cannot be built.
    """
    if engine not in ENGINES:
        raise OptionError("container", f"{engine!r} is no engine; there are {', '.join(ENGINES)}")
    if shutil.which(engine) is None:
        raise FileError(f"--container {engine}: {engine} is not installed")
    with tempfile.TemporaryDirectory(prefix="chainrule-") as folder:
        write_files(context(), Path(folder))
        built = subprocess.run(build_command(engine, Path(folder)))
    if built.returncode:
        raise FileError(f"{engine} could not build the image {IMAGE}; its messages stand above")
    return subprocess.run(run_command(engine, options, read, write)).returncode
