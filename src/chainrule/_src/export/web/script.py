"""Modules of JavaScript as one short text, for a page or a module.

Imports, comments and spaces that separate nothing are left out, except for notes to bundlers such
as ``/* @vite-ignore */``. Names stay, so that errors in a browser can be read. The files end their
statements with semicolons, so that lines can be joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

LINKS = re.compile(r"^import .*?;\n|^export (?=async |function |class |const )", re.MULTILINE)
TOKEN = re.compile(
    r"""(?P<note>/\*\s@.*?\*/)|(?P<blank>\s+|//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    r"""|(?P<word>[\w$]+)|(?P<sign>.)""",
    re.DOTALL,
)
PATTERN = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[\n])+/\w*")
# The first of both signs changes nothing, since no loop of the files is without a body.
OPTIONAL = (";}", ",}", ",]", ",)")
# A slash begins a pattern after these, and is a division after a value.
BEFORE_PATTERN = ("", "return", *"(,=:[!&|?{};>")


def joined(folder: Path, names: Sequence[str]) -> str:
    """Return modules as one text, without mutual imports; each begins a line."""
    texts = [(folder / f"{name}.js").read_text("utf-8") for name in names]
    return "".join(f"{shortened(LINKS.sub('', text))}\n" for text in texts)


def shortened(text: str) -> str:
    """Return JavaScript without comments, and without spaces that separate nothing."""
    short: list[str] = []
    last, is_apart = "", False
    for token in _tokens(text):
        if token.isspace():
            is_apart = True
            continue
        glued = last[-1:] + token[:1]
        if glued in OPTIONAL:
            short.pop()
        if is_apart and (re.fullmatch(r"[\w$]{2}", glued) or glued in ("++", "--")):
            short.append(" ")
        short.append(token)
        last, is_apart = token, False
    return "".join(short)


def _tokens(text: str) -> Iterator[str]:
    """Yield words, signs, texts, templates and patterns; a space for spaces and comments."""
    at, last = 0, ""
    while at < len(text):
        end, is_blank = _end(text, at, last)
        if not is_blank:
            last = text[at:end]
        yield " " if is_blank else last
        at = end


def _end(text: str, at: int, last: str) -> tuple[int, bool]:
    """Return the end of the token at ``at``, and true if it is a space or a comment."""
    if text[at] == "`":
        return _end_of_template(text, at), False
    pattern = text[at] == "/" and text[at + 1] not in "/*" and last in BEFORE_PATTERN
    match = (PATTERN if pattern else TOKEN).match(text, at)
    if match is None:
        raise ValueError(f"no token of JavaScript at {text[at : at + 40]!r}")
    return match.end(), not pattern and match["blank"] is not None


def _end_of_template(text: str, at: int) -> int:
    """Return the place behind a template that begins at ``at``; templates may be nested."""
    at, depth = at + 1, 0
    while True:
        if text[at] == "\\":
            at += 1
        elif text[at] == "`":
            if not depth:
                return at + 1
            at = _end_of_template(text, at) - 1
        elif text.startswith("${", at):
            depth, at = depth + 1, at + 1
        elif text[at] == "{" and depth:
            depth += 1
        elif text[at] == "}" and depth:
            depth -= 1
        at += 1
