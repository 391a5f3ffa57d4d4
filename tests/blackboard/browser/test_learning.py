"""The page of ``chainrule learn --web``: written, checked and read by keyboard, on all screens."""

import pytest
from tests.blackboard.browser.conftest import VIEWPORT
from tests.blackboard.browser.test_reach import AXE, RULES, VIOLATIONS
from tests.blackboard.browsing import Board, command
from tests.pace import SLOWNESS
from tests.teach.test_writing import LAB

WAIT = 60_000 * SLOWNESS
MORE = """
# %% [markdown]
# A quarter is $\\frac{x}{4}$: half of a half. No phone is as wide as this line:
#
#     print(half(half(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0]))))

# %% exercise="quarter"
def quarter(x):
    ### BEGIN SOLUTION
    return half(half(x))
    ### END SOLUTION

# %% checks="quarter"
hints = ["Half of what?", "half(half(x))"]
checks.values(lambda rng: rng.normal(size=(4, 3)), np.ones((20, 20)))
"""


@pytest.fixture
def learning(tmp_path):
    """Return the address of a lab's page, and the learner's file."""
    lab = tmp_path / "halves.py"
    lab.write_text(LAB + MORE, "utf-8")
    folder = tmp_path / "learn"
    arguments = (str(folder), "--lab", str(lab), "--web")
    with command(*arguments, verb=("learn", "start")) as address:
        yield address, folder / "halves.py"


def opened(context, address):
    board = Board(context, address)
    board.page.set_default_timeout(WAIT)
    board.page.get_by_text("Not begun").wait_for()
    return board


def write(board, text):
    """Write an answer in the place of the text in the editor, by keys alone, and check it."""
    keyboard = board.page.keyboard
    keyboard.press("e")
    keyboard.press("Control+a")
    for line in text.split("\n"):
        keyboard.type(line)
        keyboard.press("Enter")
    keyboard.press("Control+s")
    keyboard.press("Escape")


@pytest.mark.thorough  # a whole lab
def test_a_lab_is_done_by_keyboard_alone(context, learning):
    address, file = learning
    board = opened(context, address)
    page = board.page
    write(board, "def half(x):\nreturn np.asarray(x) / 3")
    page.get_by_text("the number 3 must be 2").wait_for()
    assert "    return np.asarray(x) / 3" in file.read_text("utf-8")
    page.keyboard.press("h")
    page.get_by_text("How many halves").wait_for()
    write(board, "def half(x):\nreturn np.asarray(x) / 2")
    page.get_by_text("✓ half is right").wait_for()
    assert page.get_by_label("Your code").input_value().startswith("def quarter")
    page.keyboard.press("s")
    page.get_by_role("region", name="One solution of half").wait_for()
    write(board, "def quarter(x):\nreturn half(x)")
    page.get_by_role("figure").wait_for()
    assert page.locator("table caption").all_inner_texts() == ["Yours", "It must be"]
    page.keyboard.press("r")
    page.get_by_text("Not begun").wait_for()
    write(board, "def quarter(x):\nreturn half(half(x))")
    page.get_by_text("All exercises are done").wait_for()
    assert board.problems == []


@pytest.mark.thorough  # another editor beside the page
def test_the_page_follows_another_editor_and_loses_no_text(context, learning):
    address, file = learning
    board = opened(context, address)
    area = board.page.get_by_label("Your code")
    start = area.input_value()
    other = start.replace("raise NotImplementedError", "return x / 5")
    file.write_text(file.read_text("utf-8").replace(start, other), "utf-8")
    board.page.get_by_text("1 of").first.wait_for()
    board.page.wait_for_function("() => document.querySelector('textarea').value.includes('/ 5')")
    area.fill("def half(x):\n    return x / 7")
    file.write_text(file.read_text("utf-8").replace("/ 5", "/ 6"), "utf-8")
    board.page.get_by_text("Another editor has saved").wait_for()
    assert "/ 7" in area.input_value()
    board.page.get_by_role("button", name="Keep mine").click()
    board.page.get_by_role("button", name="Check").click()
    board.page.wait_for_function("() => !document.querySelector('.cb-editor__elsewhere')")
    assert "/ 7" in file.read_text("utf-8")
    assert board.problems == []


@pytest.mark.thorough  # sizes and schemes beside the quick test
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, VIEWPORT["width"]])
def test_everybody_reads_it(chrome, learning, width, scheme):
    address, _ = learning
    context = chrome.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    board = opened(context, address)
    write(board, "def half(x):\nreturn np.asarray(x) / 2")
    board.page.get_by_text("✓ half is right").wait_for()
    write(board, "def quarter(x):\nreturn half(x)")
    board.page.get_by_role("figure").wait_for()
    board.page.keyboard.press("h")
    board.page.get_by_text("Half of what").wait_for()
    assert board.js("document.documentElement.scrollWidth <= innerWidth")
    if width < 980:
        small = "[...document.querySelectorAll('button, summary, textarea')].filter("
        assert board.js(f"{small}(e) => e.getBoundingClientRect().height < 44).length") == 0
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make page")
    board.page.evaluate(AXE.read_text("utf-8"))
    assert board.js(VIOLATIONS, RULES) == []
    context.close()
