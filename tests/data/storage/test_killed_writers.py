"""A process killed while it writes checkpoints leaves a whole one, and nothing for long."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from chainrule.storage import read_tensors, write_tensors

N_KILLS = 30
# A small process that forks the writers: they start at once, and no threads are copied.
PROGRAM = textwrap.dedent(
    """
    import itertools, os, random, signal, sys, time
    import numpy as np
    from chainrule.storage import read_tensors, write_tensors

    path, n_kills = sys.argv[1], int(sys.argv[2])
    random.seed(0)

    def write_on_and_on(begin):
        signal.alarm(20)
        for step in itertools.count(begin):
            arrays = {name: np.full(100_000, step) for name in "ab"}
            write_tensors(path, arrays, {"step": step}, kind="checkpoint")

    write_tensors(path, {"a": np.zeros(1)}, {"step": 0}, kind="checkpoint")
    left = 0
    for _ in range(n_kills):
        _, document = read_tensors(path, kind="checkpoint")
        child = os.fork()
        if not child:
            write_on_and_on(document["step"] + 1)
        time.sleep(random.uniform(0, 0.1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        arrays, document = read_tensors(path, kind="checkpoint")
        assert all((array == document["step"]).all() for array in arrays.values())
        left += len(os.listdir(os.path.dirname(path))) > 1
    print(document["step"], left)
    """
)


@pytest.mark.thorough  # many kills
def test_killed_writers_leave_the_last_whole_checkpoint(tmp_path):
    path = tmp_path / "last"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, path, str(N_KILLS)],
        capture_output=True,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    n_written, n_left = map(int, done.stdout.split())
    assert n_written > 0
    assert n_left > 0  # some were killed in the midst of it
    write_tensors(path, {"a": np.zeros(1)}, {})
    read_tensors(path)
    leftovers = [file for file in tmp_path.iterdir() if file != path]
    assert all(file.stat().st_size == 0 for file in leftovers)
