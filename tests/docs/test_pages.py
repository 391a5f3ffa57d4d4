"""The code of every page runs, from top to bottom, in an empty folder."""

import re
import warnings

import pytest
from tests.docs.pages import RUNS, blocks, name_of, pages, run

# `py` is code that a directive of the page runs, such as the answer of an exercise.
SHOWN = {"bash", "", "console", "dockerfile", "html", "json", "py", "text", "toml"}


README, *PAGES = [page for page in pages() if blocks(page)]


@pytest.mark.usefixtures("no_wall_limit")
def test_readme_runs(tmp_path):
    run(README, tmp_path)


@pytest.mark.sampled(quick=8)  # what pages show has tests of its own
@pytest.mark.usefixtures("no_wall_limit")
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_page_runs(page, tmp_path):
    run(page, tmp_path)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_block_says_how_it_runs(page):
    languages = {block.language for block in blocks(page)}
    known = {language for language in languages if language in SHOWN | set(RUNS)}
    assert all(re.match(r"\{[\w-]+\}", directive) for directive in languages - known)


def page_of(folder, text):
    page = folder / "page.md"
    page.write_text(text)
    return page


def test_blocks_share_their_names_in_lists_and_directives_too(tmp_path):
    text = (
        "```python\nx = 1\n```\n\n- a\n\n  ```python\n  >>> x + 1\n  2\n  >>> y = x\n  ```\n\n"
        ":::{tab-item} b\n```python\nz = x + y\n```\n:::\n\n```text\nnot code\n```\n"
    )
    names = run(page_of(tmp_path, text), tmp_path)
    assert names["z"] == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("```python\n\n1 / 0\n```\n", ZeroDivisionError),
        ("```python\n>>> 1 + 1\n3\n```\n", AssertionError),
        ("```python\n>>> 1 / 0\n```\n", AssertionError),
        ("```python\nimport warnings\nwarnings.warn('no')\n```\n", UserWarning),
        ("```sh\nchainrule train nowhere.csv\n```\n", AssertionError),
        ("```sh\nmake lab\n```\n", AssertionError),
        ("```sh\npython -c 'raise SystemExit(1)'\n```\n", AssertionError),
        ("```js\nthrow new Error();\n```\n", AssertionError),
    ],
)
def test_what_fails_fails(tmp_path, text, error):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error):
            run(page_of(tmp_path, text), tmp_path)


def test_a_block_of_another_library_runs_if_asked(tmp_path):
    page = page_of(tmp_path, "```python\n# Keras\nx = 1\n```\n")
    assert "x" not in run(page, tmp_path)
    assert run(page, tmp_path, {"keras"})["x"] == 1
