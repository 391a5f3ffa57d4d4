"""Exported pages, in a browser: predictions and reasons of Python, training, sentences."""

import gzip
import re

import numpy as np
import pytest
from tests.cli.running import done, refused
from tests.export.web.page_visits import Visit, browser

import chainrule as cr
from chainrule import keras, layers
from chainrule._src.export.web.document import page_content
from chainrule._src.export.web.examples import example_arrays
from chainrule._src.export.web.inputs import number_part, parts_of_sample
from chainrule._src.tabular.recipes.recipe import Recipe
from chainrule._src.tabular.recipes.tabular import prepare, train
from chainrule.errors import DataError, ExportError, ShapeError
from chainrule.tables import ArrayTable

SPARSE = "sparse_categorical_crossentropy"
RNG = np.random.default_rng(0)
NO_VECTORS = "WebAssembly.validate = () => false;"
TINY = 1e-12


@pytest.fixture(scope="module")
def chrome():
    with browser() as started:
        yield started


@pytest.fixture
def visit(chrome):
    """Open pages; at the end, none had an error or asked for anything."""
    visits, contexts = [], []

    def opened(path, script=None, **options):
        contexts.append(chrome.new_context(**options))
        if script:
            contexts[-1].add_init_script(script)
        visits.append(Visit(contexts[-1], path))
        return visits[-1]

    yield opened
    for each in visits:
        assert (each.problems, each.requested) == ([], [])
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def digits():
    data = cr.data.load_digits()
    model = cr.Sequential(
        [layers.Dense(10, activation="sigmoid"), layers.Dense(10, activation="softmax")], seed=0
    )
    model.compile(cr.optimizers.SGD(1.0), SPARSE, metrics=["accuracy"])
    model.fit(data.X_train, data.y_train, epochs=10, batch_size=32, verbose=0)
    return model


@pytest.fixture(scope="module")
def digits_page(digits, folder):
    path = folder / "digits.html"
    digits.export(path)
    return path


@pytest.fixture(scope="module")
def training_page(digits, folder):
    path = folder / "digits_training.html"
    digits.export(path, training=True)
    return path


@pytest.fixture(scope="module")
def bikes():
    """A table with columns of each kind, and a quantity with an interval."""
    n = 300
    hour, when = RNG.integers(0, 24, n), RNG.integers(0, 700, n)
    columns = {
        "hour": hour.astype(float),
        "temperature": np.where(RNG.random(n) < 0.1, np.nan, RNG.normal(15, 8, n).round(1)),
        "date": np.datetime64("2011-01-01T00:00:00") + when * np.timedelta64(86400, "s"),
        "weather": np.array(["clear", "cloudy", "rain"], object)[RNG.integers(0, 3, n)],
        "wind": np.array(["strong", "calm", "fresh"], object)[RNG.integers(0, 3, n)],
    }
    rentals = 150 + 8 * hour - 60.0 * (columns["weather"] == "rain") + RNG.normal(0, 5, n)
    order = ("wind", ("calm", "fresh", "strong"))
    recipe = Recipe(target="rentals", epochs=5, ensemble=1, interval=0.9, order=(order,))
    table = ArrayTable("bikes", {**columns, "rentals": rentals})
    return train(prepare(table, recipe), recipe)[0], columns, rentals


@pytest.fixture(scope="module")
def bikes_page(bikes, folder):
    path = folder / "bikes.html"
    bikes[0].export(path)
    return path


def rentals_of(model, row):
    """Return prediction, lower and upper end for a row."""
    columns = {name: np.array([value]) for name, value in row.items()}
    target, scores = model.preprocessor.target, model.predict(model.preprocessor.transform(columns))
    return [each[0] * target.scale + target.mean for each in (scores[:, 0], *target.bounds(scores))]


# Pictures


def strength(p, label):
    rest = np.delete(p, label, axis=1).sum(1)
    return np.log(np.maximum(p[:, label], TINY)) - np.log(np.maximum(rest, TINY))


