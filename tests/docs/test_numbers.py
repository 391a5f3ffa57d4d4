"""A measured number in the text of a page comes from code on the page or from a file it names."""

import re
from functools import cache

import pytest
from tests.docs.pages import DOCS, ROOT, name_of, pages

NUMBER = re.compile(
    r"(?<![\w.,])(\d[\d,]*(?:\.\d+)?)\s?(%|ms|µs|s|kB|MB|GB|×(?!\s?\d)|seconds|times)(?!\w)"
)
BLOCK = re.compile(r"^( *)(`{3,}|:{3,}\{math\}).*?^\1(`{3,}|:{3,}) *$", re.MULTILINE | re.DOTALL)
# Written by benchmarks/publish.py.
PUBLISHED = re.compile(r"<!-- ([\w -]+) -->.*?<!-- end of \1 -->", re.DOTALL)
NAMED = re.compile(r"[\w-]+(?:/[\w.-]+)+\.\w+")  # a path
# A command that prints the number.
MEASURES = re.compile(
    r"`make [\w-]+`|`du`|`chainrule train \w+ --cv \d+`|`chainrule blackboard --export`"
)
QUOTED = re.compile(r'"[^"]{,200}"|`[^`]+`')  # what the library says, and code
# What may be read or run to get a number: scripts, what they wrote, sources, tests.
SOURCES = ("benchmarks", "src", "tests", "docs/decisions", "docs/reference", "blackboard-web/src")


def sections(page):
    """Return the parts of a page between its headings of the first two levels."""
    text = PUBLISHED.sub("", page.read_text(encoding="utf-8"))
    return re.split(r"^##? ", text, flags=re.MULTILINE)


@cache
def files():
    paths = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.*")]
    return {path.relative_to(ROOT).as_posix() for path in paths if "node_modules" not in path.parts}


def sources(section):
    """Return what a section names that numbers may come from: files of the repository, commands."""
    named = [name.lstrip("./") for name in NAMED.findall(section)]
    named += [f"docs/{name}" for name in named]  # as a page links to others
    return [name for name in named if name in files()] + MEASURES.findall(section)


def numbers(section, shown):
    """Return the numbers with units in the prose of a section, but for those that code shows."""
    found = NUMBER.findall(QUOTED.sub("", BLOCK.sub("", section)))
    return [f"{number} {unit}" for number, unit in found if number not in shown]


def unsupported(page):
    """Return the sections of a page with numbers that come from nowhere."""
    shown = "".join(match[0] for match in BLOCK.finditer(page.read_text(encoding="utf-8")))
    parts = [(section, numbers(section, shown)) for section in sections(page)]
    return [
        (section.splitlines()[0], each) for section, each in parts if each and not sources(section)
    ]


# A decision tells what was measured when it was taken; a change log what changed.
RECORDS = {DOCS / "changes.md", *(DOCS / "decisions").glob("*.md")}


@pytest.mark.parametrize("page", [p for p in pages() if p not in RECORDS], ids=name_of)
def test_numbers_come_from_code_or_from_a_file(page):
    assert unsupported(page) == []
