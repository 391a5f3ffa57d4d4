"""What moves on a page, for readers whose system asks for less motion and for others."""

import pytest

pytestmark = pytest.mark.thorough  # they need the whole site

# A picture that is drawn sets the width of its canvas.
COUNT = """(figure) => {
  const drawn = (window.drawn = [...figure.querySelectorAll("canvas")].map(() => 0));
  figure.querySelectorAll("canvas").forEach((canvas, i) =>
    new MutationObserver((all) => drawn[i] += all.length).observe(
      canvas, { attributes: true, attributeFilter: ["width"] }));
}"""
MOVING = """() => [...document.querySelectorAll("*")].filter((each) => {
  const style = getComputedStyle(each);
  return style.transitionDuration.split(", ").some((time) => parseFloat(time) > 0.001)
    || style.animationName !== "none" || style.scrollBehavior === "smooth";
}).map((each) => each.tagName + "." + each.className)"""
PAGES = ["index", "learn/dropout", "guides/nan-loss", "gallery/index", "search"]


@pytest.fixture(params=["reduce", "no-preference"])
def page(request, chrome):
    context = chrome.new_context(
        viewport={"width": 1280, "height": 900}, reduced_motion=request.param
    )
    yield context.new_page()
    context.close()


def is_still(page):
    return page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")


def pictures_in(page, seconds):
    """Return how many pictures the page's figure draws in this time, on the liveliest canvas."""
    page.evaluate(COUNT, page.locator("figure.live").element_handle())
    page.wait_for_timeout(1000 * seconds)
    return page.evaluate("Math.max(...drawn)")


@pytest.mark.parametrize("name", ["learn/dropout", "learn/momentum", "index"])
def test_a_figure_rests_until_it_is_asked_and_then_moves_no_more_than_wanted(page, address, name):
    page.goto(f"{address}{name}.html")
    figure = page.locator("figure.live")
    figure.scroll_into_view_if_needed()
    page.locator("figure.live[data-started]").wait_for()
    page.wait_for_timeout(500)
    assert pictures_in(page, 1) == 0
    play = figure.locator("button.live-play")
    play.click()
    pictures = pictures_in(page, 3)
    assert pictures <= 4 if is_still(page) else pictures > 4
    if play.inner_text() == "Pause":
        play.click()
    page.wait_for_timeout(1500)
    assert pictures_in(page, 1) == 0


@pytest.mark.parametrize("name", PAGES)
def test_nothing_slides_or_fades_for_those_who_want_less_motion(page, address, name):
    page.goto(f"{address}{name}.html")
    page.wait_for_timeout(300)
    assert page.evaluate(MOVING) == [] or not is_still(page)
