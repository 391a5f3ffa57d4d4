"""What the tests of commands share."""

import signal
import subprocess
import sys

import pytest


@pytest.fixture
def start():
    """Start a command that hears Ctrl-C, also where a shell has had it ignored.

    Its process runs the code ``before`` first.
    """
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(*arguments, before=""):
        run = ["-c", f"{before}from chainrule.__main__ import main\nmain()"]
        return subprocess.Popen(
            [sys.executable, *(run if before else ["-m", "chainrule"]), *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
        )  # fmt: skip

    yield start
    signal.signal(signal.SIGINT, handler)
