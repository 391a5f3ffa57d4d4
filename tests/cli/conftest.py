"""What the tests of commands share."""

import signal
import subprocess
import sys

import pytest


@pytest.fixture
def start():
    """Start a command that hears Ctrl-C, also where a shell has had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda *arguments: subprocess.Popen(
        [sys.executable, "-m", "chainrule", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
