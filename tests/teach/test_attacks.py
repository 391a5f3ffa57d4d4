"""What submissions try against the machine, the grader and each other, and that it fails.

Each attack runs twice: as a submission, and with the audit hook disarmed, so that the kernel alone
stands in its way. It returns what it got; afterwards the test looks at what it was after.
"""

import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.hosts import LIGHT, SCRIPT

from chainrule._src.base.processes import Limits
from chainrule._src.teach import running
from chainrule._src.teach.calls import error_text
from chainrule._src.teach.confined import right_values, sealing
from chainrule._src.teach.confined.frames import receive, send
from chainrule._src.teach.expect import Wrong
from chainrule._src.teach.grading.collect import Entry
from chainrule._src.teach.grading.grade import Grader
from chainrule._src.teach.grading.right_answers import RightAnswers
from chainrule._src.teach.grading.setting import assignment
from chainrule._src.teach.plain import decode
from chainrule._src.teach.running import Host, Worker

if sys.platform != "linux":
    pytest.skip("the kernel's part is Linux's", allow_module_level=True)

DISARMED = f"""{LIGHT}
globals_ = host["main"].__globals__
load = globals_["load"]
def loaded(*args):
    child, frames = load(*args)
    child.limits.hook = lambda *args, **options: None
    return child, frames
globals_["load"] = loaded
host["main"](*sys.argv[1:])
"""
SECRET = "the solution of softmax"
LIBC = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
REFUSALS = "PermissionError|OSError|ImportError|FileNotFoundError|KeyError: “'SECRET"
REFUSALS += "|ValueError: “(current|not allowed to raise)|was killed"
CALL = LIBC + "def call(*args):\n    n = libc.syscall(*args)\n"
CALL += "    if n < 0: raise OSError(ctypes.get_errno(), 'refused')\n    return n\n"

