"""The page says what the commands say."""

import re
from pathlib import Path

import pytest
from tests.cli.running import done

from chainrule._src.cli.problems import EXIT_CODES
from chainrule._src.cli.settings import OPTIONS, Settings, key_of

PAGE = Path(__file__).parents[2].joinpath("docs", "cli.md").read_text(encoding="utf-8")
TRAIN = PAGE.partition("\n## train\n")[2].partition("\n## ")[0]


def test_the_page_names_every_exit_code():
    codes = dict(re.findall(r"^\| (\d+) \| ([^:;|]+?)[:;|\s]*(?:[:;].*)?\|$", PAGE, re.MULTILINE))
    assert {int(code): text.strip() for code, text in codes.items()} == EXIT_CODES


def test_the_page_has_every_option_of_train_with_its_default():
    rows = re.findall(r"^\| (`-.*?)( [A-Z.a-z]+)?` \| (.*?) \|", TRAIN, re.MULTILINE)
    listed = {names.split("--")[-1].strip("`"): default.strip("` ") for names, _, default in rows}
    fields = Settings()
    assert set(listed) == {key_of(name) for name in OPTIONS} | {"config"}
    for key, default in listed.items():
        value = getattr(fields, key.replace("-", "_"), None)
        shown = next(iter(value), None) if isinstance(value, tuple) else value
        shown = {False: "off", True: "on"}[shown] if isinstance(shown, bool) else shown
        shown = default if shown is None else shown
        assert default == (f"{shown:g}" if isinstance(shown, float) else str(shown)), key


@pytest.mark.parametrize("key", [key_of(name) for name in OPTIONS])
def test_help_has_every_option(key):
    assert f"--{key} " in done("train", "--help").stdout


@pytest.mark.parametrize(
    "verb",
    ["train", "evaluate", "predict", "show", "export", "plot", "blackboard", "grade", "export-lab"],
)
def test_every_verb_has_a_section_and_help(verb):
    assert f"\n## {verb}\n" in PAGE
    assert f" {verb} [OPTIONS] " in done(verb, "--help").stdout
