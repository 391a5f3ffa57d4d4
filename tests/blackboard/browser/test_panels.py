"""The panels in a browser, on the lab's network, in all hosts; and what a file lacks of them."""

import json
import re
from pathlib import Path
from statistics import median

import pytest
from tests.blackboard.browsing import KNOWING, KNOWN, RECORDED, anew, hosts, needs

STROKES = Path(__file__).parents[3] / "blackboard-web" / "tests" / "strokes.json"


KNOWS = f"""() => {{
  const {{ update, head, branches, settings: {{ rate, momentum }} }} = last("frame");
  const setup = last("setup");
  const place = `${{update}} ${{head}} ${{branches}} ${{rate}} ${{momentum}}`;
  return place === "{KNOWN} {KNOWN} a {KNOWING["rate"]} {KNOWING["momentum"]}" &&
    setup?.units.length === 1 && !setup.mistakes.some((each) => each.diagnosis);
}}"""


@pytest.fixture
def page(board):
    """The page of a network that knows most digits, which stands still."""
    if board.recorded:
        board.page.keyboard.press("End")
    elif not board.js(KNOWS):
        board.js("() => { told.length = 0; }")  # nothing of the test before is waited for
        board.say({"do": "restart", "settings": KNOWING}, {"do": "step", "count": KNOWN})
    board.js(f"() => until(() => last('frame')?.update === {KNOWN} && !last('frame').playing)")
    return board.page


def number(text):
    return float(text.replace("−", "-"))


def test_what_a_recorded_run_lacks_is_not_there_and_the_page_says_why(board):
    for ability, told in RECORDED.items():
        if "panel" in told:
            board.open(told["panel"])
            board.page.locator(".cb-pad canvas").wait_for()
        control = board.control(*told["control"])
        if board.recorded:
            assert control.count() == 0, ability
        else:
            control.wait_for()
    said = board.button("Recorded: what cannot be done")
    assert said.count() == board.recorded
    if board.recorded:
        said.click()
        assert board.page.locator(".cb-recorded li").all_inner_texts() == [
            told["why"] for told in RECORDED.values()
        ]
        board.page.keyboard.press("Escape")
        board.page.keyboard.press("f")
        board.page.get_by_role("alert").filter(has_text=RECORDED["fork"]["why"]).wait_for()


# Chooses every picture of numbers, and what the number in its middle is made of in turn.
TAKEN_APART = """async () => {
  const found = [];
  const drawn = () => new Promise((r) => requestAnimationFrame(() => setTimeout(r)));
  const text = (selector) => document.querySelector(selector)?.textContent ?? null;
  for (const picture of document.querySelectorAll(".cb-listing .cb-heat--live")) {
    const { left, top, width, height } = picture.getBoundingClientRect();
    const at = { clientX: left + width / 2, clientY: top + height / 2, bubbles: true };
    for (const kind of ["pointerdown", "click"])
      (picture.querySelector("canvas") ?? picture).dispatchEvent(new MouseEvent(kind, at));
    await drawn();
    for (let deep = 0; deep < 3 && text(".cb-proof"); deep++) {
      found.push([text(".cb-proof"), text(".cb-factors")]);
      const next = document.querySelector(".cb-factors button.cb-chip");
      if (!next) break;
      next.click();
      await drawn();
    }
  }
  return found;
}"""


@hosts("served", "recorded", "page")
def test_numbers_are_what_their_factors_come_to_and_gradients_what_differences_say(board, page):
    board.open("Microscope")
    page.locator(".cb-listing .cb-heat--live").first.click()
    board.settle()
    compared = 0
    for proof, factors in board.js(TAKEN_APART):
        if "equal to the last bit" not in proof:
            assert abs(number(re.search(r"difference (\S+)", proof)[1])) < 1e-12
        if apart := re.search(r"apart by (\S+)", factors):
            assert number(apart[1]) < 1e-7
            compared += 1
    assert compared > 10
    assert page.locator("mark").count() > 0  # the path in the source


@hosts("recorded", "notebook")
def test_a_cursor_walks_through_the_operations(board, page):
    board.open("Microscope")
    page.keyboard.press("o")
    page.locator(".cb-walk", has_text="operation 1 of").wait_for()
    page.locator(".cb-equation--now math").wait_for()
    page.keyboard.press("Shift+O")
    page.keyboard.press("Shift+O")
    page.locator(".cb-walk", has_text=re.compile(r"operation (\d+) of \1")).wait_for()


def draw(page, digit):
    """Draw a digit on the pad."""
    page.get_by_role("button", name="clear", exact=True).click()
    box = page.locator(".cb-pad canvas").bounding_box()
    for stroke in digit.split("|"):
        corners = [tuple(map(float, pair.split(","))) for pair in stroke.split()]
        places = [(box["x"] + x / 100 * box["width"], box["y"] + y / 100 * box["height"])
                  for x, y in corners]  # fmt: skip
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places:
            page.mouse.move(*place)
        page.mouse.up()


