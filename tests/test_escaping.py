"""Text of any origin in source, pages, tables of numbers and terminals: nobody acts on it."""

from __future__ import annotations

import ast
import csv
import functools
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule._src.base.console import Terminal
from chainrule._src.base.escaping import Html, element, for_csv, for_html, for_python, for_terminal
from chainrule._src.base.pages import page
from tests.code import nodes

SOURCE = Path(chainrule.__file__).parent
READ = ast.Call | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Name


@functools.cache
def nodes_by_file():
    """Return the nodes of each file that the tests here look at."""
    return {
        path.relative_to(SOURCE).as_posix(): [n for n in nodes(path) if isinstance(n, READ)]
        for path in sorted(SOURCE.rglob("*.py"))
    }


TEMPLATES = sorted(SOURCE.rglob("templates/*.html"))
TEXTS = st.text(st.characters(codec=None) | st.sampled_from("\"'\\\n\r\x1b\x9b\u2028<>&=+-@;, "))


@given(TEXTS)
def test_python_reads_the_text_and_nothing_else(text):
    written = for_python(text)
    assert written.isprintable()
    module = ast.parse(f'"""{written} ends."""\nx = "{written}"  # {written}\n')
    docstring, assigned = module.body
    assert docstring.value.value == f"{text} ends."
    assert assigned.value.value == text


@given(TEXTS)
def test_html_shows_the_text_and_nothing_else(text):
    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.tags, self.read = [], []

        def handle_starttag(self, tag, attributes):
            self.tags.append((tag, dict(attributes)))

        def handle_data(self, data):
            self.read.append(data)

    reader = Reader()
    reader.feed(element("p", text, title=text))
    reader.close()
    assert reader.tags == [("p", {"title": text})]
    assert "".join(reader.read) == text


def test_html_is_put_into_html_as_it_is_and_into_templates():
    inner = element("b", "<")
    assert for_html("<", inner) == "&lt;<b>&lt;</b>"
    assert isinstance(for_html(inner), Html)
    import jinja2

    template = jinja2.Environment(autoescape=True).from_string("{{ a }}{{ b }}")
    assert template.render(a=inner, b="<") == "<b>&lt;</b>&lt;"


@given(st.lists(TEXTS, min_size=1, max_size=4), st.sampled_from(",;\t|"))
def test_a_spreadsheet_finds_no_formula_whatever_its_separator(texts, separator):
    file = io.StringIO(newline="")
    csv.writer(file).writerow(map(for_csv, texts))
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        lines = io.StringIO(file.getvalue(), newline="")
        for row in csv.reader(lines, delimiter=separator, quoting=quoting):
            for cell in row:
                assert not cell.lstrip(' "').startswith(("=", "+", "-", "@")), cell
                assert not re.search(r"[\x00-\x1f]", cell)


@given(TEXTS)
def test_a_terminal_acts_on_nothing(text):
    assert all(c.isprintable() or c in "\n\u00a0" for c in for_terminal(text))
    assert for_terminal("plain ü\n") == "plain ü\n"


def test_a_console_escapes_whatever_is_printed():
    from rich.padding import Padding
    from rich.progress import Progress, TextColumn
    from rich.syntax import Syntax
    from rich.table import Table
    from rich.text import Text

    evil = "a\x1b[31m\x07b\x9b"
    table = Table(title=evil)
    table.add_column(evil)
    table.add_row(evil)
    bars = Progress(TextColumn("{task.fields[last]}"))
    bars.add_task(evil, last=evil)
    things = evil, Text(evil), table, Padding(evil), Syntax(evil, "python"), bars.get_renderable()
    for thing in things:
        file = io.StringIO()
        Terminal(file=file, width=60).print(thing)
        assert "a\\x1b" in file.getvalue()
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", file.getvalue())


# The whole code


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_takes_nothing_for_html_by_itself(path):
    assert not re.search(r"\|\s*safe|autoescape|Markup", path.read_text())


def test_there_are_templates_and_each_is_filled_by_one_function(tmp_path):
    assert len(TEMPLATES) >= 4
    assert users("Environment") == {"_src/base/pages.py"}
    (tmp_path / "a.html").write_text("<p>{{ text }}</p>")
    assert page(tmp_path / "a.html", text="<b>") == "<p>&lt;b&gt;</p>"


def called(node):
    """Return the name of what a node calls, or None."""
    if not isinstance(node, ast.Call):
        return None
    return getattr(node.func, "attr", getattr(node.func, "id", None))


def users(name):
    """Return the files in which a function of a name is called."""
    files = nodes_by_file().items()
    return {file for file, nodes in files if any(called(node) == name for node in nodes)}


def test_who_says_that_a_text_is_html():
    """Matplotlib's pictures, Markdown without HTML, besides what the functions here make."""
    of_blackboard = {"_src/blackboard/replay.py", "_src/blackboard/site.py"}
    others = {"_src/base/plots.py", "_src/teach/writing/course.py"}
    assert users("Html") == {"_src/base/escaping.py", *others, *of_blackboard}
    assert users("HashedText") == {"_src/export/web/document.py"}


# The text of a program is escaped where it is made, cell by cell.
BY_HAND = {"_src/base/escaping.py", "_src/text/show.py"}


def test_no_html_is_made_by_hand():
    tag = re.compile(r"(?<!P)</?[a-z][a-z0-9]*(\s+[a-z-]+=|\s*/?>)")
    assert {
        file
        for file, nodes in nodes_by_file().items()
        for node in nodes
        if isinstance(node, ast.JoinedStr)
        and tag.search("{}".join(p.value for p in node.values if isinstance(p, ast.Constant)))
    } <= BY_HAND
    assert {
        file
        for file, nodes in nodes_by_file().items()
        for node in nodes
        if (isinstance(node, ast.Import) and any(a.name == "html" for a in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module in ("html", "markupsafe"))
    } == BY_HAND


def test_every_line_for_a_terminal_goes_through_one_function():
    assert users("Console") == set()
    for file, calls in nodes_by_file().items():
        for node in calls:
            if called(node) == "echo":
                assert called(node.args[0]) == "for_terminal", (file, node.lineno)
            if file.startswith("_src/cli/"):
                assert called(node) != "print" or isinstance(node.func, ast.Attribute), file


def test_who_writes_csv():
    """Predictions, marks and logs; what is ejected writes its own."""
    assert users("writer") | users("DictWriter") == {
        "_src/data/tables/writing.py", "_src/teach/grading/marks.py",
        "_src/nn/callbacks/records.py",
    }  # fmt: skip
    for file in users("writer") | users("DictWriter"):
        names = [getattr(node, "id", None) for node in nodes_by_file()[file]]
        assert "for_csv" in names, file
