"""The live figures of the site are small, start by themselves and answer the keyboard."""

import json
import re
import shutil
import sys

import pytest
from tests.base import ROOT
from tests.export.web.page_visits import Visit, browser

DOCS = ROOT / "docs"
LARGEST = 60_000  # bytes of a script, and of a picture in its place
NAMES = sorted(path.stem for path in (DOCS / "live").glob("*.py"))
PAGE = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8">
<link rel="icon" href="data:,"><script defer src="live/loader.js"></script>{}"""
FIGURE = '<figure class="live" data-live="{0}"><img src="live/{0}.svg" alt="{0}"></figure>'
# What a reader sees and hears of a figure: texts and descriptions.
SHOWN = """(name) => {
  const stage = document.querySelector(`figure[data-live=${name}] .live-stage`);
  return stage.textContent + [...stage.querySelectorAll("canvas")].map((each) => each.ariaLabel);
}"""


@pytest.fixture(scope="module")
def widgets():
    if shutil.which("node") is None or not (DOCS / "node_modules" / "esbuild").exists():
        pytest.skip("needs Node and docs/node_modules; `make docs` installs them")
    sys.path.insert(0, str(DOCS))
    from extensions import widgets

    yield widgets
    sys.path.remove(str(DOCS))


@pytest.mark.thorough  # make docs builds them
@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_small(widgets, name):
    (folder,) = widgets.ready(name)
    script, picture = folder / "script.js", folder / "picture.svg"
    assert script.stat().st_size <= LARGEST
    assert picture.stat().st_size <= LARGEST
    assert "serve(self)" not in script.read_text("utf-8")  # the runtime is a script of its own


@pytest.mark.thorough  # a build more
def test_a_figure_depends_on_the_code_that_it_imports(widgets):
    (folder,) = widgets.ready("dropout")
    noted = json.loads((folder / ".sources.json").read_text("utf-8"))
    names = {name.partition(f"{ROOT}/")[2] for name in noted}
    assert {"docs/live/dropout.js", "src/chainrule/_src/nn/optimizers/adaptive.py"} <= names
    assert not any("/sweeps/" in name or "/keras/" in name for name in names)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_the_figure(name):
    pages = [DOCS / "index.md", *(DOCS / "learn").glob("*.md")]
    assert any(f"{{live}} {name}\n:alt: " in page.read_text("utf-8") for page in pages)


@pytest.fixture(scope="module")
def visit(widgets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    widgets.collect(folder / "live")
    page = folder / "index.html"
    page.write_text(PAGE.format("".join(map(FIGURE.format, NAMES))), encoding="utf-8")
    with browser() as chromium:
        yield Visit(chromium.new_context(reduced_motion="reduce"), page)


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_a_figure_starts_and_answers_the_keyboard(visit, name):
    figure = visit.page.locator(f"figure[data-live={name}]")
    figure.scroll_into_view_if_needed()
    visit.page.locator(f"figure[data-live={name}][data-started]").wait_for()
    before = visit.js(SHOWN, name)
    control = figure.locator("input, button").first
    control.focus()
    is_slider = control.evaluate("each => each.matches('input')")
    control.press("ArrowLeft" if is_slider else "Enter")
    changed = f"([name, before]) => ({SHOWN})(name) !== before"
    visit.page.wait_for_function(changed, arg=[name, before])
    described = figure.locator("canvas").evaluate_all("all => all.map((each) => each.ariaLabel)")
    assert all(described)
    assert visit.problems == []


@pytest.mark.thorough
def test_the_pad_is_drawn_on_by_the_keyboard(visit):
    pad = visit.page.locator("figure[data-live=digits] canvas").first
    pad.focus()
    for key in ("ArrowRight", "ArrowDown", "Space"):
        pad.press(key)
    visit.page.wait_for_function(
        "pad => /Row 5, column 5, ink/.test(pad.ariaLabel)", arg=pad.element_handle()
    )
    note = visit.page.locator("figure[data-live=digits] .live-status")
    visit.page.wait_for_function(
        "note => /takes it for/.test(note.textContent)", arg=note.element_handle()
    )
    assert re.search(r"takes it for a \d", note.inner_text())
