"""The page with a network of 235,000 weights on pictures of 28 x 28: what holds for small ones."""

import numpy as np
import pytest
from tests.blackboard.browser import test_page
from tests.blackboard.browsing import Board, best, command

from chainrule._src.blackboard import site, subjects
from chainrule._src.blackboard.course import Course, Lesson
from chainrule._src.blackboard.opening import subject_of

pytestmark = pytest.mark.thorough  # one more network

SETTINGS = "#layers=256-128&activation=relu&init=he_normal&rate=0.01"
N = 1000


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A file of pictures."""
    rng = np.random.default_rng(0)
    patterns = np.kron(rng.random((10, 7, 7)), np.ones((4, 4)))
    y = rng.integers(0, 10, N)
    X = np.clip(200 * patterns[y] + rng.normal(0, 60, (N, 28, 28)), 0, 255).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "pictures.npz"
    np.savez(path, X=X, y=y)
    return path


@pytest.fixture(scope="module")
def address(visitor, pictures):
    with command("--data", str(pictures), "--target", "y") as told:
        yield told + SETTINGS
        visitor.visit("about:blank")


@pytest.fixture
def board(visitor, address):
    if visitor.address != address:
        visitor.visit(address)
        visitor.js("() => until(() => last('setup')?.model.title === '784-256-128-10')")
    yield visitor
    visitor.pause()
    assert visitor.problems == []


def test_stop_takes_effect_at_once(board):
    test_page.test_stop_takes_effect_at_once(board)


def test_a_slider_takes_effect_at_once(board):
    test_page.test_a_slider_takes_effect_at_once(board)


def test_at_full_speed_the_page_sees_at_least_15_frames_a_second(board):
    board.full_speed()

    assert best(board.seconds_a_frame, 1 / 15) <= 1 / 15


def test_a_page_without_python_sees_at_least_15_frames_a_second(pictures, context, tmp_path):
    settings = {"layers": [100], "activation": "relu", "init": "glorot_uniform", "rate": 0.01}
    data = subject_of(str(pictures), "y", "network").data
    lesson = Lesson("large", "Large", subjects.network(data, settings), [[100]], ("relu",),
                    optimizers=("sgd",))  # fmt: skip
    site.write_course(Course.of([lesson], lambda text: None), tmp_path / "a.html", single=True)
    board = Board(context, (tmp_path / "a.html").as_uri())
    board.full_speed()

    assert best(board.seconds_a_frame, 1 / 15) <= 1 / 15
    assert not [name for name in board.frame()["arrays"] if name.startswith(("g:", "d:"))]


def test_frames_carry_what_pictures_show_and_another_choice_brings_it_at_once(board):
    def carried():
        names = board.js("Object.keys(last('frame').arrays)")
        return {name for name in names if name.endswith(":W_h1")}

    board.train()  # the first frame that a page gets carries all
    board.pause()
    board.js("() => until(() => last('frame').exact)")
    before = board.frame()
    assert carried() == {"p:W_h1"}
    for choice, start in (("Gradient", "g:"), ("Last change", "d:")):
        board.page.get_by_role("radio", name=choice, exact=True).check()
        board.js("(name) => until(() => name in last('frame').arrays)", f"{start}W_h1")
        assert carried() == {"p:W_h1", f"{start}W_h1"}
        assert board.frame()["update"] == before["update"]
    board.train()
    board.at(before["update"] + 1)
    assert carried() == {"p:W_h1", "d:W_h1"}
