"""Networks of other kinds: convolutions, sequences, tables, quantities, and losses of one's own."""

from contextlib import contextmanager

import pytest
from tests.blackboard.browsing import Board, command

DIGITS = """
import numpy as np, chainrule as cr
from chainrule import layers
rng = np.random.default_rng(0)
y = np.arange(200) % 3
"""
CONVOLUTION = (
    DIGITS
    + """
X = rng.normal(size=(200, 8, 8, 1)) + np.eye(8)[None, :, :, None] * y[:, None, None, None]
model = cr.Sequential([
    layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(),
    layers.Dense(3, activation="softmax"),
])
model.compile(optimizer=cr.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
"""
)
RECURRENT = (
    DIGITS
    + """
t = np.arange(20) / 20
X = np.sin(6.28 * (y[:, None] + 1) * t + rng.uniform(0, 6, (200, 1)))[:, :, None]
model = cr.Sequential([layers.SimpleRNN(6), layers.Dense(3, activation="softmax")])
model.compile(optimizer=cr.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
"""
)
NORMALISED = (
    DIGITS
    + """
X = rng.normal(size=(200, 5))
model = cr.Sequential([
    layers.Dense(7, activation="relu"), layers.BatchNormalization(),
    layers.Dense(3, activation="softmax"),
])
model.compile(optimizer=cr.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
"""
)
STEEP = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.uniform(-30, 30, (400, 2))
y = X @ np.array([2.0, -3.0]) + 50
params = {"w": np.zeros(2), "b": np.zeros(())}
def forward(params, X):
    return X @ params["w"] + params["b"]
def loss(params, X, y):
    return np.mean((forward(params, X) - y) ** 2)
"""
TABLE = "size,kind,price\n" + "\n".join(
    f"{100 + i % 37},{('flat', 'house', 'hut')[i % 3]},{1000 + 3 * (i % 37) + i % 3 * 50}"
    for i in range(120)
)


@pytest.fixture(scope="module")
def shown(chrome, tmp_path_factory):
    """Context manager that shows a file of one's own, or a table."""
    folder = tmp_path_factory.mktemp("files")

    @contextmanager
    def show(name, text, *arguments):
        file = folder / name
        file.write_text(text, encoding="utf-8")
        given = ["--model", str(file)] if name.endswith(".py") else ["--data", str(file)]
        context = chrome.new_context(viewport={"width": 1280, "height": 720})
        with command(*given, *arguments) as address:
            board = Board(context, address)
            board.page.locator(".cb-stage").wait_for()
            board.frame()
            yield board
            assert board.problems == []
            context.close()

    return show


def painted(board, selector):
    """Return the number of colours in a canvas."""
    return board.js(
        """(selector) => {
          const canvas = document.querySelector(selector);
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        }""", selector,
    )  # fmt: skip


@pytest.mark.thorough  # one more network
def test_a_convolution_shows_filters_maps_and_the_prediction(shown):
    with shown("convolution.py", CONVOLUTION) as board:
        board.page.get_by_text("4 filters of 3 × 3").wait_for()
        board.page.locator(".cb-answer").wait_for()
        board.settle()
        assert painted(board, ".cb-filters canvas") > 30
        canvas = board.page.locator(".cb-filters canvas")
        canvas.click(position={"x": 3, "y": 3})
        board.page.locator(".cb-factors h3 code", has_text="conv2d_kernel[0, 0, 0, 0]").wait_for()
        canvas.click(position={"x": 3, "y": canvas.bounding_box()["height"] * 0.5})
        board.page.locator(".cb-factors h3 code", has_text="conv2d[0, ").wait_for()


@pytest.mark.thorough  # one more network
def test_a_sequence_is_a_curve_over_time_with_the_hidden_state_and_no_pad_of_ink(shown):
    with shown("recurrent.py", RECURRENT) as board:
        board.page.get_by_label("20 steps over time").wait_for()
        board.settle()
        assert painted(board, ".cb-states canvas") > 30
        board.open("Draw")
        assert board.page.locator(".cb-pad").count() == 0
        assert board.page.locator(".cb-sliders input").count() == 20
        before = board.page.locator(".cb-bars-number").all_inner_texts()
        box = board.page.locator(".cb-curve canvas").bounding_box()
        board.page.mouse.move(box["x"] + 5, box["y"] + 5)
        board.page.mouse.down()
        board.page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 5, steps=30)
        board.page.mouse.up()
        board.settle()
        assert board.page.locator(".cb-bars-number").all_inner_texts() != before


@pytest.mark.thorough  # one more network
def test_a_sequential_of_any_layers_shows_them(shown):
    with shown("normalised.py", NORMALISED) as board:
        board.page.get_by_text("7 hidden units").wait_for()
        board.page.get_by_text("3 classes", exact=True).wait_for()
        assert board.page.locator(".cb-tile").count() == 7
        board.page.get_by_role("heading", name="batch_normalization_gamma (7)").wait_for()


@pytest.mark.thorough  # one more network
def test_a_table_stands_in_its_own_units_with_categories_as_one_choice(shown):
    with shown("homes.csv", TABLE, "--target", "price") as board:
        own = board.page.locator(".cb-features li", has_text="size").inner_text()
        assert 100 <= float(own.split()[-1]) <= 136
        board.page.get_by_text("How much is price?").wait_for()
        assert 1000 <= float(board.page.locator(".cb-answer").inner_text().split()[-1]) <= 1300
        board.say({"do": "step", "count": 400})
        board.js("() => until(() => last('frame').update === 400 && !last('frame').playing)")
        board.open("Draw")
        choice = board.page.get_by_label("kind")
        assert choice.locator("option").all_inner_texts() == ["flat", "house", "hut"]
        before = board.page.locator(".cb-value").inner_text()
        choice.select_option("hut" if choice.input_value() != "2" else "flat")
        board.settle()
        assert board.page.locator(".cb-value").inner_text() != before


@pytest.mark.thorough  # one more network
def test_a_loss_of_ones_own_falls_and_predictions_are_drawn_against_the_truth(shown):
    with shown("steep.py", STEEP) as board:
        assert board.frame()["settings"]["rate"] < 0.01
        before = board.frame()["held_loss"]
        board.page.locator(".cb-stage .cb-scatter svg").wait_for()
        board.button("Epoch: to its end").click()
        board.js("() => until(() => last('frame').epochs >= 1 && !last('frame').playing)")
        assert board.frame()["held_loss"] < before
        assert board.page.locator(".cb-diverges").count() == 0
        board.say({"do": "set", "rate": 1}, {"do": "step", "count": 6})
        board.page.get_by_text("It diverges: the learning rate is too high").wait_for()
        board.page.keyboard.press("Home")
        board.js("() => until(() => last('frame').update === 0 && !last('frame').playing)")
        board.open("Mistakes")
        scatter = board.page.locator(".cb-panel .cb-scatter svg")
        scatter.click(position={"x": 100, "y": 100})
        board.page.locator(".cb-panel .cb-scatter-now").wait_for(state="attached")
