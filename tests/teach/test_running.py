"""A submission in a process of its own: whatever it does is a sentence, and gains nothing."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.hosts import LIGHT, SCRIPT
from tests.pace import LIMITS_MEMORY, SLOWNESS

from chainrule._src.base.processes import Limits
from chainrule._src.teach import running
from chainrule._src.teach.expect import Ended, Wrong
from chainrule._src.teach.loader import every, exercise
from chainrule._src.teach.running import LIMITS, Host, Worker

pytestmark = pytest.mark.portable

RIGHT = """
import numpy as np

def softmax(X):
    e = np.exp(X - np.max(X, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
"""
WHOLE = {"softmax": {"needs": ["softmax"], "tests": [], "allows": []}}


@pytest.fixture(scope="module")
def host(hosts):
    return hosts["bare"]


def plan(host, text, path="ada.py"):
    with Worker(host, LIMITS, path) as worker:
        reply = worker.ask({"do": "read", "path": path, "text": text, "names": WHOLE, "stubs": []})
        return reply["value"]["softmax"]


def loaded(host, text, seconds=5.0, memory=2**28):
    """Return a worker that holds softmax, or the error that its code raises."""
    worker = Worker(host, Limits(seconds * SLOWNESS, memory), "softmax")
    reply = worker.ask({"do": "load", "name": "softmax", **plan(host, text)})
    assert "error" not in reply, reply
    return worker


def said(host, text, seconds=5.0):
    """Return what is said of the first check, and the points."""
    try:
        with loaded(host, text, seconds) as worker:
            result = exercise("softmax").run(worker.candidate("softmax"))
    except AssertionError as error:
        return str(error), 0
    except Wrong as error:
        return str(error), 0
    return result.sentence, result.points


def body(text):
    """Return a softmax that does something first."""
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    return f"import os, sys\nimport numpy as np\n\ndef softmax(X):\n{lines}    return np.zeros(3)\n"


def test_a_right_answer_earns_all_points(light_hosts, monkeypatch):
    """In the host that graders use, in which libraries are loaded."""
    monkeypatch.setattr(running, "SCRIPT", SCRIPT)
    libraries = "import matplotlib.pyplot, sklearn.datasets\n"
    with Host("bare:libraries") as host:
        assert said(host, libraries + RIGHT) == ("", exercise("softmax").most)


# What a submission does, and what is said of it.
HOSTILE = {
    "a loop": ("while True: pass", f"did not come to an end within {SLOWNESS:g} s"),
    "sleeping": ("import time; time.sleep(99)", "did not come to an end"),
    "os._exit": ("os._exit(3)", "exit code 3"),
    "os._exit that looks well": ("os._exit(0)", "exit code 0"),
    "sys.exit": ("sys.exit('bye')", "raised SystemExit: “bye"),
    "a signal": ("import signal; signal.raise_signal(9)", "was killed|may not"),
    "abort": ("os.abort()", "SIGABRT"),
    "a segmentation fault": ("import ctypes; ctypes.string_at(0)", "ctypes"),
    "memory": ("x = [b'x' * 2**20 for _ in range(10**6)]", "MemoryError"),
    "an array that does not fit": ("np.ones(10**11)", "Memory"),
    "recursion": ("return softmax(X)", "RecursionError"),
    "a fork bomb": ("while True: os.fork()", "may not start or end processes"),
    "a program": ("os.system('true')", "may not start or end processes"),
    # Python 3.13 has not loaded what starts processes.
    "a process": (
        "import subprocess; subprocess.run(['true'])", "may not start|to be solved with NumPy",
    ),
    "a socket": ("import socket; socket.create_connection(('127.0.0.1', 9))", "network"),
    "killing the grader": ("os.kill(os.getppid(), 9)", "may not start or end processes"),
    "memory of others": ("import gc; gc.get_objects()", "look through the memory"),
    "files of others": ("open(os.path.expanduser('~/.profile'))", "read files|No such file"),
    "writing elsewhere": ("open('/tmp/left-behind', 'w')", "write outside"),
    "removing": ("os.remove('/tmp/nothing')", "change anything outside"),
    "looking around": ("os.listdir('/tmp')", "look at other folders"),
    "torch at run time": ("__import__('to' + 'rch')", "to be solved with NumPy"),
    "an error without text": (
        "raise type('E', (Exception,), {'__str__': lambda s: 1/0})", "raised",
    ),
    "more than can be sent": ("return np.zeros(10**8, dtype='i1')", "95 MB; at|MemoryError"),
    "a value that is nested": (
        "x = []\nfor _ in range(99): x = [x]\nreturn x", "nested more than 16",
    ),
    "NaN for keys": ("return {float('nan'): X, float('nan'): X}", "must be an array"),
    "text": ("return 'softmax'", "must be an array of numbers"),
    "complex": ("return X * np.ones(3) * 1j", "must be an array of numbers"),
    "a generator": ("return (x for x in X)", "array of numbers"),
}  # fmt: skip


OF_SYSTEMS = {"a fork bomb", "abort", "a signal"} if sys.platform == "win32" else set()


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_hostile_answer_does_is_a_sentence_and_earns_nothing(host, name):
    if name in OF_SYSTEMS or (name == "memory" and not LIMITS_MEMORY):
        pytest.skip("this system has no such call, or no such limit")
    text, sentence = HOSTILE[name]
    seconds = {"a loop": 1.0, "sleeping": 0.4}.get(name, 9.0)
    words, points = said(host, body(text), seconds)
    assert points <= 1, (words, points)  # of a vector of three, the shape is right
    assert any(part in words for part in sentence.split("|")), words


def test_files_in_its_own_folder_are_gone_behind_it(host, tmp_path):
    text = body("open('mine.txt', 'w').write(os.getcwd())\nreturn open('mine.txt').read()")
    with loaded(host, text) as worker:
        folder = worker.candidate("softmax")([1])
    assert os.path.isabs(folder)
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    "code",
    [
        "from chainrule.functions import softmax",
        "from chainrule import softmax",
        "import chainrule\nsoftmax = chainrule.softmax",
        "from chainrule._src.teach.lab.models import softmax",
        "import chainrule._src.teach.exercises\nsoftmax = chainrule._src.teach",
        "import sys\nsoftmax = sys.modules['chainrule'].functions.softmax",
        "import importlib\nsoftmax = importlib.import_module('chainrule.functions').softmax",
    ],
)
def test_answers_cannot_be_imported(host, code):
    with Worker(host, LIMITS, "softmax") as worker:
        reply = worker.ask({"do": "load", "name": "softmax", **plan(host, code)})
    assert "answers cannot be imported" in reply["error"]["message"]


def test_answers_are_not_in_its_memory():
    """The search that the hook refuses, done in the host, where nothing refuses it."""
    code = (
        f"{LIGHT}import gc, types\n"
        "host['load']('bare')\n"
        "found = [f for f in gc.get_objects() if isinstance(f, types.FunctionType)]\n"
        "names = {f.__name__ for f in found if str(f.__module__).startswith('chainrule')}\n"
        f"print(names & {set(every())!r}, 'encode' in names)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set() True\n"


def test_checks_and_digits_are_there(host):
    code = """
import numpy as np
from chainrule import check
from chainrule.data import load_digits
check.softmax(None); check.hint()
digits = load_digits()

def softmax(X):
    return digits.X_train.shape
"""
    with loaded(host, code) as worker:
        assert worker.candidate("softmax")([1]) == (1527, 64)


LIES = """
import numpy as np

class Liar(np.ndarray):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __array__(self, *a, **k): return self
    def __bool__(self): return True

def softmax(X):
    return np.zeros(np.shape(X)).view(Liar)
"""
PATCHES = """
import numpy as np
np.allclose = np.array_equal = lambda *a, **k: True
np.isfinite = lambda x: np.True_
np.testing.assert_allclose = lambda *a, **k: None

def softmax(X):
    return np.zeros(np.shape(X))
"""
RAISES = """
class Odd:
    def __eq__(self, other): raise ValueError("no")
    __len__ = __array__ = __getitem__ = __float__ = __repr__ = __iter__ = __eq__
    __hash__ = None

def softmax(X):
    return Odd()
"""


@pytest.mark.parametrize("code", [LIES, PATCHES, RAISES])
def test_lies_about_equality_earn_nothing(host, code):
    sentence, points = said(host, code)
    assert sentence
    assert points < exercise("softmax").most / 2


def test_threads_end_with_it(host):
    text = body(
        "import threading, time\n"
        "threading.Thread(target=lambda: [time.sleep(1) for _ in range(99)]).start()"
    )
    with loaded(host, text) as worker:
        worker.candidate("softmax")([1])
        number = worker._process.number
    with pytest.raises(OSError):  # noqa: PT011  (Windows has no name for it)
        os.kill(number, 0)


def test_megabytes_of_print_are_cut(host):
    with loaded(host, body("for _ in range(3000): print('x' * 1000)\nreturn None")) as worker:
        reply = worker.ask({"do": "call", "of": "softmax", "args": [1]})
    assert len(reply["printed"]) <= 2000


FORGED = """
import os, json, struct
def softmax(X):
    for number in range(3, 200):
        try:
            data = %r
            os.write(number, struct.pack("!Q", len(data)) + data)
        except OSError:
            pass
"""


@pytest.mark.parametrize(
    "data",
    [
        b"no JSON", b"[]", b"{}", b'{"value": {"array": 1}}', b'{"value": {"object": {}}}',
        b'{"error": 3}', b'{"value": 1, "changed": 3}', b'{"value": {"dict": [[[1], 2]]}}',
        b'{"value": {"array": "", "dtype": "O", "shape": [1], "scalar": 0}}',
        b'{"value": {"array": "", "dtype": "f8", "shape": [1e400], "scalar": 0}}',
        b'{"value": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)  # fmt: skip
def test_forged_answers_are_wrong_answers(host, data):
    sentence, points = said(host, FORGED % data, seconds=2.0)
    assert sentence
    assert points == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a socket is no file there")
def test_a_message_that_claims_to_be_endless_is_not_read(host):
    code = FORGED.replace("len(data)", "2**60") % b"x"
    assert "at most 32 are read" in said(host, code)[0]


@pytest.mark.skipif(not running.FORKS, reason="there each process is started anew")
@pytest.mark.usefixtures("light_hosts")
def test_a_host_that_was_killed_is_started_again():
    with Host() as host:
        plan(host, RIGHT)
        host._process.kill()
        host._process.wait()
        assert said(host, RIGHT)[0] == ""


def test_each_process_draws_the_same_random_numbers(host):
    code = body("return np.random.uniform(size=3)")
    drawn = []
    for seed in (1, 1, 2):
        with Worker(host, LIMITS, "softmax", seed) as worker:
            worker.ask({"do": "load", "name": "softmax", **plan(host, code)})
            drawn.append(worker.candidate("softmax")([1]))
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_ended_once_is_ended(host):
    with loaded(host, body("os._exit(1)")) as worker:
        for _ in range(2):
            with pytest.raises(Ended, match="exit code 1"):
                worker.candidate("softmax")([1])


@pytest.mark.usefixtures("light_hosts")
def test_where_processes_do_not_fork_each_is_started_anew(monkeypatch):
    """One reads, one answers."""
    monkeypatch.setattr(running, "FORKS", False)
    ends = RIGHT.replace("    e =", "    if X is None: import os; os._exit(3)\n    e =")
    with Host() as host, loaded(host, ends) as worker:
        assert exercise("softmax").run(worker.candidate("softmax")).passed
        with pytest.raises(Ended, match="exit code 3"):
            worker.candidate("softmax")(None)
