"""The page for all: by axe's rules, on a phone, on a projector, by keyboard, without motion."""

from pathlib import Path

import pytest
from tests.blackboard.browsing import command
from tests.blackboard.browsing import page as course

AXE = Path(__file__).parents[3] / "blackboard-web/node_modules/axe-core/axe.min.js"
PANELS = "", "microscope", "draw", "predictions", "guess", "break", "code", "scenes", "take"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
VIOLATIONS = """async (tags) => (await axe.run(document, { runOnly: tags })).violations.map(
  ({ id, nodes }) => `${id}: ${nodes[0].target} ${nodes[0].failureSummary}`)"""
# Cells of a table of numbers are told by keys, too; a choice is as large as its label.
SMALL = """() => [...document.querySelectorAll(".cb-root :is(button, select, input, [role=tab])")]
  .map((each) => (each.matches("[type=radio], [type=file]") ? each.closest("label") : each))
  .filter((each) => !each.closest(".cb-confusion"))
  .filter((each) => each.getClientRects().length && each.getBoundingClientRect().height < 43.5)
  .map((each) => each.getAttribute("aria-label") ?? each.textContent)"""


@pytest.fixture(scope="module")
def alone(chrome):
    """The page without Python."""
    context = chrome.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    with course() as address:
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Epoch: to its end").click()
        page.get_by_text("1.00", exact=True).wait_for()
        yield page
        context.close()


@pytest.fixture(scope="module")
def page(chrome):
    context = chrome.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    with command() as address:
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Epoch: to its end").click()
        page.get_by_text("1.00", exact=True).wait_for()
        yield page
        context.close()


def show(page, panel, width, scheme="light"):
    """Open a panel in a window of a width."""
    page.set_viewport_size({"width": width, "height": 720})
    address = page.url.partition("#")[0]
    page.goto("about:blank")
    page.goto(f"{address}#panel={panel}&scheme={scheme}&charts=accuracy-units&sample=held-3")
    page.locator(".cb-page").wait_for()
    page.locator(
        f"[data-panel={panel or 'draw'}][aria-selected={str(bool(panel)).lower()}]"
    ).wait_for()
    if panel == "microscope":
        page.locator(".cb-listing .cb-heat--live").nth(2).click()
        page.locator(".cb-factors h3").wait_for()


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(
    ("host", "panel"),
    [("page", panel) for panel in PANELS]
    + [
        pytest.param("alone", panel, marks=pytest.mark.thorough)
        for panel in PANELS
        if panel != "code"  # there is no Python
    ],
)
def test_axe_finds_nothing_wrong(host, width, scheme, panel, request):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make page")
    page = request.getfixturevalue(host)
    show(page, panel, width, scheme)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(VIOLATIONS, RULES) == []


