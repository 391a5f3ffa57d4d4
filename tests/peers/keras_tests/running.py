"""Test files of Keras's run one test after another, and what is known not to pass."""

import contextlib
import fnmatch
import io
import unittest
import warnings
from functools import cache
from pathlib import Path

import keras
from tests.peers.keras_tests import FAMILIES
from tests.peers.keras_tests.imports import load, patched

from chainrule.keras.utils import set_random_seed

SOURCE = Path(keras.__file__).parent / "src"
EXCEPTIONS = Path(__file__).with_name("exceptions.txt")
LACKING = "lacking:"  # begins the reason of what applies and does not pass


class _Outcomes(unittest.TestResult):
    """The tests that ran, by name: None, or why they failed."""

    def __init__(self, file):
        super().__init__()
        self.file, self.found = file, {}

    def _name(self, test):
        return f"{self.file}::{type(test).__name__}::{test._testMethodName}"

    def addSuccess(self, test):
        self.found[self._name(test)] = None

    def addFailure(self, test, error):
        if error[0].__name__ == "Skipped":  # pytest's, in the midst of a test
            return
        lines = str(error[1]).strip().splitlines() or [""]
        self.found[self._name(test)] = f"{error[0].__name__}: {lines[0]}"

    addError = addFailure


def files(family):
    """Return a family's test files, below Keras's sources."""
    found = {path for pattern in FAMILIES[family] for path in SOURCE.glob(pattern)}
    return sorted(path.relative_to(SOURCE).as_posix() for path in found)


def names(file):
    """Return the names of a file's tests."""
    with warnings.catch_warnings(), patched():
        warnings.simplefilter("ignore")
        module = load(f"keras.src.{file.removesuffix('.py').replace('/', '.')}", True)
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = _Outcomes(file)
    return [result._name(test) for test in _flat(suite)]


@cache
def outcomes(file, on_chainrule=True):
    """Return why each test of a file failed, None where it passed; without those that it skips."""
    calling = patched() if on_chainrule else contextlib.nullcontext()
    quiet = contextlib.redirect_stdout(io.StringIO())
    with warnings.catch_warnings(), calling, quiet:
        warnings.simplefilter("ignore")
        module = load(f"keras.src.{file.removesuffix('.py').replace('/', '.')}", on_chainrule)
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
        result = _Outcomes(file)
        set_random_seed(0)  # what is refused may depend on weights
        unittest.TestSuite(test for test in _flat(suite) if not _is_skipped(test)).run(result)
    return result.found


def exceptions():
    """Return the reasons of what is known not to pass, by pattern."""
    lines = [line.strip() for line in EXCEPTIONS.read_text().splitlines()]
    pairs = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return dict(pairs)


def reason(test, known):
    """Return why a test is known not to pass, or None."""
    found = (why for pattern, why in known.items() if fnmatch.fnmatchcase(test, pattern))
    return next(found, None)


def of_family(family, on_chainrule=True):
    """Return the outcomes of all files of a family."""
    found = {}
    for file in files(family):
        found |= outcomes(file, on_chainrule)
    return found


def applicable(tests, known):
    """Return the tests that are not out of scope."""
    return [test for test in tests if (reason(test, known) or LACKING).startswith(LACKING)]


def _flat(suite):
    for test in suite:
        yield from _flat(test) if isinstance(test, unittest.TestSuite) else [test]


def _is_skipped(test):
    """Say whether marks of pytest's leave a test out: another backend, several devices."""
    method = getattr(test, test._testMethodName)
    marks = [*getattr(type(test), "pytestmark", []), *getattr(method, "pytestmark", [])]
    return any(
        mark.name in ("skip", "multi_device") or (mark.name == "skipif" and mark.args[0])
        for mark in marks
    )
