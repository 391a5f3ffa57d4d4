"""The bar in a browser, in all hosts: there and back, and when to stop."""

import pytest
from tests.blackboard.browsing import anew, needs, trains


def shows(board, update):
    board.js(f"() => until(() => last('frame').update === {update} && !last('frame').playing)")


def test_there_and_back(board):
    board.pause()
    board.page.keyboard.press("Home")
    shows(board, 0)
    board.button("One update").click()
    shows(board, 1)
    board.button("+10 updates").click()
    shows(board, 11)
    there = board.frame()["loss"]
    board.button("One update back").click()
    shows(board, 10)
    board.page.keyboard.press("ArrowRight")
    shows(board, 11)
    assert board.frame()["loss"] == there
    slider = board.control("slider", "Update shown")
    slider.press("Home")
    shows(board, 0)
    slider.press("ArrowRight")
    shows(board, 1)
    board.button("Epoch: to its end").click()
    board.js("() => until(() => last('frame').epochs >= 1 && !last('frame').playing)")
    end = board.frame()
    board.page.keyboard.press("Home")
    shows(board, 0)
    board.page.keyboard.press("End")
    shows(board, end["head"])
    board.button("Restart, same weights").click()
    shows(board, 0)


@trains
def test_steps_asked_for_while_one_runs_add_up(board):
    board.pause()
    board.page.keyboard.press("Home")
    shows(board, 0)
    board.button("+10 updates").evaluate(
        """async (button) => {
          for (let i = 0; i < 5; i++) {
            button.click();
            await new Promise(requestAnimationFrame);
          }
        }"""
    )
    shows(board, 50)
    board.button("Restart, same weights").click()
    shows(board, 0)
    board.button("Epoch: to its end").dblclick()
    board.js("() => until(() => last('frame').epochs === 2 && !last('frame').playing)")


@pytest.mark.thorough  # one more run
def test_it_stops_when_it_is_to(board):
    board.pause()
    board.button("Restart, same weights").click()
    shows(board, 0)
    board.button("Stop when…").click()
    board.page.get_by_label("Epoch reaches").fill("2")
    board.button("Stop then").click()
    board.full_speed()
    board.js("() => until(() => last('frame').epochs >= 2 && !last('frame').playing)")
    assert board.frame()["epochs"] < 3
    board.button("Stops by itself: change when").click()
    board.button("Never stop").click()
    board.js("() => until(() => !Object.values(last('frame').stop).some((each) => each))")


@anew
@needs("fork")
def test_two_runs(board):
    board.pause()
    board.button("Fork here: go on as a second run").click()
    board.js("() => until(() => last('frame').branch === 'b')")
    board.page.keyboard.press("b")
    board.js("() => until(() => last('frame').branch === 'a')")
    board.button("Drop run A").click()
    board.js("() => until(() => last('frame').branches.length === 1)")
    board.train()


@pytest.mark.thorough  # one more run
@needs("restart", "served")
def test_another_network(board):
    board.page.keyboard.press("n")
    board.page.get_by_label("Activation").select_option("relu")
    board.button("Add a hidden layer").click()
    board.button("Restart with these").click()
    board.js("() => until(() => last('setup')?.units.length === 2)")
    board.say({"do": "restart", "settings": {"layers": [10], "activation": "tanh"}})
    board.js("() => until(() => last('setup').units.length === 1)")
