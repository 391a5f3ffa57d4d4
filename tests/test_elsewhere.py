"""What macOS and others lack, taken away: no ``/proc``, no fork, no ``libm.so.6``."""

import os
import subprocess
import sys

import pytest

if sys.platform != "linux":
    pytest.skip("pretends on Linux to be on macOS", allow_module_level=True)

# All that others have made is imported first: it would look for what macOS has.
ELSEWHERE = """
import ctypes, multiprocessing, os, pathlib, signal, socket, subprocess, sys, tempfile, time
import multiprocessing.connection, numpy as np, platformdirs, llvmlite.binding, sysconfig
sysconfig.get_config_vars()

LACKING = {
    os: "fork forkpty register_at_fork sched_getaffinity preadv posix_fadvise O_DIRECT O_PATH",
    signal: "setitimer sigtimedwait", socket: "send_fds recv_fds",
}
for module, names in LACKING.items():
    for name in names.split():
        vars(module).pop(name)

def audit(event, args):
    if event == "open" and isinstance(args[0], str) and args[0].startswith(("/proc", "/sys")):
        raise FileNotFoundError(2, "there is none", args[0])

def readlink(path, read=os.readlink):
    audit("open", (os.fspath(path),))
    return read(path)

def library(name, *options, load=ctypes.CDLL):
    if name == "libm.so.6":
        raise OSError("musl has none")
    return load(name, *options)

ctypes.CDLL = library
multiprocessing.set_start_method("spawn", force=True)
multiprocessing.get_all_start_methods = lambda: ["spawn"]
sys.addaudithook(audit)
os.readlink, sys.platform = readlink, "darwin"
here = pathlib.Path(sys.argv[1])
"""
JOBS = {
    "training": """
import chainrule as cr
from chainrule._src.compile.native import cores, memory
from chainrule._src.compile.native.machine import MATHEMATICS, _mathematics
assert cores() >= 1 and memory() >= 2**30
assert len(_mathematics()) == len(MATHEMATICS)
X = np.random.default_rng(0).normal(size=(40, 3))
train = lambda engine: cr.minimize(
    lambda p, x: np.mean(np.tanh(x @ p["w"]) ** 2), {"w": np.ones((3, 2))}, X,
    epochs=3, batch_size=8, engine=engine, seed=0,
)[0]["w"]
np.testing.assert_allclose(train("compiled"), train("numpy"), rtol=1e-12)
assert len([f for f in os.listdir(os.environ["CHAINRULE_CACHE"]) if ".verdict" not in f]) == 2
""",
    "leases": """
from chainrule._src.sweeps.leases import Leases, Workers
ended = subprocess.Popen([sys.executable, "-c", ""])
ended.wait()
one, other = Workers(here), Workers(here, patience=0.1)
assert Leases(here / "leases", one).take(7)
leases = Leases(here / "leases", other)
assert not leases.take(7) and other.alive(one.name)
one._about["pid"] = ended.pid  # as if its process had ended
one._renew(1)
assert leases.take(7)
one._about = {**one._about, "machine": "another"}
one._renew(2)
assert other.alive(one.name)
time.sleep(0.2)
assert not other.alive(one.name)
one.close(), other.close()
""",
    "files": """
from chainrule._src.cluster import direct
from chainrule._src.data.storage.files import write_whole
left = here / ".chainrule-0123456789abcdef.tmp"
left.write_bytes(b"of a dead writer")
content = np.random.default_rng(0).bytes(3 * direct.PAGE + 5)
write_whole(here / "whole", [content[:99], content[99:]])
assert not left.exists() and not direct.is_direct(str(here / "whole"), 0, 2**60)
for start in (0, 7, direct.PAGE):
    part = direct.past_the_cache(str(here / "whole"), start, len(content), np.empty)
    assert part.tobytes() == content[start:]
""",
    "learn": """
from chainrule._src.teach.learn.checker import Checker
from chainrule._src.teach.loader import load
from tests.teach.test_running import RIGHT
if __name__ == "__main__":
    checker, lab = Checker(seconds=60), load("01_softmax_and_backpropagation")
    for answer, passed in {RIGHT: True, RIGHT.replace("np.exp", "np.cosh"): False}.items():
        assert checker.check(here / "a.py", answer, "softmax", lab).passed == passed
""",
    "grade": """
from chainrule._src.teach import running
from chainrule._src.teach.confined import limits
from chainrule._src.teach.expect import Ended
from tests.teach.test_running import RIGHT, exercise, loaded
ENDS = "    if [*np.ravel(X)] == [4]: import os; os._exit(4)\\n"
assert not running.FORKS and "/usr" in limits.readable() and limits._in_use() is None
limits.limit_memory(1)  # what is unknown is not limited
np.ones(10**6)
with running.Host() as host, loaded(host, RIGHT.replace("    e", ENDS + "    e")) as worker:
    assert exercise("softmax").run(worker.candidate("softmax")).passed
    try:
        worker.candidate("softmax")([4])
    except Ended as error:
        assert "exit code 4" in str(error), error
    else:
        raise AssertionError("it goes on")
""",
}


def run(tmp_path, code, **environment):
    script = tmp_path / "script.py"
    script.write_text(code)
    root = os.path.dirname(os.path.dirname(__file__))
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error", script, tmp_path],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("job", JOBS)
def test_without_what_linux_alone_has(tmp_path, job, new_cache):
    run(tmp_path, ELSEWHERE + JOBS[job], CHAINRULE_CACHE=str(new_cache()))


CASE = """
import sys
from chainrule._src.teach.confined import limits
own, shared = sys.argv[1] + "/own", sys.argv[1] + "/shared"
limits.hook(own, [*limits.readable(), shared], [shared + "/hidden"])
print(open(shared + "/open.txt").read())
for name in ("hidden", "HIDDEN"):
    try:
        open(f"{shared}/{name}/marks.csv")
    except PermissionError as error:
        assert "read files" in str(error)
    else:
        raise AssertionError(name)
"""


def test_what_is_hidden_is_hidden_under_any_spelling(tmp_path):
    """As a file system that knows no case has it; here a second folder stands for the first."""
    for folder in ("hidden", "HIDDEN"):
        (tmp_path / "shared" / folder).mkdir(parents=True)
        (tmp_path / "shared" / folder / "marks.csv").write_text("secret")
    (tmp_path / "shared" / "open.txt").write_text("open")
    run(tmp_path, CASE)
