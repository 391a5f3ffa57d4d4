"""A learner's session as a page sees it: messages of events, requests, and saves."""

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.pace import SLOWNESS
from tests.teach.test_writing import LAB

from chainrule._src.blackboard.conversation import Conversation
from chainrule._src.blackboard.frames import decode
from chainrule._src.blackboard.learning import LearningPages
from chainrule._src.blackboard.listeners import Listeners
from chainrule._src.teach.figures import MOST_BYTES, SIGNATURE, is_picture
from chainrule._src.teach.learn.session import LearningSession
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


def test_a_page_that_comes_while_the_session_looks_gets_the_newest_state_last(
    workspace, monkeypatch
):
    """The state for the page waits until the session has told its own, if it may."""
    session_told, states = threading.Event(), []

    def tell(listeners, message, listener=None):
        state = decode(message)[0]
        if state["type"] == "learn":
            if threading.current_thread() is threading.main_thread():
                session_told.wait(1)
            states.append(state["looked"])
            session_told.set()

    monkeypatch.setattr(Listeners, "tell", tell)
    begins = threading.Event()
    run = LearningSession.run
    monkeypatch.setattr(LearningSession, "run", lambda *of: begins.wait(60) and run(*of))
    pages = LearningPages(workspace)
    state = LearningPages._state
    monkeypatch.setattr(LearningPages, "_state", lambda of: (state(of), begins.set())[0])
    pages._on_hello(None)
    pages.close()
    assert states[-1]


def test_values_are_shown_beside_the_right_ones(page):
    page.until(lambda each: each["looked"])
    text = "def half(x):\n    return np.asarray(x) / 2 + (np.ndim(x) > 0)"
    page.say(do="save", name="half", before=STUB, text=text)
    comparison = page.until(lambda each: each["sentence"])["comparison"]
    assert [a - b for a, b in zip(comparison["values"], comparison["right"], strict=True)] == (
        pytest.approx([1, 1, 1])
    )


DRAWN = """
# %% exercise="curve"
def curve(x):
    ### BEGIN SOLUTION
    import matplotlib.pyplot as plt

    plt.plot(x, x**2)
    plt.title("A parabola")
    return plt.gca().get_title()
    ### STUB
    # return None
    ### END SOLUTION

# %% checks="curve"
hints = ["Square it."]

@checks.add("figure")
def _(curve, rng):
    x = np.linspace(-1, 1, 20)
    solution.curve(x)
    expect.equal(curve(x), "A parabola", "the title")
"""


def test_figures_are_shown_beside_those_of_the_lab(tmp_path):
    path = tmp_path / "halves.py"
    path.write_text("# %%\nimport numpy as np\n" + DRAWN, "utf-8")
    load.cache_clear()
    lab = load(str(path))
    pages = LearningPages(Workspace.start(tmp_path / "learn", [lab], ".py"))
    page = Page(pages)
    try:
        page.until(lambda each: each["looked"])
        assert page.last("pictures").keys() == {"type", "exercise"}
        stub, solved = (lab.source.code(lab.source.cells[1], solved=solved) for solved in (0, 1))
        page.say(do="save", name="curve", before=stub, text=solved.replace("A para", "A hyper"))
        page.until(lambda each: each["sentence"])
        pictures = page.last("pictures")
        assert (pictures["yours"]["alt"], pictures["lab"]["alt"]) == ("A hyperbola", "A parabola")
        yours, right = (pictures[whose]["png"] for whose in ("yours", "lab"))
        assert is_picture(yours)
        assert is_picture(right)
        assert yours != right
    finally:
        page.close()
        pages.close()


def test_only_a_small_png_is_a_picture():
    png = SIGNATURE + b"data"
    assert is_picture(base64.b64encode(png).decode())
    assert not is_picture(base64.b64encode(png + bytes(MOST_BYTES)).decode())
    assert not is_picture(base64.b64encode(b"<svg>").decode())
    assert not is_picture('" onerror="')
    assert not is_picture(None)


def test_checks_are_told_as_they_come(page):
    page.until(lambda each: each["looked"])
    page.say(do="save", name="half", before=STUB, text=WRONG.replace("3", "2"))
    page.until(lambda each: not each["exercise"])
    during = [each["checks"] for each in page.told if each.get("checking")]
    assert during[0] == []
    assert during[-1] == [["values", True]]


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


@pytest.mark.thorough  # many threads
def test_pages_that_ask_at_once_get_their_formulas():
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda n: _formula(rf"\frac{{x}}{{{n}}}", False), range(80)))
    assert all('alt="\\frac{x}' in each for each in drawn)
