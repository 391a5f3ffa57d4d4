"""The answer to the question whether this system can confine a submission, and if not, why."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile

from chainrule._src.teach.confined import limits

ADVICE = (
    "run only submissions of people whom you trust, or use --container podman (or docker), "
    "which grades in Linux; docs/grading-security.md says what is promised"
)


def gap() -> str:
    """Return a sentence that names the missing facilities; "" if submissions can be confined."""
    name: str = sys.platform
    if name != "linux":
        system = {"darwin": "macOS", "win32": "Windows"}.get(name, platform.system())
        return f"not sealed: {system} cannot confine a submission's files and processes; {ADVICE}"
    works = facilities()
    missing = [part for part in ("landlock", "seccomp") if part not in works]
    if not missing:
        return ""
    names = {"landlock": "Landlock (since Linux 5.13)", "seccomp": "seccomp"}
    named = " and ".join(names[part] for part in missing)
    return f"not sealed: this kernel, or the container around it, has no {named}; {ADVICE}"


def facilities() -> list[str]:
    """Return the names of the facilities with which the kernel confines a new process."""
    module = limits.__name__.replace("limits", "kernel")
    paths = [os.path.abspath(entry) for entry in sys.path]
    command = [sys.executable, "-B", "-c", f"import sys; sys.path[:] = {paths!r}\n"
               f"from {module} import confine\nprint(*confine('.', []))"]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    return completed.stdout.split()
