"""Run code as if nothing but the base of pyproject.toml were installed."""

import json
import os
import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Replaces the finder of installed packages by one that finds those of the base alone.
HIDE = """
import sys
from importlib.machinery import PathFinder

class Base(PathFinder):
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] not in {hidden}:
            return PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Base
"""


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def normalized(requirement):
    """Return the name of a requirement's distribution, or None where it is for an extra."""
    if "extra ==" in requirement:
        return None
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def closure(requirements):
    """Return the names of distributions and of all that they bring along."""
    names, waiting = set(), [*filter(None, map(normalized, requirements))]
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            with suppress(PackageNotFoundError):  # for another system or version of Python
                waiting += filter(None, map(normalized, requires(name) or ()))
    return names


@cache
def modules_of():
    """Return the distributions, normalized, that each top-level module comes with."""
    return {
        module: {normalized(name) for name in names}
        for module, names in packages_distributions().items()
    }


@cache
def hidden():
    """Return the modules that are installed here, but not with the base."""
    base = closure(project()["dependencies"]) | {"chainrule"}
    return {module for module, names in modules_of().items() if not names & base}


def run(code, folder, *arguments):
    """Run Python code in a process that finds the base alone; return how it ended."""
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden=hidden()) + code, *arguments],
        cwd=folder, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip


# To load the command line lasts longest: each verb is a fork of a process that has run one.
VERBS = """
import json, os
from contextlib import suppress
from chainrule._src.cli.app import app
from chainrule.__main__ import main

with suppress(SystemExit):
    app(["grade", "."])
outcomes = []
for words in json.loads(sys.argv[1]):
    (ours, theirs), sys.argv = os.pipe(), ["chainrule", *words]
    if not (process := os.fork()):
        os.dup2(theirs, 2), os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.closerange(ours, theirs + 1)
        sys.exit(main())
    os.close(theirs)
    with open(ours) as errors:
        stderr = errors.read()
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    outcomes.append([code, stderr, os.listdir()])
print(json.dumps(outcomes))
"""


def commands(folder, verbs):
    """Run verbs of the command line so; return exit codes, errors and the files that are there."""
    done = run(VERBS, folder, json.dumps([*verbs]))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
