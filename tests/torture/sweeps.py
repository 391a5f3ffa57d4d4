"""SIGKILL of sweeps, at random moments: ``python -m tests.torture.sweeps COUNT SEED``.

A sweep in a folder is killed, goes on, and is killed again, alone and beside another process: it
must come to the same scores, survivors and kept models as one in peace, to the bit.
"""

import os
import random
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

from tests.pace import SLOWNESS
from tests.sweeps.fakes import FakeFleet
from tests.sweeps.stored import assert_same, swept, swept_slowly

WATCHDOG = int(60 * SLOWNESS)


def forked(run):
    """Return a process that runs a function and ends with 0 if all went well."""
    child = os.fork()
    if child:
        return child
    signal.alarm(WATCHDOG)
    code = 1
    try:
        warnings.filterwarnings("ignore", "sweep: .*not written to the end")
        run()
        code = 0
    finally:
        os._exit(code)


def killed(path, processes, chance):
    """Kill one of some processes; return whether the others came to the end."""
    children = [forked(lambda: swept_slowly(path, 0.0005)) for _ in range(processes)]
    time.sleep(chance.uniform(0, 0.4))
    os.kill(children[0], signal.SIGKILL)
    ends = [os.waitpid(child, 0)[1] for child in children]
    assert all(end in (0, signal.SIGKILL) for end in ends), ends
    return 0 in ends


def main(count, seed):
    chance, expected = random.Random(seed), swept(None)
    warnings.filterwarnings("ignore", "sweep: .*not written to the end")
    sweeps = kills = saved = 0
    while kills < count:
        with tempfile.TemporaryDirectory() as folder:
            while kills < count:
                kills += 1
                if killed(folder, 1 + kills % 2, chance):
                    break
            fleet = FakeFleet()
            assert_same(swept(folder, fleet), expected)
            saved += fleet.models == 0
            assert not list(Path(folder, "workers").glob(f"{os.getpid()}-*"))
        sweeps += 1
    print(
        f"{count} kills of {sweeps} sweeps: all ended the same, to the bit; {saved} were complete"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
