"""What is recorded does not depend on the modules that were imported before."""

import subprocess
import sys

RECORDED = """
import numpy as np
import chainrule
from chainrule._src.core.recording import tape
print(len(tape(lambda x: np.exp(x) + np.exp(x), {"x": np.ones(3)}).program().equations))
"""


def test_a_recording_is_simplified_in_a_process_that_has_traced_nothing():
    output = subprocess.run([sys.executable, "-c", RECORDED], capture_output=True, check=True)

    assert output.stdout.split() == [b"2"]