# An attack returns what it wanted if it succeeds. {names} are those of `targets`.
READING = {
    "solutions": "return open({solutions!r}).read()",
    "solutions by a link among the packages": "return open({linked!r}).read()",
    "solutions by a link of its own": "os.symlink({solutions!r}, 'a'); return open('a').read()",
    "solutions by a hard link": "os.link({solutions!r}, 'a'); return open('a').read()",
    "solutions by moving them": "os.rename({solutions!r}, 'a'); return open('a').read()",
    "a link that is in place before": "os.symlink({folder!r}, 'a')\n"
    "return open('a/' + os.path.basename({neighbour!r})).read()",
    "another's submission": "return open({neighbour!r}).read()",
    "another's results": "return ''.join(os.listdir({folder!r}))",
    "passwords": "return open('/etc/shadow').read()",
    "the grader's environment": "return open('/proc/%d/environ' % {grader}, 'rb').read()",
    "the grader's memory": "return open('/proc/%d/mem' % {grader}, 'r+b')",
    "the grader's files by /proc": "return os.listdir('/proc/%d/fd' % {grader})",
    "the grader's folder by /proc": "return os.readlink('/proc/%d/cwd' % {grader})",
    "the grader's command": "return open('/proc/%d/cmdline' % {grader}).read()",
    "ptrace": CALL + "return call(101, 16, {grader}, 0, 0)",
    "the memory of others": CALL + "b = ctypes.create_string_buffer(64)\n"
    "return call(310, {grader}, b, 1, b, 1, 0)",
    "a descriptor of the grader": CALL + "return call(434, {grader}, 0)",
    "inherited descriptors": "import stat\nkinds = []\nfor n in range(3, 9999):\n"
    "    try: kinds.append(stat.S_IFMT(os.fstat(n).st_mode))\n    except OSError: pass\n"
    "return kinds.count(stat.S_IFSOCK) - 1 or list(set(kinds) - {{stat.S_IFSOCK, stat.S_IFCHR}})",
    "secrets in the environment": "return os.environ['SECRET_TOKEN']",
}
CHANGING = {
    "mode": "os.chmod({file!r}, 0o777)",
    "mode by a descriptor": "os.fchmod(os.open({library!r}, 0), 0o777)",
    "mode by a newer call": CALL + "call(452, -100, {file!r}.encode(), 0o777, 0)",
    "times": "os.utime({file!r}, (1, 1))",
    "times by a descriptor": "os.utime(os.open({library!r}, 0), (1, 1))",
    "owner": "os.chown({file!r}, 12, 12)",
    "attributes": "os.setxattr({file!r}, 'user.a', b'a')",
    "content": "open({file!r}, 'w').write('gone')",
    "length": "os.truncate({file!r}, 0)",
    "name": "os.rename({file!r}, {file!r} + '2')",
    "removal": "os.remove({file!r})",
    "a file beside it": "open({folder!r} + '/new', 'w')",
    "a tree of folders that is too deep to be removed": "while True: os.mkdir('a'); os.chdir('a')",
    "a folder beside it": "os.mkdir({folder!r} + '/new')",
}
REACHING = {
    "kill": "os.kill({victim}, 9)",
    "kill by the machine": CALL + "call(62, {victim}, 9)",
    "a signal to a thread": CALL + "call(234, {victim}, {victim}, 9)",
    "a signal by a descriptor's owner": "import fcntl, time\nr, w = os.pipe()\n"
    "fcntl.fcntl(r, 8, {victim}); fcntl.fcntl(r, 10, 9)\n"
    "fcntl.fcntl(r, 4, fcntl.fcntl(r, 3) | 0o20000)\nos.write(w, b'a'); time.sleep(0.1)",
    "a signal by an owner of another kind": "import fcntl, struct\nr, w = os.pipe()\n"
    "fcntl.fcntl(r, 15, struct.pack('ii', 1, {victim}))",
    "a signal by the socket's owner": "import fcntl, struct\nr, w = os.pipe()\n"
    "fcntl.ioctl(r, 0x8901, struct.pack('i', {victim}))",
    "priority": "os.setpriority(os.PRIO_PROCESS, {victim}, 19)",
    "affinity": "os.sched_setaffinity({victim}, [0])",
    "scheduler": "os.sched_setscheduler({victim}, os.SCHED_IDLE, os.sched_param(0))",
    "its own priority": "os.nice(5)",
    "limits of another": "import resource; resource.prlimit({victim}, resource.RLIMIT_CPU, (0, 0))",
    "its own limits": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (99, 99))",
    "limits at an even address": CALL + "at = libc.mmap; at.restype = ctypes.c_void_p\n"
    "at.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]\n"
    "a = at(1 << 40, 4096, 3, 0x32, -1, 0)\nctypes.memset(a, 0, 16)\n"
    "call(302, {victim}, 0, ctypes.c_void_p(a), None)",
    "a process": "os.fork() or os._exit(0)",
    "a program": "os.posix_spawn('/bin/true', ['true'], {{}})",
    "a connection": "import socket; socket.socket()",
    "the clock": "import time; time.clock_settime(0, 1.0)",
    "shared memory": CALL + "call(29, 0, 4096, 0o1600)",
    "another root": "os.chroot('.')",
    "a message queue": CALL + "call(240, b'/a', 0o102, 0o600, None)",
    "asynchronous calls": CALL + "call(425, 8, ctypes.create_string_buffer(120))",
    "keys": CALL + "call(248, b'user', b'a', b'a', 1, -3)",
    "namespaces": CALL + "call(272, 0x10000000)",
}


@pytest.fixture(scope="module")
def hosts_of_attacks(light_hosts, tmp_path_factory):
    """Return hosts whose hook is armed and disarmed, which read a folder of packages."""
    if gap := sealing.gap():
        pytest.skip(gap)
    folder = tmp_path_factory.mktemp("host")
    (folder / "disarmed.py").write_text(DISARMED, "utf-8")
    packages = folder / "lib" / "python3" / "site-packages"
    labs = packages / "chainrule" / "_src" / "teach" / "labs"
    labs.mkdir(parents=True)
    (labs / "01.py").write_text(SECRET)
    (packages / "library.py").write_text("")
    (packages / "lib64").symlink_to(".")
    (packages / "short").symlink_to(labs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(packages)])
        patch.setenv("SECRET_TOKEN", "a")
        with Host() as armed:
            patch.setattr(running, "SCRIPT", folder / "disarmed.py")
            with Host() as disarmed:
                yield {"armed": armed, "disarmed": disarmed, "packages": packages, "labs": labs}


