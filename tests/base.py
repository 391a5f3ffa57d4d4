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

class Base:
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


def run(code, folder, **environment):
    """Run Python code in a process that finds the base alone; return how it ended."""
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden=hidden()) + code],
        cwd=folder, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
    )  # fmt: skip


def command(folder, *words):
    """Run a verb of the command line so."""
    argv = json.dumps(["chainrule", *map(str, words)])
    return run(f"sys.argv = {argv}\nfrom chainrule.__main__ import main\nmain()\n", folder)
