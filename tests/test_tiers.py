"""`make test` leaves out thorough tests, `make test-all` none."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.tiers import is_thorough, quick_cases, split_part

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


def test_ci_runs_all_quick_tests_and_a_part_of_the_thorough_ones():
    assert '\nmake test-all ARGS="--part ' in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_nightly_run_takes_all():
    assert "\n      - run: make test-all\n" in (ROOT / ".github/workflows/nightly.yml").read_text(
        "utf-8"
    )


@pytest.mark.parametrize("count", [1, 3, 5])
def test_each_thorough_test_is_in_one_part_and_each_quick_one_in_all(count, request):
    items = request.session.items
    parts = [split_part(items, f"{number}/{count}")[0] for number in range(7, 7 + count)]
    times = Counter(item for part in parts for item in part)
    assert {times[item] for item in items if is_thorough(item)} <= {1}
    assert {times[item] for item in items if not is_thorough(item)} == {count}
    assert len(times) == len(items)


@pytest.mark.parametrize("total", [1, 5, 42, 650])
@pytest.mark.parametrize("count", [1, 2, 8, 72])
def test_each_part_of_a_family_has_a_quick_case(count, total):
    cases = sorted(quick_cases(count, total))
    assert len(cases) == min(count, total)
    for part, case in enumerate(cases):
        assert part * total // len(cases) <= case < (part + 1) * total // len(cases)


def test_quick_cases_of_a_table_are_in_all_its_columns():
    assert len({case % 4 for case in quick_cases(10, 40)}) == 4