def test_a_drawing_is_predicted_as_in_python_with_its_reasons(digits, digits_page, visit):
    page = visit(digits_page).settle()
    page.button("Clear").click()
    box = page.page.locator("canvas.pad").bounding_box()
    for i, (x, y) in enumerate([(0.3, 0.2), (0.7, 0.2), (0.55, 0.5), (0.4, 0.85)]):
        page.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["width"], steps=4)
        if not i:
            page.page.mouse.down()
    page.page.mouse.up()
    (pixels,) = page.settle().values
    x = np.array(pixels, "f4")
    p = digits.predict(x[np.newaxis]).astype(float)
    label = p.argmax()
    assert page.text("large") == str(label)
    np.testing.assert_allclose(page.shares, p[0], atol=6e-5)

    data = cr.data.load_digits()
    every = (data.images.reshape(-1, 64) - data.mean) / data.scale
    changed = np.where(np.eye(64, dtype=bool), every.mean(0).astype("f4"), x)
    expected = strength(p, label) - strength(digits.predict(changed).astype(float), label)
    np.testing.assert_allclose(page.map, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.thorough  # the pad, once more
def test_the_pad_has_the_scale_of_the_training_pictures(digits, digits_page, visit):
    page = visit(digits_page).settle()
    data = cr.data.load_digits()
    (example,) = page.values  # it begins with the first picture of the data
    expected = (data.images[0].ravel() - data.mean) / data.scale
    np.testing.assert_allclose(example, expected, atol=1e-5)
    assert page.text("large") == str(data.target[0])
    page.button("Another example").click()
    assert f"In the data it is {data.target[1]}" in page.settle().text("ways")


@pytest.mark.thorough  # the pad, once more
def test_the_pad_is_drawn_on_by_keyboard(digits_page, visit):
    page = visit(digits_page, reduced_motion="reduce").settle()
    page.page.locator("canvas.pad").focus()
    for key in ["Delete", *["ArrowUp"] * 10, " ", *["ArrowDown"] * 22, " "]:
        page.page.keyboard.press(key)
    assert page.settle().text("large") == "1"


@pytest.mark.thorough  # the pad, once more
def test_a_bright_picture_in_a_file_becomes_dark_ink(digits_page, visit, folder):
    image = pytest.importorskip("PIL.Image")
    ink = np.full((80, 80), 250, np.uint8)
    ink[8:72, 34:46] = 5  # a one
    image.fromarray(ink).save(folder / "one.png")
    page = visit(digits_page).settle()
    page.page.locator("#input input[type=file]").set_input_files(folder / "one.png")
    page.page.wait_for_function("document.querySelector('#large').textContent === '1'")
    (folder / "no.png").write_text("no picture")
    page.page.locator("#input input[type=file]").set_input_files(folder / "no.png")
    page.page.get_by_text("No.png is no picture that this browser can read").wait_for()
    assert page.text("large") == "1"


@pytest.mark.thorough  # three drawings in one
def test_a_colour_picture_is_predicted_as_in_python(visit, folder):
    image = pytest.importorskip("PIL.Image")
    model = cr.Sequential(
        [layers.Input((12, 16, 3)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3),
         layers.Flatten(), layers.Dense(3, activation="softmax")], seed=0,
    )  # fmt: skip
    model.class_names = ["red", "green", "blue"]
    model.export(folder / "colour.html")
    image.fromarray(RNG.integers(0, 256, (12, 16, 3), np.uint8)).save(folder / "noise.png")
    page = visit(folder / "colour.html").settle()
    page.page.locator("#input input[type=file]").set_input_files(folder / "noise.png")
    page.page.wait_for_function(
        "document.querySelector('#controls > *').control.values[0] % 1 === 0"
    )
    (pixels,) = page.settle().values
    expected = np.asarray(image.open(folder / "noise.png")).reshape(-1)
    np.testing.assert_allclose(pixels, expected, atol=1e-3)
    np.testing.assert_allclose(
        page.shares, model.predict(expected.reshape(1, 12, 16, 3).astype("f4"))[0], atol=6e-5
    )


def test_a_page_takes_each_of_several_inputs(visit, folder):
    shapes = {"pixels": (8, 8), "age": (1,), "words": (5,)}
    pixels, age, words = (
        keras.Input(shape, name=name, dtype="int32" if name == "words" else "float32")
        for name, shape in shapes.items()
    )
    parts = layers.Flatten()(pixels), age, layers.Flatten()(layers.Embedding(7, 2)(words))
    output = layers.Dense(3, "softmax")(layers.Concatenate()(parts))
    model = keras.Model([pixels, age, words], output)
    model.export(folder / "several.html")
    page = visit(folder / "several.html").settle()
    page.page.get_by_label("age", exact=True).fill("1.5")
    page.page.locator("textarea").fill("0 6 1 2 3")
    given = page.settle().values
    assert given[1:] == [1.5, [0, 6, 1, 2, 3]]
    samples = [
        np.reshape(each, (1, *shape)) for each, shape in zip(given, shapes.values(), strict=True)
    ]
    np.testing.assert_allclose(page.shares, model.predict(samples)[0], atol=6e-5)
    assert {"pixels", "words"} <= set(page.page.locator("#controls h3").all_inner_texts())


# Tables


def test_a_table_is_predicted_as_in_python_with_its_reasons(bikes, bikes_page, visit):
    model, _, _ = bikes
    page = visit(bikes_page).settle()
    assert "All values are typical ones" in page.text("reasons")
    typical = page.js(
        "[...document.querySelectorAll('#controls > *')].map((e) => e.control.typical)"
    )
    names = [step.name for step in model.preprocessor.steps]
    typical = dict(zip(names, typical, strict=True))
    row = {
        "hour": 17.0,
        "temperature": np.nan,
        "date": "2012-02-29",
        "weather": "rain",
        "wind": "strong",
    }
    page.page.get_by_label("hour", exact=True).fill("17")
    page.page.get_by_label("temperature", exact=True).fill("")
    page.page.get_by_label("date").fill("2012-02-29")
    page.page.get_by_label("weather").select_option("rain")
    page.page.get_by_label("wind").select_option("strong")
    page.settle()

    def dated(row):
        return row | {"date": np.datetime64(row["date"], "s")}

    middle, low, high = rentals_of(model, dated(row))
    assert float(page.text("large")) == pytest.approx(middle, abs=0.51)
    ends = re.search(r"90 % between ([\d.]+) and ([\d.]+)", page.text("interval"))
    assert [float(end) for end in ends.groups()] == pytest.approx([low, high], abs=0.51)
    changes = {
        name: middle - rentals_of(model, dated(row | {name: typical[name]}))[0] for name in row
    }
    least = 0.005 * max(map(abs, changes.values()))  # less is counted, not shown
    large = {name: change for name, change in changes.items() if abs(change) > least}
    assert len(large) > 1
    shown = {text.partition(" = ")[0]: change for text, change in page.reasons.items()}
    assert shown == pytest.approx(large, rel=1e-4, abs=1e-3)
    assert len(large) == len(changes) or "that change less" in page.text("reasons")
    assert list(shown) == sorted(shown, key=lambda name: -abs(shown[name]))


@pytest.mark.thorough  # one more kind of column
def test_a_table_may_hold_pictures(folder, visit):
    scans, kinds = (
        RNG.integers(0, 256, (60, 9, 9)),
        np.array(["a", "b"], object)[RNG.integers(0, 2, 60)],
    )
    scans[kinds == "a", 2] = 255
    columns = {"scan": scans, "age": RNG.integers(20, 80, 60).astype(float)}
    recipe = Recipe(target="kind", epochs=3, ensemble=1)
    model, *_ = train(prepare(ArrayTable("t", {**columns, "kind": kinds}), recipe), recipe)
    model.export(folder / "scans.html", training=True, examples=(columns, kinds))
    page = visit(folder / "scans.html").settle()
    page.button("Another example").click()
    assert page.settle().values == [scans[1].ravel().tolist(), columns["age"][1]]
    p = model.predict(model.preprocessor.transform({k: v[1:2] for k, v in columns.items()}))[0]
    np.testing.assert_allclose(page.shares, p, atol=6e-5)
    assert len(page.map) == 81
    page.page.get_by_label("Epochs").fill("1")
    page.train()


@pytest.mark.thorough  # one more page
def test_a_sequence_of_outputs_is_a_curve_for_each_feature(folder, visit):
    model = cr.Sequential([layers.Input((30, 2)), layers.LSTM(3, return_sequences=True)], seed=0)
    model.export(folder / "series.html")
    page = visit(folder / "series.html").settle()
    assert page.text("large") == "90 numbers"
    assert page.page.locator("#bars polyline").count() == 3
    assert page.page.locator("#controls polyline").count() == 2


def test_what_is_no_number_is_told_and_the_prediction_stays(bikes_page, visit):
    page = visit(bikes_page).settle()
    before = page.text("large")
    page.page.get_by_label("hour", exact=True).fill("noon")
    page.page.get_by_text("“noon” is no number").wait_for()
    assert page.settle().text("large") == before
    assert "prediction is that of the last one" in page.text("small")
    page.page.get_by_label("hour", exact=True).fill("12,5")
    assert page.settle().values[0] == 12.5
    page.page.get_by_label("hour", exact=True).fill("")
    page.page.get_by_text("hour is empty").wait_for()


@pytest.mark.thorough  # one more page
def test_ranges_and_typical_values_come_from_examples(bikes, folder, visit):
    model, columns, rentals = bikes
    model.export(folder / "ranges.html", examples=(columns, rentals))
    page = visit(folder / "ranges.html").settle()
    slider = page.page.get_by_label("hour, slider")
    assert [slider.get_attribute(name) for name in ("min", "max", "step")] == ["0", "23", "1"]
    assert page.values[0] == np.median(columns["hour"]).round()
    page.button("Another example").click()
    assert page.settle().values[0] == columns["hour"][0]
    assert page.values[3] == columns["weather"][0]


# Sequences and numbers


@pytest.fixture(scope="module")
def sequence():
    model = cr.Sequential([layers.Input((20, 1)), layers.SimpleRNN(6), layers.Dense(1)], seed=0)
    model.compile("adam", "mse")
    return model


@pytest.mark.thorough  # one more kind of sample
def test_a_sequence_is_predicted_as_in_python_with_its_reasons(sequence, folder, visit):
    sequence.export(folder / "sequence.html")
    page = visit(folder / "sequence.html").settle()
    x = RNG.normal(size=20).round(3)
    page.page.get_by_role("textbox").fill("; ".join(map(str, x)))
    page.settle()

    def predicted(X):
        return sequence.predict(X.reshape(-1, 20, 1).astype("f4"))[:, 0].astype(float)

    expected = predicted(x) - predicted(np.where(np.eye(20, dtype=bool), x.mean(), x))
    np.testing.assert_allclose(page.map, expected, rtol=1e-3, atol=1e-6)
    shown = float(page.text("large").replace("−", "-"))
    assert shown == pytest.approx(predicted(x)[0], rel=5e-3)
    page.page.get_by_role("textbox").fill("1, 2, x")
    page.page.get_by_text("“x” at place 3 is no number").wait_for()
    page.page.get_by_role("textbox").fill("1 2 3")
    page.page.get_by_text("Expected 20 numbers, received 3").wait_for()


@pytest.mark.parametrize(
    ("shape", "kinds"),
    [
        ((64,), ["drawing"]), ((784,), ["drawing"]), ((9, 9), ["drawing"]),
        ((6, 8, 1), ["drawing"]), ((6, 8, 3), ["picture"]), ((20,), ["sequence"]),
        ((20, 3), ["sequence"]), ((4,), ["number"] * 4), ((3, 4, 5, 2), ["sequence"]),
    ],
)  # fmt: skip
def test_controls_by_the_shape_of_a_sample(shape, kinds):
    assert [part["kind"] for part in parts_of_sample(layers.Flatten(), shape)] == kinds


def test_words_by_number_are_a_sequence():
    words = layers.Input((5,), dtype="int64"), layers.Embedding(7, 3)
    model = cr.Sequential([*words, layers.Flatten()])
    (part,) = page_content(model, False, 1, None).about["page"]["parts"]
    assert (part["kind"], part["whole"]) == ("sequence", True)


@pytest.mark.parametrize(
    ("scale", "high"), [(1 / 255, 255.0), (1 / 127.5, 255.0), (1 / 16, 16.0), (1.0, 1.0)]
)
def test_the_range_of_pixels_is_told_by_the_first_layer(scale, high):
    assert parts_of_sample(layers.Rescaling(scale), (8, 8))[0]["high"] == high


def test_a_slider_has_round_ends():
    part = number_part(13.0006, 0.8118)
    assert (part["typical"], part["low"], part["high"], part["step"]) == (13.0, 10.9, 15.1, 0.1)
    assert number_part(747.0, 314.0)["low"] == 0  # it was never negative


# Outputs


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize(
    ("last", "loss", "convert"),
    [
        (layers.Dense(3), cr.losses.SparseCategoricalCrossentropy(from_logits=True), "softmax"),
        (layers.Dense(3, activation="softmax"), SPARSE, "none"),
        (layers.Dense(1, activation="sigmoid"), "binary_crossentropy", "none"),
        (layers.Dense(1), cr.losses.BinaryCrossentropy(from_logits=True), "sigmoid"),
        (layers.Dense(3, activation="sigmoid"), "binary_crossentropy", "none"),
    ],
)
def test_outputs_become_probabilities(last, loss, convert, folder, visit):
    model = cr.Sequential([layers.Input((4,)), last], seed=0)
    model.compile("sgd", loss)
    model.export(folder / "outputs.html")
    page = visit(folder / "outputs.html").settle()
    page.page.get_by_label("x2", exact=True).fill("-1.5")
    z = model.predict(np.array([[0, -1.5, 0, 0]], "f4"))[0].astype(float)
    expected = {"none": z, "softmax": np.exp(z) / np.exp(z).sum(), "sigmoid": 1 / (1 + np.exp(-z))}
    p = expected[convert]
    expected = [1 - p[0], p[0]] if len(p) == 1 else p
    np.testing.assert_allclose(page.settle().shares, expected, atol=6e-5)
    page.page.get_by_role("button", name=re.compile("^1")).click()
    assert page.settle().text("why") == "Why 1?"


# Training


def test_training_in_the_page_reduces_the_loss(training_page, visit):
    page = visit(training_page).settle()
    exported = page.shares
    page.button("Start untrained").click()
    assert "knows nothing" in page.settle().text("lessons")
    untrained = page.shares
    assert untrained != exported
    page.page.get_by_label("Epochs").fill("4")
    page.train()
    status = page.page.locator(".status").inner_text()
    loss, accuracy = (float(x) for x in re.findall(r"(?:loss|accuracy) ([\d.]+\d)", status))
    assert loss < 1.0 < np.log(10)
    assert accuracy > 0.85
    assert page.shares != untrained
    assert page.page.locator(".chart").count() == 2
    page.button("As exported").click()
    assert page.settle().shares == exported


@pytest.mark.thorough  # long
def test_training_stops(training_page, visit):
    page = visit(training_page).settle()
    page.page.get_by_label("Epochs").fill("100000")
    page.button("Train").click()
    page.page.locator(".status", has_text="of 100000").wait_for()
    assert page.button("Train").is_disabled()
    page.button("Stop").click()
    page.page.locator(".status", has_text="Stopped after").wait_for()
    assert page.button("Train").is_enabled()


@pytest.mark.thorough  # one more page
def test_a_rate_too_high_is_told_and_the_last_good_weights_stay(training_page, visit):
    page = visit(training_page).settle()
    page.page.get_by_label("Learning rate").fill("-1")
    page.button("Train").click()
    page.page.get_by_text("The learning rate must be a positive number").wait_for()
    page.page.get_by_label("Learning rate").fill("1e38")
    page.button("Train").click()
    page.page.get_by_text("The loss became NaN or infinite in epoch 1").wait_for()
    assert np.isfinite(page.settle().shares).all()


def test_weights_are_saved_and_loaded(digits, training_page, visit, folder):
    page = visit(training_page).settle()
    with page.page.expect_download() as download:
        page.button("Save weights").click()
    saved = folder / download.value.suggested_filename
    assert saved.name == "digits training.safetensors"
    download.value.save_as(saved)
    before = page.shares
    page.button("Start untrained").click()
    assert page.settle().shares != before
    weights = page.page.locator("#training input[accept='.safetensors']")
    weights.set_input_files(saved)
    page.page.get_by_text("Weights of digits training.safetensors").wait_for()
    assert page.settle().shares == before
    other = folder / "other.safetensors"
    cr.Sequential([layers.Input((3,)), layers.Dense(2)]).save(other)
    weights.set_input_files(other)
    page.page.get_by_text("belongs to another network. The network is unchanged.").wait_for()
    other.write_bytes(b"no weights")
    weights.set_input_files(other)
    page.page.get_by_text("not a file of weights").wait_for()
    assert page.settle().shares == before


@pytest.mark.thorough  # one more way in
def test_it_trains_on_a_csv_file(bikes, folder, visit):
    model, columns, rentals = bikes
    model.export(folder / "bikes_training.html", training=True)
    page = visit(folder / "bikes_training.html").settle()
    assert page.button("Train").is_disabled()
    file = page.page.locator("#training input[accept*=csv]")
    lines = ["hour,temperature,weather,wind,date,rentals"]
    for hour, temperature, date, weather, wind, y in zip(*columns.values(), rentals, strict=True):
        degrees = "" if np.isnan(temperature) else temperature
        lines.append(f'{hour:g},{degrees},"{weather}",{wind},{str(date)[:10]},{y}')
    bad = {
        "lacks.csv": (["hour,rentals", "1,2"], "the file has no column temperature"),
        "empty.csv": (["hour"], "the file holds no rows"),
        "uneven.csv": ([*lines[:2], "1,2"], "line 3 of the file has 2 cells, the first has 6"),
        "text.csv": ([lines[0], "1,2,rain,calm,2012-01-01,many"], "rentals is “many”"),
    }
    for name, (content, told) in bad.items():
        (folder / name).write_text("\n".join(content))
        file.set_input_files(folder / name)
        page.page.get_by_text(told).wait_for()
        assert page.button("Train").is_disabled()
    (folder / "good.csv").write_text("\n".join(lines))
    file.set_input_files(folder / "good.csv")
    page.page.get_by_text("300 samples are read from good.csv").wait_for()
    page.page.get_by_label("Epochs").fill("3")
    page.train()
    (folder / "noon.csv").write_text(
        "\n".join([lines[0], "noon" + lines[1][lines[1].index(",") :]])
    )
    file.set_input_files(folder / "noon.csv")
    page.page.get_by_text("1 samples are read from noon.csv").wait_for()
    page.button("Train").click()
    page.page.get_by_text('Hour in row 0 is "noon", expected a number').wait_for()


@pytest.mark.thorough  # one more page
def test_a_table_trains_on_the_examples_inside(bikes, folder, visit):
    model, columns, rentals = bikes
    model.export(folder / "inside.html", training=True, examples=(columns, rentals))
    page = visit(folder / "inside.html").settle()
    assert "300 samples are inside this page" in page.text("training")
    page.page.get_by_label("Epochs").fill("2")
    page.train()


# The page itself


def test_a_page_is_small(digits_page):
    assert len(gzip.compress(digits_page.read_bytes(), 9)) <= 45_000


def test_nothing_but_the_page_itself_runs_in_it(digits_page, visit):
    page = visit(digits_page).settle()
    added = """() => { const s = document.createElement("script"); s.textContent = "window.ran = 1";
      document.body.append(s); return window.ran ?? 0; }"""
    assert page.js(added) == 0
    page.js("setTimeout('window.ran = 2')")
    page.page.wait_for_timeout(50)
    assert page.js("window.ran ?? 0") == 0
    assert page.js("fetch('https://example.org').catch((e) => e.name)") == "TypeError"
    assert all("Content Security Policy" in problem for problem in page.problems)
    page.problems.clear()
    page.requested.clear()


@pytest.mark.thorough  # one more page
def test_a_browser_without_vectors_is_told(digits_page, visit):
    page = visit(digits_page, NO_VECTORS).settle()
    assert "no WebAssembly with vectors (SIMD)" in page.text("problem")


@pytest.mark.thorough  # one more window
@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_needs_no_sideways_scrolling(bikes_page, training_page, visit, width):
    for path in (bikes_page, training_page):
        page = visit(path, viewport={"width": width, "height": 844}, has_touch=True).settle()
        assert page.js("document.documentElement.scrollWidth") == width
        heights = page.js("[...document.querySelectorAll('button')].filter(b => b.offsetParent)"
                          ".map(b => b.offsetHeight)")  # fmt: skip
        assert min(heights) >= 44


def test_names_of_any_kind_are_only_text(folder, visit):
    model = cr.Sequential([layers.Input((2,)), layers.Dense(2, activation="softmax")], seed=0)
    model.class_names = ["</script><b>", '"&amp;']
    path = folder / "<b>& x.html"
    model.export(path)
    page = visit(path).settle()
    names = page.js("[...document.querySelectorAll('.class .name')].map((e) => e.textContent)")
    assert names == model.class_names
    assert page.js("document.title") == "<b>& x"


@pytest.mark.thorough  # one more kind of column
def test_columns_that_are_pixels_become_a_pad(folder):
    done("train", "digits", "-o", folder / "d.safetensors", "--epochs", "1")
    model = cr.load_model(folder / "d.safetensors")
    (part,) = page_content(model, False, 32, None).about["page"]["parts"]
    assert (part["kind"], part["shape"], part["high"]) == ("drawing", (8, 8, 1), 16.0)
    assert part["names"][10] == "pixel_1_2"
    assert part["names"][0] is None  # always blank, and left out


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize(
    ("make", "coded"),
    [
        (lambda: RNG.integers(0, 17, (400, 25)).astype("f4"), True),
        (lambda: RNG.integers(0, 99, (2000, 25)) * np.arange(1, 26, dtype="f4") / 7, True),
        (lambda: RNG.normal(size=(400, 25)).astype("f4"), False),
    ],
)  # fmt: skip
def test_examples_with_few_levels_are_bytes(make, coded, folder, visit):
    X = make().astype("f4")
    model = cr.Sequential([layers.Input((5, 5)), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    arrays = example_arrays(X, X[:, 0], True)
    assert ("codes" in arrays) == coded
    model.export(folder / "levels.html", training=True, examples=(X.reshape(-1, 5, 5), X[:, 0]))
    page = visit(folder / "levels.html").settle()
    page.button("Another example").click()
    np.testing.assert_array_equal(page.settle().values[0], X[1])


# Refusals


def test_nothing_is_written_for_examples_that_do_not_fit(digits, bikes, tmp_path):
    X = np.zeros((3, 64))
    wrong = {
        "a pair": X, "needs y": (X, None), "equally many": (X, [1, 2]),
        "axis": (X[:, :9], [1, 2, 3]), "label": (X, [1, 2, 10]),
    }  # fmt: skip
    for told, examples in wrong.items():
        with pytest.raises((DataError, ShapeError), match=told):
            digits.export(tmp_path / "x.html", training=True, examples=examples)
    with pytest.raises(DataError, match="no column 'hour'"):
        bikes[0].export(tmp_path / "x.html", examples=({"a": [1]}, None))
    with pytest.raises(DataError, match=r"examples is for pages, .*x\.mjs is for web modules"):
        digits.export(tmp_path / "x.mjs", examples=(X, None))
    with pytest.raises(DataError, match=r"weights is for web modules, .* is for pages"):
        digits.export(tmp_path / "x.html", weights="apart")
    with pytest.raises(DataError, match=r"name of a page, such as digits\.html"):
        digits.export(tmp_path / "x.htm", format="page")
    stateful = cr.Sequential([layers.Input((4, 2), batch_size=3), layers.LSTM(2, stateful=True)])
    with pytest.raises(ExportError, match=r"layer 'lstm' is stateful.*\.mjs"):
        stateful.export(tmp_path / "x.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.thorough  # many processes
def test_the_command_writes_pages_and_modules(digits, tmp_path):
    digits.save(tmp_path / "digits.safetensors")
    assert (
        "opens in any browser"
        in done("export", tmp_path / "digits.safetensors", "--to", "page").stdout
    )
    done("export", tmp_path / "digits.safetensors", "--to", "web", "--training")
    assert {path.name for path in tmp_path.iterdir()} == {
        "digits.safetensors", "digits.html", "digits.mjs", "digits.d.mts"
    }  # fmt: skip
    assert "train(" in (tmp_path / "digits.d.mts").read_text()
    line = refused(2, "export", tmp_path / "digits.safetensors", "--to", "onnx", "--training")
    assert "--training is for --to web or page" in line
