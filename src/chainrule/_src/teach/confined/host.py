"""A process that has NumPy loaded and forks a child for each answer; run as a script.

``host.py KIND forking|once DESCRIPTOR...`` reads messages from the socket with the first file
descriptor; a process that calls right functions, or answers such calls, has a second one. On
Windows each DESCRIPTOR is ``shared``, and stdin describes the sockets. In a bare host
chainrule's packages are empty and only modules that a submission needs are loaded, so that the
answers are not in its memory; in that of a library the package of teaching alone is empty.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).resolve().parents[2]  # contains the wings
TEACHING = "chainrule._src.teach"
LOADED = (
    "numpy", "numpy.ma", "numpy.testing", "chainrule.data", "chainrule._src.teach.confined.child",
)  # fmt: skip
LIBRARIES = (
    "matplotlib.pyplot", "sklearn.datasets", "sklearn.metrics", "sklearn.model_selection",
    "sklearn.preprocessing",
)  # fmt: skip


def main(kind: str, way: str, *descriptors: str) -> None:
    """Load the libraries of submissions, then start a process for each message."""
    sys.path[:] = json.loads(os.environ.pop("CHAINRULE_PATH"))
    line, *more = _sockets(*descriptors)
    child, frames = load(*kind.split(":", 1))
    gc.collect()
    gc.freeze()
    with line as connection:
        if sys.platform != "win32" and way == "forking":
            forking(connection, child, frames)
        else:
            settings = frames.receive(connection)
            frames.send(connection, os.getpid())
            child.serve(connection, settings, *more)


if sys.platform == "win32":

    def _sockets(*descriptors: str) -> list[socket.socket]:
        shared = sys.stdin.buffer.read()
        size = len(shared) // len(descriptors)
        return [socket.fromshare(shared[i : i + size]) for i in range(0, len(shared), size)]

else:

    def _sockets(*descriptors: str) -> list[socket.socket]:
        return [socket.socket(fileno=int(descriptor)) for descriptor in descriptors]


def load(kind: str, more: str = "") -> tuple[Any, Any]:
    """Load the libraries and the modules of chainrule; return the modules `child` and `frames`.

    A whole host loads the lab with the key ``more``, or all of ours. A bare host loads plots and
    scikit-learn if ``more`` is "libraries": they make a fork twice as long.

    Modules that no answer may import are removed from `sys.modules` in the host, because a search
    in each forked process would copy a thousand pages of memory (copy on write).
    """
    packages = {"chainrule": FOLDER.parent, "chainrule._src": FOLDER, TEACHING: FOLDER / "teach"}
    for name in {"bare": list(packages), "library": [TEACHING], "whole": []}[kind]:
        package = ModuleType(name)
        package.__path__ = [str(packages[name])]
        sys.modules[name] = package
    if kind != "bare":
        importlib.import_module("chainrule.keras")
    if kind == "whole":
        loader = importlib.import_module("chainrule._src.teach.loader")
        exercises = loader.exercises(more) if more else loader.every()
        for name in {name for exercise in exercises.values() for name in exercise.allows}:
            if name.startswith("chainrule."):
                importlib.import_module(name)
    for name in (*LOADED, *(LIBRARIES if kind != "bare" or more else ())):
        importlib.import_module(name)
    sys.modules["chainrule.data"].load_digits()  # submissions may not open its files
    child, frames, limits, stub = (
        importlib.import_module(f"chainrule._src.teach.confined.{name}")
        for name in ("child", "frames", "limits", "stub")
    )
    if kind != "whole":
        stub.install(kind)
    limits.forget()
    return child, frames


if sys.platform != "win32":

    def forking(connection: socket.socket, child: Any, frames: Any) -> None:
        """Fork a process per message with sockets; send its id, and on request its exit status."""
        while True:
            message, descriptors, _, _ = socket.recv_fds(connection, 2**16, 2)
            if not message:
                os._exit(0)
            settings = json.loads(message)
            if "wait" in settings:
                _, status = os.waitpid(settings["wait"], 0)
                frames.send(connection, os.waitstatus_to_exitcode(status))
                continue
            child.view(settings["kind"], tuple(settings["hidden"]))
            process = os.fork()
            if process == 0:
                try:
                    first, *more = (socket.socket(fileno=number) for number in descriptors)
                    child.serve(first, settings, *more)
                finally:
                    os._exit(0)
            for number in descriptors:
                os.close(number)
            frames.send(connection, process)


if __name__ == "__main__":
    main(*sys.argv[1:])
