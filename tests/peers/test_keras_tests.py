"""Keras's own tests pass on chainrule, but for those that are listed with their reasons."""

import fnmatch

import keras
import pytest
from tests.peers.keras_tests import FAMILIES
from tests.peers.keras_tests.running import (
    applicable,
    exceptions,
    files,
    names,
    of_family,
    reason,
)

assert keras.backend.backend() == "jax"
MARKS = ("requires_trainable_backend", "multi_device")


@pytest.fixture(autouse=True)
def marks_of_keras(request):
    for mark in MARKS:
        request.config.addinivalue_line("markers", mark)


@pytest.mark.parametrize("family", FAMILIES)
def test_nearly_all_passes_what_fails_is_listed_and_what_is_listed_fails(family):
    known, found = exceptions(), of_family(family)
    failed = {test: why for test, why in found.items() if why is not None}
    assert {test: why for test, why in failed.items() if not reason(test, known)} == {}
    assert [test for test in found if test not in failed and reason(test, known)] == []
    applies = applicable(found, known)
    assert len([test for test in applies if found[test] is None]) >= 0.95 * len(applies)


def test_every_exception_is_of_a_test():
    found = {test for family in FAMILIES for file in files(family) for test in names(file)}
    assert [one for one in exceptions() if not fnmatch.filter(found, one)] == []
