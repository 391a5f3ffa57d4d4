"""A learner's session as a page sees it: messages of events, requests, and saves."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.pace import SLOWNESS
from tests.teach.test_writing import LAB

from chainrule._src.blackboard.conversation import Conversation
from chainrule._src.blackboard.frames import decode
from chainrule._src.blackboard.learning import LearningPages
from chainrule._src.teach.learn.task_text import _formula
from chainrule._src.teach.learn.workspace import Workspace
from chainrule._src.teach.loader import load

pytestmark = pytest.mark.usefixtures("no_wall_limit")

STUB = "def half(x):\n    # TODO\n    raise NotImplementedError"
WRONG = "def half(x):\n    return np.asarray(x) / 3"
FORMULA = "# # Halves\n#\n# Take $\\frac{x}{2}$, not `x`. <b>Bold</b>\n"


class Page:
    """A page before a session: what it was told, by type."""

    def __init__(self, pages):
        self.told = []
        self._conversation = Conversation(pages, self._take)
        self.outbox = self._conversation.outbox
        self.say(do="hello")

    def _take(self):
        pass

    def say(self, **message):
        self._conversation.hear(message)

    def last(self, kind):
        self.told += [decode(message)[0] for message in self.outbox.take()]
        return next((each for each in reversed(self.told) if each["type"] == kind), None)

    def until(self, holds, kind="learn"):
        end = time.monotonic() + 60 * SLOWNESS
        while (message := self.last(kind)) is None or not holds(message):
            assert time.monotonic() < end, self.told[-3:]
            time.sleep(0.02)
        return message

    def close(self):
        self._conversation.close()


@pytest.fixture
def workspace(tmp_path):
    path = tmp_path / "halves.py"
    path.write_text(LAB.replace("# # Halves\n", FORMULA), "utf-8")
    load.cache_clear()
    return Workspace.start(tmp_path / "learn", [load(str(path))], ".py")


@pytest.fixture
def page(workspace):
    pages = LearningPages(workspace)
    each = Page(pages)
    yield each
    each.close()
    pages.close()
    assert not pages._thread.is_alive()


def test_an_exercise_is_shown_saved_checked_and_passes(page, workspace):
    shown = page.until(lambda each: each["looked"])
    assert (shown["exercise"], shown["code"], shown["sentence"]) == ("half", STUB, "")
    html = page.last("task")["html"]
    assert 'alt="\\frac{x}{2}"' in html
    assert "data:image/svg+xml" in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html

    page.say(do="save", name="half", before=STUB, text=WRONG)
    shown = page.until(lambda each: each["sentence"])
    assert shown["checks"] == [["values", False]]
    assert shown["comparison"] is None  # of a single number the sentence says all
    assert "/ 3" in workspace.path(workspace.labs[0]).read_text("utf-8")

    page.say(do="ask", name="hint")
    assert page.until(lambda each: each["hints"])["hints"] == ["How many halves has a whole?"]
    page.say(do="save", name="half", before=WRONG, text=WRONG.replace("3", "2"))
    shown = page.until(lambda each: not each["exercise"])
    assert shown["labs"][0]["exercises"] == [["half", "half", True]]
    assert any("chainrule learn" in line for line in shown["afterwards"])
    page.say(do="ask", name="solution")
    assert "np.asarray(x) / 2" in page.until(bool, "solution")["code"]


def test_values_are_shown_beside_the_right_ones(page):
    page.until(lambda each: each["looked"])
    text = "def half(x):\n    return np.asarray(x) / 2 + (np.ndim(x) > 0)"
    page.say(do="save", name="half", before=STUB, text=text)
    comparison = page.until(lambda each: each["sentence"])["comparison"]
    assert [a - b for a, b in zip(comparison["values"], comparison["right"], strict=True)] == (
        pytest.approx([1, 1, 1])
    )


def test_a_save_over_that_of_another_editor_is_refused(page, workspace):
    page.until(lambda each: each["looked"])
    path = workspace.path(workspace.labs[0])
    path.write_text(path.read_text("utf-8").replace(STUB, WRONG), "utf-8")
    page.until(lambda each: each["code"] == WRONG)
    page.say(do="save", name="half", before=STUB, text="lost = 1", id=3)
    error = page.until(bool, "error")
    assert error["id"] == 3
    assert "changed in another editor" in error["message"]
    assert "lost" not in path.read_text("utf-8")


def test_a_text_with_a_mistake_in_its_syntax_can_be_mended(page):
    page.until(lambda each: each["looked"])
    broken = "def half(x:\n    return x"
    page.say(do="save", name="half", before=STUB, text=broken)
    shown = page.until(lambda each: each["sentence"] or each["problem"])
    assert shown["code"] == broken
    assert "line" in shown["sentence"] + shown["problem"]
    page.say(do="save", name="half", before=broken, text=WRONG)
    page.until(lambda each: "must be" in each["sentence"])


@pytest.mark.parametrize(
    "message",
    [
        {"do": "ask", "name": "quit"},
        {"do": "save", "name": "half", "before": "", "text": "x" * 60_000},
        {"do": "save", "name": "../half", "before": "", "text": ""},
        {"do": "save", "name": "half", "before": 1, "text": ""},
        {"do": "play", "rate": None},
        {"do": "explode"},
    ],
)
def test_other_messages_are_refused(page, message):
    page.say(**message)
    assert page.until(bool, "error")["message"]


def test_pages_that_ask_at_once_get_their_formulas():
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda n: _formula(rf"\frac{{x}}{{{n}}}", False), range(80)))
    assert all('alt="\\frac{x}' in each for each in drawn)
