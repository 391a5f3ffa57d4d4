"""The site for all: by axe's rules, on a phone, zoomed, printed; the choice of a version."""

import pytest
from tests.blackboard.browser.test_reach import AXE, VIOLATIONS
from tests.docs.built import VERSION, weight, write_script

pytestmark = pytest.mark.thorough  # they need the whole site

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
PAGES = [
    "index", "learn/index", "learn/lab", "learn/exercises", "learn/dropout", "learn/operations/exp",
    "learn/operations/gammaln", "reference/errors", "reference/performance",
    "learn/layers/Dense", "guides/index", "guides/nan-loss", "guides/one-page", "reference/layers",
    "reference/generated/chainrule.Sequential",
    "gallery/index", "gallery/digits/plot_digits", "architecture", "teaching", "search",
]  # fmt: skip
WIDE = """() => [...document.querySelectorAll("body *")].filter((each) =>
  each.getBoundingClientRect().right > innerWidth + 1 && each.getClientRects().length)
  .slice(0, 3).map((each) => each.outerHTML.slice(0, 120))"""
FRONT = 300_000  # bytes of the front page, with all that it loads until its figure runs


@pytest.fixture(scope="module")
def context(chrome):
    made = chrome.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    yield made
    made.close()


@pytest.fixture(scope="module")
def page(context):
    return context.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(page, address, scheme):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make page")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme=scheme)
    wrong = {}
    for name in PAGES:
        page.goto(f"{address}{name}.html")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        violations = page.evaluate(VIOLATIONS, RULES)
        if violations:
            wrong[name] = violations
    assert wrong == {}


@pytest.mark.parametrize(
    "width", [390, 640]
)  # a phone; a window of 1280 where text is zoomed to 200 %
def test_nothing_scrolls_sideways(page, address, width):
    page.set_viewport_size({"width": width, "height": 720})
    wide = {}
    for name in PAGES:
        page.goto(f"{address}{name}.html")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide[name] = page.evaluate(WIDE)
    assert wide == {}


def test_a_printed_page_has_its_text_and_no_navigation(page, address):
    page.set_viewport_size({"width": 800, "height": 1100})
    page.emulate_media(media="print", color_scheme="light")
    page.goto(f"{address}guides/nan-loss.html")
    try:
        assert page.locator("article h1").is_visible()
        for part in (
            ".bd-header",
            ".bd-sidebar-primary",
            ".bd-sidebar-secondary",
            ".prev-next-footer",
        ):
            assert not page.locator(part).is_visible(), part
    finally:
        page.emulate_media(media="screen")


def test_a_printed_figure_has_no_buttons(page, address):
    page.goto(f"{address}learn/dropout.html")
    page.locator("figure.live[data-started] button").first.wait_for()
    page.emulate_media(media="print", color_scheme="light")
    try:
        assert not any(each.is_visible() for each in page.locator(".live-stage button").all())
        assert page.locator(".live-legend").is_visible()
    finally:
        page.emulate_media(media="screen")


def test_without_scripts_a_page_has_its_formulas_pictures_and_choices(chrome, address):
    page = chrome.new_context(java_script_enabled=False).new_page()
    page.goto(f"{address}learn/lab.html")
    assert page.locator(".katex math").count() > 10
    assert page.locator("details summary", has_text="The answer").first.is_visible()
    page.goto(f"{address}learn/dropout.html")
    picture = page.locator("figure.live img")
    assert picture.is_visible()
    assert len(picture.get_attribute("alt")) > 40
    page.context.close()


def test_the_front_page_is_light_until_its_figure_runs(chrome, address):
    page = chrome.new_page()
    loaded = []
    page.on("response", lambda response: loaded.append(response))
    page.goto(address + "index.html", wait_until="networkidle")
    page.locator("figure.live button").first.wait_for()
    assert all(response.ok for response in loaded), [r.url for r in loaded if not r.ok]
    inside = [response.url.partition(address)[2] for response in loaded]
    names = {name.partition("?")[0] for name in inside if name}
    assert sum(weight(VERSION / name) for name in names) < FRONT
    page.close()


@pytest.fixture
def two_versions(site, tmp_path):
    """A folder with this version and an older one, which has two pages."""
    (tmp_path / site.name).symlink_to(site)
    older = tmp_path / "0.0.1"
    (older / "guides").mkdir(parents=True)
    for name in ("index.html", "guides/seeds.html"):
        (older / name).write_text("<html><h1>Older</h1></html>", encoding="utf-8")
    write_script(older / "pages.js", "chainrulePages", ["index.html", "guides/seeds.html"])
    write_script(tmp_path / "versions.js", "chainruleVersions", [site.name, "0.0.1"])
    return tmp_path / site.name


@pytest.mark.parametrize(
    ("page", "other"), [("guides/seeds", "guides/seeds"), ("guides/threads", "index")]
)
def test_from_a_folder_another_version_shows_the_same_page_or_its_first(
    chrome, two_versions, page, other
):
    visit = chrome.new_page()
    visit.goto((two_versions / f"{page}.html").as_uri())
    choice = visit.get_by_role("combobox", name="Version")
    assert choice.input_value() == two_versions.name
    choice.select_option("0.0.1")
    visit.wait_for_url(f"**/0.0.1/{other}.html")
    visit.close()