@hosts("served", "recorded", "page")
def test_drawn_digits_are_classified_like_those_of_the_data(board, page):
    board.open("Draw")
    page.locator(".cb-pad canvas").click()
    right, took = 0, []
    digits = json.loads(STROKES.read_text(encoding="utf-8"))["wide"]
    few = digits if board.recorded else digits[:3]  # the page classifies them, whichever host
    for label, digit in enumerate(few):
        draw(page, digit)
        board.settle()
        right += page.locator(".cb-bars-first th").text_content() == str(label)
        took.append(number(page.locator(".cb-took").text_content().split()[0]))
    assert right >= len(few) - 1
    assert median(took) < 16


@anew
@needs("train_on")
def test_the_network_trains_on_the_sample_shown_and_on_one_that_is_drawn(board, page):
    board.open("Microscope")
    board.button("Make the update that this one sample asks for").click()
    board.at(KNOWN + 1)
    board.open("Draw")
    page.locator(".cb-pad canvas").click()
    page.get_by_label("it is a").select_option("9")
    board.button("train on this").click()
    board.at(KNOWN + 2)


@pytest.mark.thorough  # one more panel
@hosts("served", "recorded", "page")
def test_the_worst_predictions_open_the_microscope(board, page):
    board.open("Mistakes")
    page.wait_for_timeout(400)  # the list is sorted anew by the last frame, and glides
    worst = page.locator(".cb-worst li button").first
    truth, guess = worst.locator("span").text_content().split(" → ")
    said = f"a {truth}; the network says {guess}"
    worst.click()
    page.locator(".cb-chooser", has_text=said).wait_for()


@hosts("served", "recorded", "page", "notebook")
def test_a_cell_of_the_confusion_matrix_chooses_and_a_mark_tells_what_changed(board, page):
    board.open("Mistakes")
    page.locator(".cb-confusion .cb-wrong").first.click()
    page.locator(".cb-worst-head", has_text="taken for").wait_for()
    page.keyboard.press("ArrowRight")
    assert board.js("document.activeElement.dataset.at")
    page.keyboard.press("Home")
    board.js("() => until(() => last('frame').update === 0)")
    board.button("mark this update").click()
    page.get_by_text("since update 0").wait_for()
    page.keyboard.press("End")
    page.get_by_role("button", name=re.compile(r"^[1-9]\d* fixed$")).click()
    page.locator(".cb-worst-head", has_text="fixed").wait_for()


@pytest.mark.thorough  # one more panel
@needs("guess")
def test_a_guess_is_tried_on_a_fork(board, page):
    board.open("Guess")
    page.get_by_label("learning rate 0.5 → 5").check()
    page.get_by_label("a loss that explodes").check()
    board.button("see").click()
    page.get_by_text("The changed run is at update").wait_for()
    board.js("() => until(() => last('frame').branch === 'b' && last('frame').settings.rate === 5)")
    board.button("stop").click()
    board.pause()
    assert board.frame()["branches"] == ["a", "b"]


@needs("mistake", "served", "page")
def test_a_wrong_gradient_is_told_in_the_bar_and_a_scene_mends_it(board, page):
    board.say({"do": "mistake", "name": "transposed"})
    board.button("Wrong gradient: see which").click()
    page.locator(".cb-mistake--on .cb-diagnosis").wait_for()
    board.open("Scenes")
    board.control("button", re.compile("^Softmax regression")).click()
    board.js(
        """() => until(() => !last("setup").units.length &&
                             !last("setup").mistakes.some((each) => each.diagnosis))"""
    )
    assert board.button("Wrong gradient: see which").count() == 0
    board.say({"do": "restart", "settings": {"layers": [10]}})
    board.js("() => until(() => last('setup').units.length === 1)")


@pytest.mark.thorough  # one more panel
@needs("scenes")
def test_a_scene_is_told_by_the_arrow_keys_and_goes_on_after_a_reload(board, page):
    board.open("Scenes")
    board.control("button", re.compile("^A learning rate too high")).click()
    board.js("() => until(() => last('frame').settings.rate === 0.001)")
    page.keyboard.press("ArrowRight")
    board.js("() => until(() => last('frame').update === 300)")
    page.locator(".cb-told", has_text="Three hundred updates").wait_for()
    page.locator(".cb-pointer").wait_for()
    page.wait_for_timeout(500)  # where the page is is kept once in a while
    page.reload()
    page.locator(".cb-told", has_text="Three hundred updates").wait_for()
    assert board.frame()["update"] == 300
    page.keyboard.press("ArrowLeft")
    board.js("() => until(() => last('frame').update === 0)")
    page.keyboard.press("Escape")
    page.locator(".cb-told").wait_for(state="detached")


@needs("take", "served", "page")
def test_weights_are_taken_away(board, page):
    board.open("Take")
    with page.expect_download() as taken:
        board.control("button", re.compile("^Weights")).click()
    assert taken.value.suggested_filename.startswith("weights.")


@needs("code", "served", "page")
def test_without_a_file_the_page_says_how_to_give_one(board):
    board.open("Your code")
    board.page.get_by_text("chainrule blackboard --model mylab.py").wait_for()
