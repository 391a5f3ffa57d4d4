"""The site's pages hold together: no dead link, nothing from another host, no heavy page."""

import re
from functools import cache
from pathlib import Path

import pytest
from tests.docs.built import VERSION, elsewhere, pages, target, weight

pytestmark = [
    pytest.mark.thorough,  # they need the whole site
    pytest.mark.usefixtures("site"),
]
MOST = 500_000  # bytes of a page with all that it loads
# What a page loads without naming it in its HTML: the font of its icons.
ICONS = "_static/vendor/fontawesome/webfonts/fa-solid-900.woff2"


def test_each_link_inside_leads_to_a_page_and_an_anchor_that_exist():
    exists = cache(Path.exists)
    anchors = {each.path: each.anchors for each in pages()}
    dead = set()
    for each in pages():
        for tag, _, address, _ in each.references:
            if elsewhere(address):
                continue
            path, anchor = target(each, address)
            if path.name == "versions.js":  # beside the versions
                continue
            if not exists(path) or (anchor and anchor not in anchors.get(path, {anchor})):
                dead.add(f"{each.path.relative_to(VERSION)}: <{tag}> {address}")
    assert sorted(dead) == []


def test_no_page_loads_anything_from_another_host():
    foreign = {
        f"{each.path.relative_to(VERSION)}: {reference.address}"
        for each in pages()
        for reference in each.references
        if reference.loads and re.match(r"(https?:)?//", reference.address)
    }
    assert sorted(foreign) == []


def test_no_stylesheet_loads_anything_from_another_host():
    sheets = list(VERSION.rglob("*.css"))
    assert sheets
    foreign = [
        (str(path.relative_to(VERSION)), address)
        for path in sheets
        for address in re.findall(
            r"(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')]+)", path.read_text(encoding="utf-8")
        )
    ]
    assert foreign == []


def test_no_page_is_heavy():
    heavy = {}
    for each in pages():
        loaded = {
            target(each, reference.address)[0]
            for reference in each.references
            if reference.loads and not elsewhere(reference.address)
        }
        files = {each.path, VERSION / ICONS, *loaded, *figures(each)}
        total = sum(weight(path) for path in files if path.is_file())
        if total > MOST:
            heavy[str(each.path.relative_to(VERSION))] = total
    assert heavy == {}


def figures(page):
    """Return the scripts that a page's figures load when they come into view."""
    live = VERSION / "_static" / "live"
    text = page.path.read_text(encoding="utf-8")
    names = re.findall(r'data-live="([\w-]+)"', text)
    return [live / f"{name}.js" for name in names] + [live / "runtime.js"] * bool(names)


def test_the_folder_leads_to_its_newest_version():
    root = VERSION.parent
    assert f'url={VERSION.name}/index.html"' in (root / "index.html").read_text(encoding="utf-8")
    assert f'["{VERSION.name}"' in (root / "versions.js").read_text(encoding="utf-8")