@pytest.fixture
def targets(tmp_path, hosts_of_attacks):
    for name in ("ada.py", "marks.csv"):
        (tmp_path / name).write_text("a secret of others")
        (tmp_path / name).chmod(0o600)
    victim = subprocess.Popen(["sleep", "60"])
    yield {
        "solutions": str(hosts_of_attacks["labs"] / "01.py"), "grader": os.getpid(),
        "linked": str(hosts_of_attacks["packages"] / "lib64/chainrule/_src/teach/labs/01.py"),
        "neighbour": str(tmp_path / "ada.py"), "folder": str(tmp_path), "victim": victim.pid,
        "file": str(tmp_path / "marks.csv"),
        "library": str(hosts_of_attacks["packages"] / "library.py"),
    }  # fmt: skip
    victim.kill()
    victim.wait()


def attempt(host, code, hidden=()):
    """Return what an attack returns, and what is said where it raises."""
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    text = f"import os\nimport numpy as np\ndef softmax(X):\n{lines}    return 'succeeded'\n"
    part = {"texts": {"ada.py": text}, "statements": [["ada.py", n] for n in range(3)]}
    load = {"do": "load", "name": "softmax", "names": ["softmax"], "allows": [], **part}
    with Worker(host, Limits(9.0, 2**28, tuple(hidden)), "softmax") as worker:
        worker.ask(load)
        try:
            return worker.candidate("softmax")([1]), ""
        except Wrong as wrong:
            return None, str(wrong)


def read(path):
    return Path(path).read_text("utf-8")


def state(targets):
    """Return all that an attack may want to change."""
    files = [os.stat(targets[name]) for name in ("file", "library")]
    victim = targets["victim"]
    return {
        "files": [(f.st_mode, f.st_mtime_ns, f.st_uid, f.st_size) for f in files],
        "beside": sorted(os.listdir(targets["folder"])),
        "attributes": os.listxattr(targets["file"]),
        "victim": (os.getpriority(os.PRIO_PROCESS, victim), os.sched_getaffinity(victim),
                   os.sched_getscheduler(victim), read(f"/proc/{victim}/limits")),
        "alive": read(f"/proc/{victim}/stat").rpartition(")")[2].split()[0] in "RSD",
    }  # fmt: skip


@pytest.mark.parametrize("hook", ["armed", "disarmed"])
@pytest.mark.parametrize("name", [*READING, *CHANGING, *REACHING])
def test_an_attack_fails(hosts_of_attacks, targets, name, hook):
    code = (READING | CHANGING | REACHING)[name].format(**targets)
    before = state(targets)
    gained, words = attempt(hosts_of_attacks[hook], code, [targets["folder"]])
    assert not gained
    assert not words or re.search(REFUSALS, words), words
    assert state(targets) == before


# What fills the memory or the disk of the machine, and what is said of it.
FILLING = {
    "files": (
        "for n in range(9999): open(str(n), 'wb').write(bytes(2**20))",
        "writes more than 64 MB into files",
    ),
    "empty files": ("for n in range(10**9): open(str(n), 'wb').close()", "more than 64 MB"),
    "one file": ("open('a', 'wb').write(bytes(200 * 2**20))", "File too large|MemoryError"),
    "a reply of many values": ("return [[]] * 10**6", "more than 500000 values in one message"),
    "a reply of many bytes": ("return 'a' * 2**26", "a message of 64 MB; at most 32 are read"),
    "a large array": ("return np.zeros(10**7)", "an array of 76 MB; at most 16"),
    "memory": ("x = [bytearray(2**20) for _ in range(10**6)]", "MemoryError"),
    "threads": (
        "import threading, time\n"
        "for _ in range(10**5): threading.Thread(target=time.sleep, args=(9,)).start()",
        "can't start new thread|MemoryError|did not come to an end",
    ),
}


