"""Exercises and linked lines in a browser: by pointer, by keyboard, and without JavaScript."""

import sys
from pathlib import Path

import pytest
from tests.blackboard.browsing import FLAGS, installed

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

STATIC = Path(__file__).parents[2] / "docs" / "_static"
CONF = f"""
extensions = ["myst_parser", "extensions.exercise", "extensions.linked"]
myst_enable_extensions = ["colon_fence"]
html_static_path = [{str(STATIC)!r}]
html_theme = "basic"
"""
PAGE = """# Title

```python
import numpy as np
import chainrule as cr

def loss(w, x):
    y = w * x
    return np.sum(y ** 2)

w, x = np.ones(2), np.ones(2)
```

:::{linked}
:text: cr.source(loss)(w, x)
:label: the text

| formula | NumPy | chainrule |
|---|---|---|
| product | `y = w * x` | `y = w * x` |
| loss | | `loss = np.sum(y ** 2)` |
:::

:::{exercise} A number
:picture: bars(x=[1.0])
:alt: a bar

How much?

```py
answer = 2.5
```

- `-2.5`: the sign is wrong.
- `7.0`: this is seven.

> Half of five.
:::

:::{exercise} A choice
:after:
:picture: bars(x=[1.0])
:alt: a bar

Where?

```py
answer = "left"
```

- **left**: right.
- **up**: this is above.

> On the left.
:::
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    (folder / "index.md").write_text(PAGE, encoding="utf-8")
    with docutils_namespace():
        places = [str(folder), str(folder), str(folder / "out"), str(folder / "trees")]
        Sphinx(*places, "html", status=None, warningiserror=True).build()
    return (folder / "out" / "index.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=installed("Chromium"), args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def page(browser, address):
    """One page for all tests, each of which gives an answer of its own; a page takes 0.4 s."""
    page = browser.new_page()
    page.set_default_timeout(10_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(address)
    yield page
    page.close()
    assert errors == []


def _status(exercise):
    return " ".join(exercise.locator("[role=status]").inner_text().split())


def _say(page, answer):
    exercise = page.locator("#exercise-a-number")
    exercise.locator("input").fill(answer)
    page.keyboard.press("Enter")
    return _status(exercise)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("2.5", "Right. Half of five."),
        ("5/2", "Right. Half of five."),
        ("2,5", "Right. Half of five."),
        ("2.51", "Right. Half of five."),
        ("−2.5", "No. -2.5: the sign is wrong."),
        ("7", "No. 7: this is seven."),
        ("5", "No. This is 2 times the answer."),
        ("0.25", "No. The answer is 10 times this."),
        ("2.6", "No. Nearly: compute with more digits."),
        ("1", "No. This is too small."),
        ("3.3", "No. This is too large."),
        ("", "Enter a number, for example -0.25 or 1/3."),
        ("two", "Enter a number, for example -0.25 or 1/3."),
    ],
)
def test_a_number_is_checked_and_a_mistake_is_named(page, answer, sentence):
    assert _say(page, answer) == sentence


def test_a_choice_is_made_by_keyboard(page):
    exercise = page.locator("#exercise-a-choice")
    exercise.locator("button").press("Enter")
    assert _status(exercise) == "Choose one."
    assert exercise.locator("[role=status] svg").count() == 0
    exercise.locator("input").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert _status(exercise) == "No. up: this is above."
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    assert _status(exercise).startswith("Right. On the left.")
    assert exercise.locator("[role=status] svg").count() == 1  # the picture that shows the answer


def _lit(page):
    lines = page.locator(".linked-line.is-lit").all_inner_texts()
    return [line.split("#")[0].strip() for line in lines]


def test_a_row_lights_up_its_lines(page):
    rows = page.locator(".linked-row")
    rows.nth(0).focus()
    assert _lit(page) == ["y = w * x"]
    page.keyboard.press("ArrowDown")
    assert _lit(page) == ["loss = np.sum(y ** 2)"]
    rows.nth(0).hover()
    assert _lit(page) == ["y = w * x"]


def test_a_line_lights_up_its_row(page):
    page.locator(".linked-line", has_text="np.sum").hover()
    assert page.locator(".linked-row.is-lit").inner_text().startswith("loss")


def test_without_javascript_there_are_the_answers_and_the_table(browser, address):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(address)
    assert page.locator(".exercise form").count() == 0
    assert page.locator(".linked-row").count() == 2
    assert page.locator("#exercise-a-choice .exercise-choices").inner_text().split() == [
        "left",
        "up",
    ]
    page.locator("#exercise-a-number summary").click()
    assert "Answer: 2.5" in page.locator("#exercise-a-number details").inner_text()
    page.close()
