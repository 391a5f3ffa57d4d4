"""Keras's own tests pass on chainrule, but for those that are listed with their reasons."""

import fnmatch

import keras
import pytest
from tests.peers.keras_tests import FAMILIES
from tests.peers.keras_tests.running import (
    applicable,
    exceptions,
    files,
    of_family,
    outcomes,
    reason,
)

assert keras.backend.backend() == "jax"
MARKS = ("requires_trainable_backend", "multi_device")
FILES = [file for family in FAMILIES for file in files(family)]


@pytest.fixture(autouse=True)
def marks_of_keras(request):
    for mark in MARKS:
        request.config.addinivalue_line("markers", mark)


@pytest.mark.parametrize("file", FILES)
def test_what_fails_is_listed_and_what_is_listed_fails(file):
    known, found = exceptions(), outcomes(file)

    failed = {test: why for test, why in found.items() if why is not None}
    assert {test: why for test, why in failed.items() if not reason(test, known)} == {}
    assert [test for test in found if test not in failed and reason(test, known)] == []


def test_every_exception_is_needed():
    found = {test for file in FILES for test in outcomes(file)}
    assert [one for one in exceptions() if not fnmatch.filter(found, one)] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_nearly_all_that_applies_passes(family):
    found = of_family(family)
    applies = applicable(found, exceptions())
    assert len([test for test in applies if found[test] is None]) >= 0.95 * len(applies)
