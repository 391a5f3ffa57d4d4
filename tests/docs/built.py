"""The site that `make docs` writes, built where a source is newer, and what its pages refer to."""

import gzip
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from tests.base import ROOT

import chainrule

SITE = ROOT / "build" / "docs"
VERSION = SITE / chainrule.__version__
TAG = re.compile(
    r"<([a-z][a-z0-9-]*)((?:\s+[^\s=>]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+))?)*)\s*/?>", re.I
)
ATTRIBUTE = re.compile(r"([a-z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.I)
TEXTS = {".css", ".html", ".js", ".json", ".svg"}


def built():
    """Return the folder of the site of this version; build it if a source is newer."""
    for package in ("pydata_sphinx_theme", "pagefind", "fcntl"):
        locks = pytest.importorskip(package, reason="the documentation is written by: make docs")
    SITE.mkdir(parents=True, exist_ok=True)
    with (SITE / ".lock").open("w") as lock:
        locks.flock(lock, locks.LOCK_EX)  # of several processes of pytest, one builds
        if stale():
            done = subprocess.run(
                [sys.executable, ROOT / "docs" / "build.py"], capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr[-4000:]
    return VERSION


def stale():
    """Say whether a source of the site is newer than the site."""
    made = SITE / "versions.js"
    listed = subprocess.run(
        ["git", "ls-files", "docs", "src"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    sources = [ROOT / line for line in listed.stdout.splitlines()]
    newest = max(path.stat().st_mtime for path in sources if path.exists())
    return not made.exists() or made.stat().st_mtime < newest


class Reference(NamedTuple):
    """An address in a page, by the tag and the attribute that has it."""

    tag: str
    attribute: str
    address: str
    loads: bool  # the page loads it; else a reader may follow it


class Page(NamedTuple):
    """A page of the site: what it refers to, and which anchors it has."""

    path: Path
    references: tuple[Reference, ...]
    anchors: frozenset[str]


@cache
def page(path):
    """Return a page by its path."""
    references, anchors = [], set()
    for tag, rest in TAG.findall(path.read_text(encoding="utf-8")):
        named = {name: one or two for name, one, two in ATTRIBUTE.findall(rest)}
        anchors |= {named[name] for name in ("id", "name") if name in named}
        link = tag == "link" and named.get("rel") not in {"stylesheet", "preload", "icon"}
        for name in ("href", "src", "poster", "data"):
            if name in named and tag != "base":
                loads = name != "href" or (tag == "link" and not link)
                references.append(Reference(tag, name, named[name].replace("&amp;", "&"), loads))
    return Page(path, tuple(references), frozenset(anchors))


@cache
def pages():
    """Return all pages of the site."""
    written = sorted(VERSION.rglob("*.html"))
    return [page(path) for path in written if not {"pagefind", "_static"} & set(path.parts)]


def target(page, address):
    """Return the file that an address names, and the anchor in it."""
    parts = urlsplit(address)
    path = os.path.normpath(page.path.parent / unquote(parts.path)) if parts.path else page.path
    return Path(path), unquote(parts.fragment)


def write_script(path, name, value):
    """Write a value as the scripts beside the pages have it."""
    path.write_text(f"globalThis.{name} = {json.dumps(value)};", encoding="utf-8")


def elsewhere(address):
    return bool(urlsplit(address).scheme or address.startswith("//"))


@cache
def weight(path):
    """Return the bytes that a file takes on its way from a host that compresses text."""
    content = path.read_bytes()
    return len(gzip.compress(content)) if path.suffix in TEXTS else len(content)
