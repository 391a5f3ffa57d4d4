import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.blackboard.watching import Watcher
from tests.pace import LIMITS_MEMORY, SLOWNESS

from chainrule._src.base.processes import Limits
from chainrule._src.blackboard import opening, subjects
from chainrule._src.blackboard.apart import ApartSession
from chainrule._src.blackboard.mistakes import mistaken
from chainrule.errors import FileError

pytestmark = pytest.mark.portable

TEXT = (Path(__file__).parent / "mylab.py").read_text(encoding="utf-8")
DATA = subjects.digits()
CRASH = "import ctypes; ctypes.string_at(0)"
if sys.platform == "win32":  # where ctypes makes an exception of it
    CRASH = "import faulthandler; faulthandler._raise_exception(0xC0000005)"


class Lab(Watcher):
    """A page that watches a file."""

    def __init__(self, path):
        self.path = path
        limits = Limits(seconds=0.7 * SLOWNESS, memory=2**31)
        super().__init__(
            ApartSession(path, DATA, limits=limits, more=opening.More(), mistaken=mistaken)
        )

    def save(self, text, state):
        """Save a text; return what is said of it at last."""
        self.path.write_text(text, encoding="utf-8")
        self.until(lambda h: h["type"] == "code" and h["state"] == "checking")
        return self.said(state)

    def said(self, state):
        header, _ = self.until(lambda h: h["type"] == "code" and h["state"] != "checking")
        assert header["state"] == state, header
        return header

    def alone(self):
        """Wait until no process is left."""
        end = time.monotonic() + 20 * SLOWNESS
        while self.children and time.monotonic() < end:
            time.sleep(0.01)
        assert self.children == []

    @property
    def children(self):
        return [c._process for c in (self.session._now, self.session._next) if c is not None]


@pytest.fixture
def lab(tmp_path):
    path = tmp_path / "mylab.py"
    path.write_text(TEXT, encoding="utf-8")
    lab = Lab(path)
    yield lab
    children = lab.children
    lab.session.close()
    for child in children:
        child.join(10)
        assert not child.is_alive()


@pytest.mark.portable(quick="here")
def test_what_is_asked_for_in_another_process_is_answered_as_here(lab):
    assert lab.said("right")["text"].startswith("all gradients agree")
    told = lab.ask("hello")
    setup = next(header for header, _ in told if header["type"] == "setup")
    assert setup["model"] == {"title": "mylab.py", "kind": "loss"}
    assert [header["type"] for header, _ in told if header["type"] == "code"]
    assert "count" in lab.error("step", count="many")
    header, arrays = lab.frame("step", count=7)
    assert header["update"] == 7
    again = lab.frame("step", count=-1)
    assert again[0]["update"] == 6
    np.testing.assert_array_equal(lab.frame("step", count=1)[1]["p:W"], arrays["p:W"])


def test_nothing_is_kept_of_pages_that_are_gone(lab):
    lab.said("right")
    for _ in range(3):
        page = Watcher(lab.session)
        page.ask("hello")
        page.detach()
    lab.ask("hello")
    assert list(lab.session._by_number.values()) == [lab.told.put]
    assert lab.session._now.unanswered == []


def test_a_file_is_loaded_anew_at_every_save_and_the_old_run_goes_on_until_then(lab):
    lab.said("right")
    lab.ask("hello")
    lab.ask("set", rate=0.5)
    lab.ask("play", rate=50)
    said = lab.save(TEXT.replace("(1 - h**2)", "(1 - h)"), "wrong")
    assert "d_a = d_h * (1 - h)" in said["text"]
    begun, _ = lab.until(lambda h: h["type"] == "setup")
    assert begun["settings"]["values"]["rate"] == 0.5
    lab.until(lambda h: h["type"] == "frame" and h["playing"] and h["update"] > 2)
    said = lab.save(TEXT.replace("d_h = d_z", "d_h = d_y"), "broken")
    assert "line 33: NameError: name 'd_y' is not defined" in said["text"]
    first, _ = lab.until(lambda h: h["type"] == "frame")
    lab.until(lambda h: h["type"] == "frame" and h["update"] > first["update"])


def test_code_that_never_ends_or_crashes_takes_nothing_down(lab):
    lab.said("right")
    endless = TEXT.replace("    d_h = d_z", "    while len(X) == 1:\n        pass\n    d_h = d_z")
    lab.save(endless, "right")
    lab.until(lambda h: h["type"] == "setup")
    lab.say(do="train_on", x=[0] * 6, y=1)
    said = lab.said("endless")
    assert "mylab.py, line 3" in said["text"]
    (marked,) = [line["text"].strip() for line in said["lines"] if line["marked"]]
    assert marked in ("while len(X) == 1:", "pass")
    assert "mylab.py does not run: change it" in lab.error("step", count=1)
    assert [h["type"] for h, _ in lab.ask("hello")] == ["code", "setup", "frame", "done"]
    ends = {
        "import os\nos._exit(3)\n": "the program ends (exit code 3)",
        f"{CRASH}\n": "Python crashes (SIGSEGV)",
    }
    if LIMITS_MEMORY:
        ends["import numpy as np\nnp.empty(2**29)\n"] = "line 2: MemoryError: Unable to allocate"
    for text, words in ends.items():
        assert words in lab.save(text, "broken")["text"]
        lab.alone()
    lab.save(TEXT, "right")
    lab.until(lambda h: h["type"] == "setup")
    assert lab.frame("step", count=0)[0]["update"] == 0


def test_pages_that_come_while_a_file_does_not_run_are_told_so_alone(tmp_path):
    path = tmp_path / "mylab.py"
    path.write_text("1 / 0\n", encoding="utf-8")
    lab = Lab(path)
    try:
        said = lab.ask("hello")
        assert {header["type"] for header, _ in said} == {"code", "done"}
        assert "ZeroDivisionError" in [h["text"] for h, _ in said if h["type"] == "code"][-1]
        lab.alone()
        assert [header["type"] for header, _ in lab.ask("hello")] == ["code", "done"]
    finally:
        lab.session.close()


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FileError, match="there is no file"):
        ApartSession(tmp_path / "none.py", DATA)
