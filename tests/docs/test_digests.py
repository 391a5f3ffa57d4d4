"""What is made from code is made again when that code changes, and only then."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

from extensions import digests

ONE = '"""Text."""\n\n\ndef f(x):\n    """More text."""\n    return x + 1\n'


@pytest.fixture
def source(tmp_path):
    digests.code.cache_clear()
    path = tmp_path / "source.py"
    path.write_text(ONE, encoding="utf-8")
    digests.note_code(tmp_path, [path])
    digests.code.cache_clear()
    return path


@pytest.mark.parametrize(
    ("old", "new"),
    [("More text", "Other words,\n\n    on more lines"), ("return", "# why\n    return"), ("", "")],
)
def test_words_make_nothing_again(source, old, new):
    source.write_text(ONE.replace(old, new), encoding="utf-8")
    assert digests.is_made(source.parent)


@pytest.mark.parametrize(("old", "new"), [("+ 1", "+ 2"), ("x", "y"), ("f(", "g(")])
def test_code_makes_it_again(source, old, new):
    source.write_text(ONE.replace(old, new), encoding="utf-8")
    assert not digests.is_made(source.parent)


def test_a_lost_source_makes_it_again(source):
    source.unlink()
    assert not digests.is_made(source.parent)


def test_pages_are_made_once_for_the_same_text(tmp_path):
    calls, source = [], tmp_path / "page.toml"
    for text in ("one", "one", "two"):
        source.write_text(text, encoding="utf-8")
        digests.made(tmp_path / "pages", calls.append, [source])
    assert len(calls) == 2


def test_what_is_imported_is_code_of_ours():
    files = digests.imported()
    assert Path(digests.__file__) in files
    assert digests.CODE / "__init__.py" in files
    assert not any("numpy" in path.parts for path in files)
