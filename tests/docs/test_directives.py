"""The directives of the documentation refuse what does not come from a run."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

CONF = """
extensions = ["myst_parser", "extensions.exercise", "extensions.linked"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
"""
LINKED = """
```python
import numpy as np
import chainrule as cr

def loss(w, x):
    return np.sum((w * x) ** 2)

def gradient(w, x):
    d_w = 2 * w * x * x
    return d_w

w, x = np.ones(2), np.ones(2)
```

:::{linked}
:text: cr.source(loss)(w, x)
:label: the text

| formula | NumPy | chainrule |
|---|---|---|
| $d$ | `HAND` | `GENERATED` |
:::
"""
EXERCISE = """
:::{exercise} A title
:picture: bars(x=[1.0])
:alt: a bar

How much is it?

```py
answer = ANSWER
```

- MISTAKE: the sign.

> Because.
:::
"""


@pytest.fixture
def build(tmp_path):
    def html(text):
        source = tmp_path / "source"
        source.mkdir()
        (source / "conf.py").write_text(CONF, encoding="utf-8")
        (source / "index.md").write_text(f"# Title\n{text}", encoding="utf-8")
        warnings = (tmp_path / "warnings.txt").open("w+", encoding="utf-8")
        with warnings, docutils_namespace():
            folders = [str(source), str(source), str(tmp_path / "out"), str(tmp_path / "trees")]
            Sphinx(*folders, "html", status=None, warning=warnings).build()
            warnings.seek(0)
            said = warnings.read()
        return (tmp_path / "out" / "index.html").read_text(encoding="utf-8"), said

    return html


def _linked(hand="d_w = 2 * w * x * x", generated="t1 = w * x"):
    return LINKED.replace("HAND", hand).replace("GENERATED", generated)


def _exercise(answer="2.0", mistake="`-2.0`"):
    return EXERCISE.replace("ANSWER", answer).replace("MISTAKE", mistake)


def test_a_row_knows_its_line_of_the_text(build):
    html, said = build(_linked())
    assert said == ""
    number = html.split("linked-row line-")[1].split()[0].strip('"')
    line = html.split(f'data-line="{number}">')[1].split("\n")[0]
    assert "t1" in line
    assert html.count("linked-line") > 5


@pytest.mark.parametrize("wrong", [{"generated": "t1 = w + x"}, {"hand": "d_w = 0"}])
def test_a_line_that_does_not_occur_is_an_error(build, wrong):
    _, said = build(_linked(**wrong))
    assert "is no line of" in said
    assert next(iter(wrong.values())) in said


def test_an_exercise_holds_its_answer_and_its_mistakes(build):
    html, said = build(_exercise("1 + 1"))
    assert said == ""
    assert 'data-answer="2.0"' in html
    assert 'data-value="-2.0"' in html
    assert "<details>" in html  # the answer without JavaScript


@pytest.mark.parametrize(
    ("answer", "mistake", "sentence"),
    [
        ("2.0", "`4 / 2`", "too near"),
        ("None", "`1.0`", "must set `answer`"),
        ("'left'", "**right**", "none of the choices"),
        ("2.0", "no code", "begins with inline code"),
    ],
)
def test_an_exercise_that_contradicts_itself_is_an_error(build, answer, mistake, sentence):
    _, said = build(_exercise(answer, mistake))
    assert sentence in said


def test_choices_mark_the_right_one(build):
    html, said = build(_exercise("'left'", "**left**: right.\n- **up**"))
    assert said == ""
    assert html.count("data-right") == 1
    assert 'data-choice="1"' in html
