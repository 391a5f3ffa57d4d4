"""The rules of the audit hook, event by event, without a submission that causes the events."""

import os
import sys

import pytest

from chainrule._src.teach.confined import limits

WRITE = os.O_WRONLY | os.O_CREAT
FORBIDDEN = {
    "writing elsewhere": ("open", ("{shared}/a", "w", WRITE), "write outside"),
    "creating by a flag alone": ("open", ("{shared}/a", None, os.O_CREAT), "write outside"),
    "writing through a link": ("open", ("{own}/link/a", "w", WRITE), "write outside"),
    "reading elsewhere": ("open", ("{other}/a", "r", 0), "read files"),
    "reading a neighbour of a readable folder": ("open", ("{shared}2/a", "r", 0), "read files"),
    "reading what is hidden": ("open", ("{shared}/hidden/a", "r", 0), "read files"),
    "reading bytes": ("open", (b"/", "r", 0), "read files"),
    "looking elsewhere": ("os.scandir", ("{other}",), "look at other folders"),
    "looking at what is hidden": ("os.listdir", ("{shared}/hidden",), "look at other folders"),
    "going elsewhere": ("os.chdir", ("{other}",), "look at other folders"),
    "removing": ("os.remove", ("{shared}/a", -1), "change anything outside"),
    "moving out": ("os.rename", ("{own}/a", "{shared}/a", -1, -1), "change anything outside"),
    "linking in": ("os.link", ("{shared}/a", "{own}/a", -1, -1), "change anything outside"),
    "a process": ("os.posix_spawn", ("true",), "start or end processes"),
    "a signal": ("os.killpg", (1, 9), "start or end processes"),
    "a connection": ("socket.connect", (), "open network connections"),
    "memory": ("gc.get_objects", (0,), "look through the memory"),
    "machine code": ("ctypes.dlopen", ("c",), "call into the machine"),
    "another framework": ("import", ("torch.nn",), "to be solved with NumPy"),
}
ALLOWED = {
    "writing": ("open", ("{own}/a", "w", WRITE)),
    "reading a library": ("open", ("{shared}/a", "r", 0)),
    "a descriptor": ("open", (3, "w", WRITE)),
    "looking around": ("os.listdir", (None,)),
    "looking at a library": ("os.listdir", ("{shared}",)),
    "moving": ("os.rename", ("{own}/a", "{own}/b", -1, -1)),
    "NumPy": ("import", ("numpy",)),
    "a module whose name begins alike": ("import", ("torchlight",)),
}


@pytest.fixture
def places(tmp_path):
    folders = {name: str(tmp_path / name) for name in ("own", "shared", "shared2", "other")}
    for folder in folders.values():
        os.mkdir(folder)
    (tmp_path / "own" / "link").symlink_to(folders["shared"], target_is_directory=True)
    return {name: os.path.realpath(folder) for name, folder in folders.items()}


@pytest.fixture
def audit(places, monkeypatch):
    """Return a function that installs the rules and calls them with an event."""

    def call(event, args, explains=False):
        hooks = []
        monkeypatch.setattr(sys, "addaudithook", hooks.append)
        hidden = [places["shared"] + "/hidden"]
        limits.hook(places["own"], [places["shared"]], hidden, explains=explains)
        (hook,) = hooks
        hook(event, tuple(a.format(**places) if isinstance(a, str) else a for a in args))

    return call


@pytest.mark.skipif(os.name == "nt", reason="the paths are POSIX's")
@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_rule_refuses(audit, name):
    event, args, sentence = FORBIDDEN[name]
    with pytest.raises((PermissionError, ImportError), match=sentence):
        audit(event, args)


@pytest.mark.skipif(os.name == "nt", reason="the paths are POSIX's")
@pytest.mark.parametrize("name", ALLOWED)
def test_all_else_is_allowed(audit, name):
    audit(*ALLOWED[name])


def test_a_diagnosis_may_inspect_memory_and_nothing_more(audit):
    audit("gc.get_objects", (0,), explains=True)
    audit("ctypes.dlopen", ("c",), explains=True)
    with pytest.raises(PermissionError, match="open databases"):
        audit("sqlite3.connect", ("a",), explains=True)


def test_a_submission_cannot_replace_the_rules(audit, monkeypatch):
    hooks = []
    monkeypatch.setattr(sys, "addaudithook", hooks.append)
    limits.hook("/own", [], [])
    for name in ("MODULES", "REFUSED", "PROCESSES", "CHANGES", "LOOKS", "_prefixes", "_file_rules"):
        monkeypatch.setattr(limits, name, ())
    monkeypatch.setattr(os.path, "realpath", lambda path: "/own")
    monkeypatch.setattr(limits, "Path", ())
    for event, args, _ in FORBIDDEN.values():
        with pytest.raises((PermissionError, ImportError)):
            hooks[0](event, args)