@pytest.mark.thorough  # each panel
def test_on_a_phone_nothing_scrolls_sideways_and_fingers_hit_what_they_aim_at(page):
    for panel in PANELS:
        for width in (320, 390):
            show(page, panel, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, panel
        assert page.evaluate(SMALL) == [], panel


@pytest.mark.thorough  # a page in another window
def test_on_a_phone_panels_are_chosen_at_the_foot_of_the_screen_and_come_first(page):
    show(page, "", 390)
    tab = page.get_by_role("tab", name="Draw")
    assert tab.bounding_box()["y"] < 720  # without scrolling
    foot = page.locator(".cb-tabs").bounding_box()
    assert foot["height"] < 110
    assert foot["y"] + foot["height"] <= 721
    tab.click()
    pad = page.locator(".cb-pad canvas")
    pad.wait_for()
    assert pad.bounding_box()["y"] < 720
    assert not page.locator(".cb-stage").is_visible()


def test_on_a_phone_the_network_is_on_the_first_screen_and_settings_are_behind_a_button(page):
    show(page, "", 390)
    assert page.locator(".cb-sample").bounding_box()["y"] < 720 / 2
    rate = page.get_by_role("slider", name="Learning rate")
    assert not rate.is_visible()
    more = page.get_by_role("button", name="More", exact=True)
    more.click()
    rate.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(SMALL) == []
    page.get_by_role("button", name="Less", exact=True).click()
    assert not rate.is_visible()


@pytest.mark.thorough  # a page in another window
def test_text_and_pictures_grow_with_the_screen(page):
    sizes = {}
    for width in (1280, 1920):
        show(page, "", width)
        page.wait_for_timeout(200)
        text = page.evaluate(
            "parseFloat(getComputedStyle(document.querySelector('.cb-root')).fontSize)"
        )
        tile = page.locator(".cb-tile").first.bounding_box()["width"]
        sizes[width] = text, tile
    assert sizes[1280][0] >= 14
    assert sizes[1920][0] >= 17
    assert sizes[1920][1] > 1.2 * sizes[1280][1]


@pytest.mark.thorough  # each panel
def test_no_panel_s_name_is_cut(page):
    for width in (390, 1280, 1920):
        show(page, "take", width)
        names = page.locator(".cb-tabs [role=tab]").all()
        close = page.get_by_role("button", name="Close the panel").bounding_box()
        ends = [name.bounding_box() for name in names]
        assert all(end["x"] + end["width"] <= width for end in ends)
        beside = [end for end in ends if end["y"] < close["y"] + close["height"]]
        if width > 620:
            assert all(end["x"] + end["width"] <= close["x"] + 1 for end in beside)


@pytest.mark.thorough  # a page in another window
def test_by_keys_alone_every_control_of_the_bar_is_reached_and_seen(page):
    show(page, "", 1280)
    page.locator(".cb-root").focus()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name, is_seen = page.evaluate(
            """() => {
              const now = document.activeElement;
              const shown = now.matches("[type=radio]") ? now.nextSibling : now;
              const seen = now === document.body || getComputedStyle(shown).outlineStyle !== "none";
              return [now.getAttribute("aria-label") ?? "", seen];
            }"""
        )
        reached.add(name)
        assert is_seen, name
    wanted = page.locator(".cb-bar :is(button, select):enabled").evaluate_all(
        "(found) => found.map((each) => each.getAttribute('aria-label') ?? '').filter(Boolean)"
    )
    assert set(wanted) <= reached


@pytest.mark.thorough  # a page in another window
def test_nothing_moves_for_those_who_asked_for_that(page):
    show(page, "draw", 1280)
    moving = """() => [...document.querySelectorAll(".cb-root *")].filter((each) => {
      const { transitionDuration, animationName } = getComputedStyle(each);
      return transitionDuration !== "0s" || animationName !== "none";
    }).length"""
    assert page.evaluate(moving) == 0


@pytest.mark.thorough  # a page in another window
@pytest.mark.parametrize("panel", ["", "draw"])
def test_what_a_pointer_reads_of_a_picture_keys_read_too(page, panel):
    show(page, panel, 1280)
    pictures = page.locator(".cb-stage [role=application], .cb-chart__plot")
    assert pictures.count() >= (4 if not panel else 2)
    for picture in pictures.all():
        page.locator(".cb-root").focus()
        picture.evaluate("(each) => each.focus({ focusVisible: true })")
        page.keyboard.press("ArrowRight")
        page.locator(".cb-tip[role=status]").wait_for()
        before = page.locator(".cb-spot").bounding_box()
        page.keyboard.press("ArrowRight")
        assert page.locator(".cb-spot").bounding_box()["x"] > before["x"]
        style = picture.evaluate("(each) => getComputedStyle(each).outlineStyle")
        assert style != "none"
    page.locator(".cb-root").focus()
    assert page.locator(".cb-tip").count() == 0


def test_enter_opens_the_number_under_the_spot(page):
    show(page, "", 1280)
    page.locator(".cb-matrix > canvas").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".cb-factors h3", has_text="W_o[1, 0]").wait_for()
