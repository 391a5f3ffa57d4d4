"""`make test` leaves out thorough tests, `make test-all` none."""

import re
from pathlib import Path

import pytest

from tests.tiers import quick_cases

ROOT = Path(__file__).parents[1]


def recipe(target):
    """Return the command with which make tests."""
    text = (ROOT / "Makefile").read_text("utf-8")
    return re.search(rf"^{target}:.*\n\t@(.*)", text, re.MULTILINE)[1]


def test_all_tests_are_those_without_any_condition_but_those_of_the_wheel():
    assert (
        recipe("test-all")
        .replace(" --ignore=tests/install", "")
        .endswith("-m pytest $(SHARED) $(ARGS)")
    )
    assert "pytest tests/install" in recipe("wheel")


def test_quick_tests_are_those_that_are_not_thorough():
    assert '--ignore=tests/install -m "not thorough" $(SHARED)' in recipe("test")


def test_ci_runs_all():
    assert "\nmake test-all\n" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("total", [1, 5, 42, 650])
@pytest.mark.parametrize("count", [1, 2, 8, 72])
def test_each_part_of_a_family_has_a_quick_case(count, total):
    cases = sorted(quick_cases(count, total))
    assert len(cases) == min(count, total)
    for part, case in enumerate(cases):
        assert part * total // len(cases) <= case < (part + 1) * total // len(cases)


def test_quick_cases_of_a_table_are_in_all_its_columns():
    assert len({case % 4 for case in quick_cases(10, 40)}) == 4
