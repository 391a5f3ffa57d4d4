"""The first five seconds: a network at rest, its task, and the number behind every picture."""

import pytest
from tests.blackboard.browsing import command

# The page counts: to send a million numbers from it takes half a minute.
COLORS = """(selector) => {
  const canvas = document.querySelector(selector);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colors = Array.from({ length: data.length / 4 }, (_, i) => data.slice(4 * i, 4 * i + 4));
  return {
    grey: colors.every(([...rgba]) => {
      const rgb = rgba.slice(0, 3);
      return Math.max(...rgb) - Math.min(...rgb) < 40;
    }),
    distinct: new Set(colors.map(String)).size,
    visible: colors.filter((color) => color[3] > 0).length,
  };
}"""


@pytest.fixture(scope="module")
def address(visitor):
    with command() as told:
        yield told
        visitor.visit("about:blank")


def test_nothing_trains_before_play_and_the_start_card_says_what_this_is(board):
    card = board.control("region", "Start")
    card.get_by_text("Which digit is it?").wait_for()
    board.page.wait_for_timeout(400)
    frame = board.frame()
    assert (frame["update"], frame["head"], frame["playing"]) == (0, 0, False)
    shown = board.page.locator(".cb-score dd").inner_text()
    assert shown.split()[0] == f"{100 * frame['held_accuracy']:.1f}"
    for label in ("Restart", "Fork", "Stop when…", "Dark", "Help"):
        board.page.locator(".cb-bar button", has_text=label).wait_for()
    board.button("Draw one yourself").click()
    board.page.locator(".cb-pad canvas").wait_for()
    board.page.keyboard.press("0")
    board.button("Play").click()
    board.at(1)
    board.control("region", "Curves").wait_for()
    assert card.count() == 0


def test_the_sample_is_ink_and_lines_lead_from_units_to_weights(board):
    ink = board.js(COLORS, ".cb-sample__picture")
    assert ink["grey"]
    assert ink["distinct"] > 5
    assert board.js(COLORS, ".cb-wires canvas")["visible"] > 500


@pytest.mark.parametrize(
    ("picture", "place", "number"),
    [
        (".cb-tile >> nth=3", (0.19, 0.44), "W_h[25, 3]"),
        (".cb-matrix > canvas", (0.99, 0.02), "W_o[0, 9]"),
        (".cb-matrix > canvas", (0.01, 0.99), "h[0, 9]"),
    ],
)
def test_a_click_opens_the_number_behind_a_picture(board, picture, place, number):
    target = board.page.locator(picture)
    box = target.bounding_box()
    target.click(position={"x": place[0] * box["width"], "y": place[1] * box["height"]})
    board.page.locator(".cb-factors h3 code", has_text=number).wait_for()
    board.page.keyboard.press("0")


def test_by_keys_a_unit_is_chosen_and_opened(board):
    board.page.get_by_role("listbox").focus()
    board.page.keyboard.press("ArrowLeft")
    chosen = board.page.locator("[role=option][aria-selected=true]").get_attribute("data-unit")
    board.page.keyboard.press("Enter")
    board.page.locator(".cb-factors h3 code", has_text=f"h[0, {chosen}]").wait_for()
    board.page.keyboard.press("0")


def test_by_keys_a_weight_of_a_unit_is_read_and_opened(board):
    tiles = board.page.get_by_role("listbox")
    tiles.focus()
    for key in ("Home", "ArrowLeft", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
        board.page.keyboard.press(key)
    assert "pixel (1, 1): weight" in board.page.locator(".cb-tip[role=status]").inner_text()
    chosen = board.page.locator("[role=option][aria-selected=true]").get_attribute("data-unit")
    board.page.keyboard.press("Enter")
    board.page.locator(".cb-factors h3 code", has_text=f"W_h[9, {chosen}]").wait_for()
    board.page.keyboard.press("0")


def test_curves_say_their_values_under_the_pointer(board):
    board.train()
    board.at(20)
    board.pause()
    box = board.page.locator(".cb-chart .u-over").first.bounding_box()
    board.page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    board.page.locator(".cb-tip", has_text="held out").wait_for()
    said = board.page.locator(".cb-tip").inner_text().splitlines()
    assert said[0].startswith("update ")
    assert said[1].startswith("batch ")
    board.page.mouse.move(0, 0)
