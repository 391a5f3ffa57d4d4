"""The panels of the served page in a browser, on the lab's network."""

import json
import re
from pathlib import Path
from statistics import median

import pytest

STROKES = Path(__file__).parents[2] / "blackboard-web" / "tests" / "strokes.json"


@pytest.fixture
def page(board):
    """The page of a network that knows most digits, which stands still."""
    board.page.evaluate(
        """async () => {
          const ask = (message) => sockets[0].send(JSON.stringify(message));
          told.length = 0;  // nothing of the test before is taken for what is waited for
          ask({ do: "restart", settings: { rate: 0.5, momentum: 0.9 } });
          ask({ do: "step", count: 300 });
          await until(() => last("frame")?.update === 300 && !last("frame").playing);
        }"""
    )
    return board.page


def open_panel(page, name):
    page.get_by_role("tab", name=name, exact=True).click()


def settle(page):
    """Wait until what was done is drawn."""
    page.evaluate("() => new Promise((r) => requestAnimationFrame(() => setTimeout(r, 20)))")


def number(text):
    return float(text.replace("−", "-"))


def test_numbers_are_what_their_factors_come_to_and_gradients_what_differences_say(page):
    open_panel(page, "Microscope")
    pictures = page.locator(".cb-listing .cb-heat--live")
    compared = 0
    for k in range(pictures.count()):
        pictures.nth(k).click()
        settle(page)
        for _ in range(3):  # and what they are made of in turn
            proof = page.locator(".cb-proof")
            if not proof.count():
                break
            gap = re.search(r"difference (\S+)", proof.text_content())[1]
            assert abs(number(gap)) < 1e-12
            apart = re.search(r"apart by (\S+)", page.locator(".cb-factors").text_content())
            if apart:
                assert number(apart[1]) < 1e-7
                compared += 1
            chips = page.locator(".cb-factors button.cb-chip")
            if not chips.count():
                break
            chips.first.click()
            settle(page)
    assert compared > 10
    assert page.locator("mark").count() > 0  # the path in the source


def test_a_cursor_walks_through_the_operations_and_makes_the_update(page):
    open_panel(page, "Microscope")
    page.keyboard.press("o")
    page.locator(".cb-walk", has_text="operation 1 of").wait_for()
    page.locator(".cb-equation--now math").wait_for()
    page.keyboard.press("Shift+O")
    page.keyboard.press("Shift+O")
    page.locator(".cb-walk", has_text=re.compile(r"operation (\d+) of \1")).wait_for()
    page.get_by_role("button", name="Make the update that this one sample asks for").click()
    page.evaluate("() => until(() => last('frame').update === 301)")


def draw(page, digit):
    """Draw a digit on the pad; return its corners' bounds."""
    page.get_by_role("button", name="clear", exact=True).click()
    box = page.locator(".cb-pad canvas").bounding_box()
    for stroke in digit.split("|"):
        corners = [tuple(map(float, pair.split(","))) for pair in stroke.split()]
        places = [(box["x"] + x / 100 * box["width"], box["y"] + y / 100 * box["height"])
                  for x, y in corners]  # fmt: skip
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places:
            page.mouse.move(*place, steps=3)
        page.mouse.up()


def test_drawn_digits_are_classified_like_those_of_the_data(page):
    open_panel(page, "Draw")
    page.locator(".cb-pad canvas").click()
    right, took = 0, []
    for label, digit in enumerate(json.loads(STROKES.read_text(encoding="utf-8"))["wide"]):
        draw(page, digit)
        settle(page)
        right += page.locator(".cb-bars-first th").text_content() == str(label)
        took.append(number(page.locator(".cb-took").text_content().split()[0]))
    assert right >= 9
    assert median(took) < 16
    page.get_by_label("it is a").select_option("9")
    page.get_by_role("button", name="train on this").click()
    page.evaluate("() => until(() => last('frame').update === 301)")


def test_the_worst_predictions_open_the_microscope(page):
    open_panel(page, "Mistakes")
    page.wait_for_timeout(400)  # the list is sorted anew by the last frame, and glides
    worst = page.locator(".cb-worst li button").first
    truth, guess = worst.locator("span").text_content().split(" → ")
    said = f"a {truth}; the network says {guess}"
    worst.click()
    page.locator(".cb-chooser", has_text=said).wait_for()


def test_a_scene_is_told_of_the_right_gradient_whatever_was_broken(page):
    page.evaluate(
        """async () => {
          sockets[0].send(JSON.stringify({ do: "mistake", name: "transposed" }));
          await until(() => last("setup").mistakes.some((each) => each.diagnosis));
        }"""
    )
    open_panel(page, "Scenes")
    page.get_by_role("button", name="Softmax regression").click()
    page.evaluate(
        """() => until(() => !last("setup").units.length &&
                             !last("setup").mistakes.some((each) => each.diagnosis))"""
    )


def test_a_scene_is_told_by_the_arrow_keys(page):
    open_panel(page, "Scenes")
    page.get_by_role("button", name="A learning rate too high").click()
    page.evaluate("() => until(() => last('frame').settings.rate === 0.001)")
    page.keyboard.press("ArrowRight")
    page.evaluate("() => until(() => last('frame').update === 300)")
    page.locator(".cb-told", has_text="Three hundred updates").wait_for()
    page.locator(".cb-pointer").wait_for()
    page.keyboard.press("ArrowLeft")
    page.evaluate("() => until(() => last('frame').update === 0)")
    page.keyboard.press("Escape")
    page.locator(".cb-told").wait_for(state="detached")
