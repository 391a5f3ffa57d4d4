"""Text of any origin, as it may stand in Python's source, in HTML, in CSV, on a terminal.

Whatever is put into one of these goes through the function of that name: names of files, columns,
classes and models come from anywhere.
"""

from __future__ import annotations

import html
import re
from typing import Self

# Where a spreadsheet may begin a cell, whatever it takes for the separator, with what makes a
# formula of it.
_FORMULA = re.compile(r"""(^|[,;|"])(?=\s*[=+\-@])""")


def for_python(text: object) -> str:
    r"""Return a text as it may stand in a comment, in a docstring, or between double quotes.

    It stays on its line and ends neither of them; between quotes it is evaluated to the text.

    Examples
    --------
    >>> print(for_python('a "b"\nimport os'))
    a \"b\"\nimport os
    """
    return "".join(
        f"\\{c}" if c in '\\"' else c if c.isprintable() else ascii(c)[1:-1] for c in str(text)
    )


def for_csv(text: object) -> str:
    r"""Return a text for a cell in which no spreadsheet finds a formula.

    An apostrophe goes before what would begin one, also where a spreadsheet that separates by
    semicolons begins a cell within this one. Control characters become spaces.

    Examples
    --------
    >>> for_csv("=1+1"), for_csv("a;@b"), for_csv("a - b\n")
    ("'=1+1", "a;'@b", 'a - b ')
    """
    line = "".join(c if c.isprintable() else " " for c in str(text))
    return _FORMULA.sub(r"\1'", line)


def for_terminal(text: object) -> str:
    r"""Return a text with escapes, such as ``\x1b``, for what a terminal would act on.

    Examples
    --------
    >>> print(for_terminal("a\x1b[31mb"))
    a\x1b[31mb
    """
    return "".join(c if c.isprintable() or c in "\n\u00a0" else ascii(c)[1:-1] for c in str(text))


class Html(str):
    """HTML, which is put into other HTML as it is; all else is text."""

    __slots__ = ()

    def __html__(self) -> Self:
        """Return the HTML as templates ask for it."""
        return self


def for_html(*parts: object) -> Html:
    """Return texts, and HTML among them, as HTML.

    Examples
    --------
    >>> for_html("a < b ", element("b", "&"))
    'a &lt; b <b>&amp;</b>'
    """
    return Html("".join(p if isinstance(p, Html) else html.escape(str(p)) for p in parts))


def element(tag: str, *parts: object, **attributes: object) -> Html:
    """Return an HTML element that holds texts and HTML.

    Examples
    --------
    >>> element("td", "<1>", class_="number", title='"')
    '<td class="number" title="&quot;">&lt;1&gt;</td>'
    """
    told = "".join(
        f' {name.removesuffix("_").replace("_", "-")}="{for_html(value)}"'
        for name, value in attributes.items()
    )
    return Html(f"<{tag}{told}>{for_html(*parts)}</{tag}>")