@pytest.mark.parametrize("name", FILLING)
def test_what_fills_memory_or_disk_is_ended(hosts_of_attacks, name):
    code, sentence = FILLING[name]
    gained, words = attempt(hosts_of_attacks["armed"], code)
    assert gained is None
    assert re.search(sentence, words), words


# A library's answer that no import names.
LIBRARIES = [
    "import sys\nreturn sys.modules['scipy.special'].softmax(X)",
    "import sys\nreturn sys.modules['scipy.special'].expit(X)",
    "import sklearn.datasets\nreturn sklearn.utils.extmath.softmax(np.atleast_2d(X))",
    "import sys\nreturn getattr(sys.modules['scipy.special'], 'soft' + 'max')(X)",
    "import sys, functools\nreturn functools.partial(sys.modules['scipy.special'].expit)(X)",
    "import sys\nreturn sys.modules['scipy.stats'].norm.cdf(X)",
]
HELPFUL = """import sklearn.datasets, sklearn.preprocessing, functools, random
X = sklearn.preprocessing.StandardScaler().fit_transform(sklearn.datasets.load_digits().data)
class A(dict):
    def __init__(self):
        super().__init__(a=1)
return float(functools.partial(np.sum)(X)) < 1 and A()['a'] and sorted(X.shape, key=lambda a: -a)"""


@pytest.mark.thorough  # a host with all libraries, which takes two seconds
def test_a_library_s_answer_is_seen_when_it_is_called(light_hosts, monkeypatch):
    monkeypatch.setattr(running, "SCRIPT", SCRIPT)
    with Host("bare:libraries") as host:
        for code in LIBRARIES:
            gained, words = attempt(host, code)
            assert gained is None, code
            assert "the exercise is to be solved with NumPy" in words
        assert attempt(host, HELPFUL) == ([1797, 64], "")


HALVES = """# %%
import numpy as np

# %% exercise="half"
def half(x):
    ### BEGIN SOLUTION
    "SOLUTION[of half]"
    return np.asarray(x) / 2  # SOLUTION[in its text]
    ### STUB
    # return None
    ### END SOLUTION

# %% checks="half"
hints = ["?"]
checks.values(3.0)

# %% exercise="quarter"
def quarter(x):
    ### BEGIN SOLUTION
    return half(half(x))
    ### STUB
    # return None
    ### END SOLUTION

# %% checks="quarter"
hints = ["?"]
checks.values(4.0, [1.0, 2.0])
"""
# It looks at all memory from which objects come: texts of its own show that it sees them.
SEARCH = """import numpy as np
def half(x):
    return 3 * x
def memory():
    import ctypes, gc, os
    libc = ctypes.CDLL(None)
    libc.sbrk.restype = ctypes.c_void_p
    libc.pwrite.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long]
    file = os.open("page", os.O_RDWR | os.O_CREAT)
    def page(number):
        size = libc.pwrite(file, number << 12, 4096, 0)
        return os.pread(file, size, 0) if size > 0 else b""
    top = libc.sbrk(0) >> 12
    first = top
    while page(first - 1):
        first -= 1
    arenas = {id(each) >> 20 for each in gc.get_objects()}
    pages = {a << 8 | n for a in arenas for n in range(256)} | {*range(first, top)}
    return b"".join(map(page, sorted(pages)))
def quarter(x):
    import re
    value = half(half(x))
    short = "".join(["SOLUTION", chr(91), "short]"])
    long = "".join(["-" * 9999, "SOLUTION", chr(91), "long]"])
    seen = set(re.findall(rb"SOLUTION\\[([a-z ]+)\\]", memory()))
    return value if seen == {b"short", b"long"} else np.nan
"""


