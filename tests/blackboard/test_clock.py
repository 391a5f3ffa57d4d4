"""The limit of a learner's code is processor time; code that waits ends as well."""

import subprocess
import sys

import pytest
from tests.pace import SLOWNESS

from chainrule._src.blackboard.inside import PATIENCE

pytestmark = pytest.mark.portable
SECONDS = 0.2 * SLOWNESS
SCRIPT = """
import sys, time
from pathlib import Path
from chainrule._src.blackboard.inside import Clock

def compute(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def compute_slowly(seconds):  # as on a machine with many other processes
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        compute({seconds} / 50)
        time.sleep({seconds} / 3)

with Clock(Path(sys.argv[1]), {seconds}).running():
    {code}
print("done")
"""


@pytest.mark.parametrize(("code", "is_ended"), [
    ("compute_slowly({elapsed})", False), ("compute(60)", True), ("time.sleep(600)", True),
])  # fmt: skip
def test_processor_time_is_limited_and_waiting(tmp_path, code, is_ended):
    faults, elapsed = tmp_path / "faults", 1.5 * PATIENCE * SECONDS
    script = SCRIPT.format(seconds=SECONDS, code=code.format(elapsed=elapsed))
    done = subprocess.run([sys.executable, "-c", script, faults], capture_output=True, text=True)
    assert (done.returncode != 0, done.stdout.strip()) == (is_ended, "" if is_ended else "done")
    assert (b"most recent call first" in faults.read_bytes()) == is_ended
