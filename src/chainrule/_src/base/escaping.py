"""Escaping: text from any source, made safe for Python source, HTML, CSV or a terminal.

All text that is inserted into one of these goes through the function of that name: names of files,
columns, classes and models may contain anything.
"""

from __future__ import annotations

import re
import shlex
import sys
from typing import Self

# Where a spreadsheet may begin a cell, for any separator, before a character that begins a formula.
_FORMULA = re.compile(r"""(^|[,;|"])(?=\s*[=+\-@])""")


def for_python(text: object) -> str:
    r"""Return a text that is safe in a comment, in a docstring, or between double quotes.

    The text stays on its line and does not end the comment or string; as a string literal it
    evaluates to the original text.

    Examples
    --------
    >>> print(for_python('a "b"\nimport os'))
    a \"b\"\nimport os
    """
    return "".join(
        f"\\{c}" if c in '\\"' else c if c.isprintable() else ascii(c)[1:-1] for c in str(text)
    )


def for_csv(text: object) -> str:
    r"""Return a text for a CSV cell that no spreadsheet evaluates as a formula.

    An apostrophe is put before the beginning of a formula, also where a spreadsheet that separates
    by semicolons would begin another cell. Control characters become spaces.

    Examples
    --------
    >>> for_csv("=1+1"), for_csv("a;@b"), for_csv("a - b\n")
    ("'=1+1", "a;'@b", 'a - b ')
    """
    line = "".join(c if c.isprintable() else " " for c in str(text))
    return _FORMULA.sub(r"\1'", line)


def for_shell(text: str) -> str:
    """Return a text as an argument that this system's shells take as one word.

    Examples
    --------
    >>> print(for_shell("my data.csv"))
    'my data.csv'
    """
    is_windows = sys.platform == "win32"
    if is_windows:
        from subprocess import list2cmdline

        return list2cmdline([text])
    return shlex.quote(text)


def for_terminal(text: object) -> str:
    r"""Return a text in which control characters are escaped, for example as ``\x1b``.

    Examples
    --------
    >>> print(for_terminal("a\x1b[31mb"))
    a\x1b[31mb
    """
    return "".join(c if c.isprintable() or c in "\n\u00a0" else ascii(c)[1:-1] for c in str(text))


class Html(str):
    """A string of HTML. Inside other HTML it is inserted as it is, plain strings are escaped."""

    __slots__ = ()

    def __html__(self) -> Self:
        """Return the HTML itself: the protocol by which templates recognise HTML."""
        return self


def for_html(*parts: object) -> Html:
    """Return HTML made of texts, which are escaped, and of HTML, which is not.

    Examples
    --------
    >>> for_html("a < b ", element("b", "&"))
    'a &lt; b <b>&amp;</b>'
    """
    from html import escape  # loads a table of two thousand characters

    return Html("".join(p if isinstance(p, Html) else escape(str(p)) for p in parts))


def element(tag: str, *parts: object, **attributes: object) -> Html:
    """Return an HTML element with attributes, and with texts and HTML inside.

    Examples
    --------
    >>> element("td", "<1>", class_="number", title='"')
    '<td class="number" title="&quot;">&lt;1&gt;</td>'
    """
    attribute_text = "".join(
        f' {name.removesuffix("_").replace("_", "-")}="{for_html(value)}"'
        for name, value in attributes.items()
    )
    return Html(f"<{tag}{attribute_text}>{for_html(*parts)}</{tag}>")
