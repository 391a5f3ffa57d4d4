"""``chainrule learn watch`` in a terminal: keys in a row, and saves during a check."""

import os
import select
import subprocess
import sys
import time

import pytest
from tests.pace import SLOWNESS
from tests.teach.test_learn import LAB, RIGHT, write

from chainrule._src.teach.learn.workspace import Workspace
from chainrule._src.teach.loader import load

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)


class PseudoTerminal:
    """A program in a terminal of its own: what it shows, and what is typed."""

    def __init__(self, *command):
        self.side, other = os.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            command, stdin=other, stdout=other, stderr=other, start_new_session=True,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )  # fmt: skip
        os.close(other)

    def type(self, text):
        os.write(self.side, text.encode())

    def wait_for(self, text, seconds=60.0):
        end = time.monotonic() + seconds * SLOWNESS
        while text not in self.shown:
            ready, _, _ = select.select([self.side], [], [], 0.1)
            assert time.monotonic() < end, self.shown
            try:
                self.shown += os.read(self.side, 4096).decode(errors="ignore") if ready else ""
            except OSError:  # the program has ended
                assert text in self.shown, self.shown

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.side)


@pytest.fixture
def begun(tmp_path):
    path = tmp_path / "source" / "01_small.py"
    path.parent.mkdir()
    path.write_text(LAB)
    return Workspace.start(tmp_path / "learn", [load(str(path))], ".py")


@pytest.fixture
def terminal(begun):
    opened = PseudoTerminal(sys.executable, "-m", "chainrule", "learn", "watch", begun.folder)
    yield opened
    opened.close()


def test_keys_in_a_row_are_all_answered_and_arrows_are_no_letters(begun, terminal):
    terminal.wait_for("q quit")
    terminal.type("h\x1bORhq")  # F3 sends an R, which would begin the exercise anew
    terminal.wait_for("hint 2 of 3")
    assert terminal.process.wait(30 * SLOWNESS) == 0
    assert "hint 1 of 3" in terminal.shown
    assert not (begun.folder / ".chainrule" / "01_small-before-reset.py").exists()


def test_a_save_ends_the_check_that_runs_and_so_does_q(begun, terminal):
    terminal.wait_for("q quit")
    write(begun, "while True:\n        pass")
    terminal.wait_for("checking softmax")
    path = begun.path(begun.labs[0])
    path.write_text(path.read_text("utf-8").replace("while True:\n        pass", RIGHT), "utf-8")
    terminal.wait_for("All exercises are done", 30)  # an endless check takes 60
    terminal.shown = ""
    path.write_text(path.read_text("utf-8").replace(RIGHT, "while True:\n        pass"), "utf-8")
    terminal.wait_for("checking softmax")
    terminal.type("hq")
    assert terminal.process.wait(30 * SLOWNESS) == 0
    terminal.wait_for("hint 1 of 3")