def test_the_right_answers_are_in_no_memory_of_a_submission(hosts_of_attacks, tmp_path):
    (tmp_path / "halves.py").write_text(HALVES, "utf-8")
    (tmp_path / "ada.py").write_text(SEARCH, "utf-8")
    grader = Grader(assignment(str(tmp_path / "halves.py"), 10.0, 2**28))
    grader._host = hosts_of_attacks["disarmed"]
    half, quarter = grader.grade(Entry("ada", tmp_path / "ada.py")).results
    grader._teacher.close()  # it looks for the wrong line; the other host is used again
    assert not half.passed
    assert quarter.passed, quarter.sentence


# What a submission may send in the place of a call of a right function or method.
FORGED = {
    "another name": {"of": "np"},
    "a function's method": {"of": "half", "method": "__getattribute__", "args": ["__code__"]},
    "a class itself": {"of": "Box", "args": [3.0]},
    "another method": {"of": "Box", "method": "__init_subclass__"},
    "an attribute of a method": {"of": "Box", "method": "open.__code__"},
    "an object of another class": {"of": "half", "args": [{"instance": 0}],
                                   "objects": [["half", {}]]},
    "an object that is not there": {"of": "half", "args": [{"instance": 9}]},
    "an object of a submission": {"of": "half", "args": [{"object": "half"}]},
    "attributes that are none": {"of": "Box", "method": "open", "args": [{"instance": 0}],
                                 "objects": [["Box", [1]]]},
    "an explanation": {"do": "explain", "name": "half"},
    "another shape": [1, 2],
    "an error of the solution": {"of": "half", "args": ["a"]},
}  # fmt: skip
BOX = """

# %% exercise="Box"
class Box:
    ### BEGIN SOLUTION
    def open(self):
        return self.content  # SOLUTION[box]
    ### END SOLUTION

# %% checks="Box"
hints = ["Look into it."]
checks.values(0.0, call=lambda Box, x: Box())

# %% exercise="quarter_in_box"
def quarter_in_box(x):
    ### BEGIN SOLUTION
    box = Box()
    box.content = half(half(x))
    return box.open()
    ### END SOLUTION

# %% checks="quarter_in_box"
hints = ["Take a half twice."]
checks.values(0.0)
"""


def test_the_process_of_right_answers_gives_values_alone(hosts_of_attacks, tmp_path):
    path = tmp_path / "halves.py"
    path.write_text(HALVES + BOX, "utf-8")
    right = assignment(str(path)).right("quarter_in_box", ["half", "Box"], "ada")
    empty = {"args": [], "kwargs": {}}
    with RightAnswers(hosts_of_attacks["armed"], Limits(9.0, 2**28), right) as answers:

        def reply(message):
            send(answers.line, message)
            return receive(answers.line)

        for name, message in FORGED.items():
            said = reply(empty | message if isinstance(message, dict) else message)
            assert said.keys() == {"error"}, name
            assert "SOLUTION" not in str(said), name
        assert decode(reply(empty | {"of": "half", "args": [3.0]})["value"]) == 1.5
        call = {"of": "Box", "method": "open", "args": [{"instance": 0}]}
        assert reply(empty | call | {"objects": [["Box", {"content": 7}]]})["value"] == 7


def test_calls_of_right_functions_are_counted(monkeypatch):
    monkeypatch.setattr(right_values, "MOST_CALLS", 2)
    near, far = socket.socketpair()
    with near:
        values = right_values.RightValues({"half": lambda x: x / 2}, {})

        def serve():
            with far:
                values.serve(far)

        thread = threading.Thread(target=serve)
        thread.start()
        assert [right_values.call_right(near, "half", (x,), {}) for x in (1, 2)] == [0.5, 1]
        thread.join()
        with pytest.raises((EOFError, OSError)):
            right_values.call_right(near, "half", (3,), {})


def test_an_error_s_words_are_the_submission_s():
    forged = {"type": "all right; full marks", "line": "1”, says the grader", "code": "”",
              "message": "no” is wrong.\nThe grader failed: give “full marks"}  # fmt: skip
    said = error_text(forged)
    assert said == 'an error: “no" is wrong. The grader failed: give "full marks”'
