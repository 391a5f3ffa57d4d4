"""A model in a web module predicts, differentiates and trains as in Python; Node runs it."""

import gzip
import re
from functools import cache

import numpy as np
import pytest
from tests.export.web.node import arrays, needs_node, run

import chainrule as cr
from chainrule import layers

pytestmark = needs_node
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 40)
SPARSE = "sparse_categorical_crossentropy"


def dense():
    return [layers.Input((6,)), layers.Dense(5, activation="sigmoid"),
            layers.Dense(3, activation="softmax")]  # fmt: skip


def convolution():
    return [
        layers.Input((6, 6, 1)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(),
        layers.BatchNormalization(), layers.Flatten(), layers.Dropout(0.3, seed=1),
        layers.Dense(3, activation="softmax"),
    ]  # fmt: skip


def recurrent():
    return [layers.Input((5, 3)), layers.LSTM(4), layers.LayerNormalization(),
            layers.Dense(3, activation="softmax")]  # fmt: skip


def words():
    return [layers.Input((5,), dtype="int64"), layers.Embedding(7, 3),
            layers.GlobalAveragePooling1D(), layers.Dense(3, activation="softmax")]  # fmt: skip


NETWORKS = {
    "dense": (dense, RNG.normal(size=(40, 6)), cr.optimizers.SGD(0.1, momentum=0.9)),
    "convolution": (
        convolution, RNG.normal(size=(40, 6, 6, 1)), cr.optimizers.SGD(0.1, 0.5, nesterov=True)
    ),
    "recurrent": (recurrent, RNG.normal(size=(40, 5, 3)), cr.optimizers.RMSprop(0.01)),
    "words": (
        words, RNG.integers(0, 7, (40, 5)),
        cr.optimizers.AdamW(cr.schedules.CosineDecay(0.1, 20), clipnorm=0.5),
    ),
}  # fmt: skip
SCRIPT = """
const n = input.y.length;
const report = [];
const early = await net.predict(input.X);
const one = await net.predict(input.X[0]);
const again = await net.predict(input.X);
await net.gradients(input.X, input.y);
const { loss, gradients } = await net.gradients(input.X, input.y);
const history = await net.train(input.X, input.y, {
  epochs: 3, batchSize: 16, seed: 5, onEpoch: (epoch, logs) => report.push([epoch, logs]),
});
return { early, again, one, loss, gradients, history, report, late: await net.predict(input.X),
  weights: net.weights };
"""


THOROUGH = "convolution", "recurrent", "words"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.thorough] * (name in THOROUGH)) for name in NETWORKS
    ],
)
def trained(request, tmp_path_factory):
    """Return a model, its data, and what its module did."""
    make, X, rule = NETWORKS[request.param]
    model = cr.Sequential(make(), name=request.param)
    model.compile(rule, SPARSE, metrics=["accuracy"])
    X = X if X.dtype.kind == "i" else X.astype("f4")
    model.predict(X)
    path = tmp_path_factory.mktemp("web") / "net.mjs"
    model.export(path, training=True)
    return model, X, run(path, SCRIPT, X=X, y=LABELS)


def test_predictions_are_those_of_python(trained):
    model, X, answer = trained
    early = np.reshape(answer["early"], (40, 3))
    np.testing.assert_allclose(early, model.predict(X), atol=1e-6)
    np.testing.assert_allclose(answer["one"], early[0], atol=1e-6)
    assert answer["again"] == answer["early"]


def test_gradients_are_those_of_python(trained):
    model, X, answer = trained
    expected = model.gradients(X, LABELS)
    assert answer["gradients"].keys() == expected.keys()
    for name, gradient in arrays(answer["gradients"]).items():
        np.testing.assert_allclose(gradient, expected[name].ravel(), 1e-4, 1e-6, err_msg=name)


def test_training_gives_the_history_and_the_weights_of_python(trained, tmp_path):
    model, X, answer = trained
    model.save(tmp_path / "m.safetensors")
    again = cr.load_model(tmp_path / "m.safetensors")
    history = again.fit(X, LABELS, epochs=3, batch_size=16, seed=5, verbose=0).history
    assert answer["history"].keys() == history.keys() == {"loss", "accuracy"}
    for name, values in history.items():
        np.testing.assert_allclose(answer["history"][name], values, 1e-4)
    assert [epoch for epoch, _ in answer["report"]] == [0, 1, 2]
    assert [logs["loss"] for _, logs in answer["report"]] == answer["history"]["loss"]
    for name, weight in again.network.weights.items():
        np.testing.assert_allclose(
            answer["weights"][name], np.ravel(weight), 1e-3, 1e-4, err_msg=name
        )
    np.testing.assert_allclose(np.reshape(answer["late"], (40, 3)), again.predict(X), atol=1e-3)


def test_the_lab_s_network_takes_25_kilobytes_with_its_weights(tmp_path):
    model = cr.Sequential([layers.Input((64,)), layers.Dense(10, activation="sigmoid"),
                           layers.Dense(10, activation="softmax")])  # fmt: skip
    model.compile(cr.optimizers.SGD(0.1), SPARSE, metrics=["accuracy"])
    model.export(tmp_path / "digits.mjs", training=True)
    text = (tmp_path / "digits.mjs").read_text("utf-8")
    assert len(gzip.compress(text.encode())) <= 25_000
    assert "http" not in text
    assert set(re.findall(r"import\(.*?\)", text)) == {
        "import(/* @vite-ignore */threads)", 'import("${threads}")'
    }  # fmt: skip


@cache
def table_model():
    """A model of a table with every kind of column."""
    from chainrule._src.tabular.recipes.recipe import Recipe
    from chainrule._src.tabular.recipes.tabular import prepare, train
    from chainrule.tables import ArrayTable

    rng = np.random.default_rng(0)
    times = np.datetime64("2020-01-01T00:00:00") + rng.integers(0, 86_400 * 900, 300)
    table = {
        "when": times.astype("datetime64[s]"),
        "size": np.where(rng.random(300) < 0.1, np.nan, rng.normal(size=300)),
        "kind": rng.choice(["a", "b", "ü"], 300).astype(object),
        "yes": rng.choice(["no", "yes"], 300).astype(object),
        "wind": rng.choice(np.array(["calm", "fresh", "strong", None], object), 300),
        "y": rng.normal(size=300),
    }
    order = ("wind", ("calm", "fresh", "strong"))
    recipe = Recipe(target="y", epochs=2, ensemble=1, order=(order,))
    return train(prepare(ArrayTable("t", table), recipe), recipe)[0], table


@pytest.mark.thorough
def test_a_table_goes_in_row_by_row_with_its_preprocessing(tmp_path):
    model, table = table_model()
    model.export(tmp_path / "table.mjs", training=True)
    expected = model.preprocessor.target.decode(model.predict(model.preprocessor.transform(table)))
    rows = [
        {name: None if value != value else str(value) if name == "when" else value
         for name, value in zip(table, values, strict=True) if name != "y"}
        for values in zip(*(column.tolist() for column in table.values()), strict=True)
    ]  # fmt: skip
    script = """
      const before = (await net.gradients(input.rows, input.y)).loss;
      const guess = await net.predict(input.rows);
      await net.train(input.rows, input.y, { epochs: 2 });
      return { guess, before, after: (await net.gradients(input.rows, input.y)).loss };
    """
    answer = run(tmp_path / "table.mjs", script, rows=rows, y=table["y"])
    np.testing.assert_allclose(answer["guess"], np.ravel(expected), 1e-4, 1e-5)
    assert answer["after"] < answer["before"]


@pytest.mark.thorough  # as in a page
def test_values_of_a_table_that_do_not_fit_are_refused_in_a_sentence(tmp_path):
    model, _ = table_model()
    model.export(tmp_path / "table.mjs")
    script = """
      const row = { when: "2020-05-31 12:00", size: 1, kind: "a", yes: "no", wind: null };
      const answers = [];
      for (const change of [{ when: "soon" }, { size: "x" }, { kind: "c" }, { size: undefined }])
        answers.push(await fails(() => net.predict({ ...row, ...change })) ?? null);
      const { kind, ...less } = row;
      for (const rows of [[row, less], [3], []])
        answers.push(await fails(() => net.predict(rows)));
      answers.push(await fails(() => net.train(row, 1)));
      return answers;
    """
    when, size, kind, missing, less, three, none, train = run(tmp_path / "table.mjs", script)
    assert when == 'predict: when in row 0 is "soon", expected a time such as 2024-05-31 12:30'
    assert size == 'predict: size in row 0 is "x", expected a number'
    assert kind == 'predict: kind in row 0 is "c", expected one of a, b, ü'
    assert missing is None
    assert less == "predict: row 1 has no kind; columns: when, size, kind, yes, wind"
    assert three == "predict: row 0 must be an object of values by column, received 3"
    assert none == "predict: there is no row"
    assert train == "train: this module was written without it; export with training=True"


def test_class_names_come_out_and_go_in(tmp_path):
    model = cr.Sequential(dense())
    model.compile("sgd", SPARSE)
    model.class_names = ["red", "green", "blue"]
    X = NETWORKS["dense"][1].astype("f4")
    model.export(tmp_path / "m.mjs", training=True)
    script = """
      const names = ["red", "green", "blue"];
      const y = input.y.map((code) => names[code]);
      return { ...(await net.predict(input.X)), loss: (await net.gradients(input.X, y)).loss,
        wrong: await fails(() => net.train(input.X, y.fill("pink"))) };
    """
    answer = run(tmp_path / "m.mjs", script, X=X, y=LABELS)
    scores = model.predict(X)
    np.testing.assert_allclose(np.reshape(answer["probabilities"], (40, 3)), scores, atol=1e-6)
    assert answer["label"] == [model.class_names[i] for i in scores.argmax(1)]
    np.testing.assert_allclose(answer["loss"], model.evaluate(X, LABELS, verbose=0), 1e-5)
    assert answer["wrong"] == 'train: y holds "pink", expected one of red, green, blue'


STATES = """
const start = net.save(), calls = input.X.slice(0, 3), told = [];
for (const x of calls) told.push(await net.predict(x));
const message = await fails(() => net.predict([...calls[0], ...calls[1]]));
net.restore(start);
const history = await net.train(input.X.flat(), input.y, { epochs: 2, shuffle: false });
return { told, message, history, weights: net.weights };
"""


@pytest.mark.thorough  # the road of other layers
@pytest.mark.parametrize(("rows", "steps", "layer"), [(4, 3, layers.LSTM), (1, 1, layers.GRU)])
def test_a_stateful_layer_passes_its_states_from_call_to_call(tmp_path, rows, steps, layer):
    shape = layers.Input((steps, 2), batch_size=rows)
    model = cr.Sequential([shape, layer(5, stateful=True), layers.Dense(3, "softmax")], seed=0)
    model.compile("adam", SPARSE)
    X, y = RNG.normal(size=(5, rows, steps, 2)).astype("f4"), RNG.integers(0, 3, 5 * rows)
    model.export(tmp_path / "m.mjs", training=True)
    answer = run(tmp_path / "m.mjs", STATES, X=X, y=y)
    for x, told in zip(X, answer["told"], strict=False):
        np.testing.assert_allclose(np.reshape(told, (rows, 3)), model.predict(x), atol=1e-6)
    assert f"this network takes {rows} samples at once" in answer["message"]
    model.layers[0].reset_states()
    given = X.reshape(-1, steps, 2), y
    history = model.fit(*given, batch_size=rows, epochs=2, shuffle=False, verbose=0).history
    np.testing.assert_allclose(answer["history"]["loss"], history["loss"], 1e-5)
    for name, weight in model.network.weights.items():
        np.testing.assert_allclose(answer["weights"][name], np.ravel(weight), 1e-4, 1e-5)


def test_what_does_not_compile_is_refused_before_anything_is_written(tmp_path):
    model = cr.Sequential([layers.Input((4,)), layers.Dense(4), layers.Lambda(np.fft.fft)])
    with pytest.raises(cr.errors.ChainruleError):
        model.export(tmp_path / "m.mjs")
    assert not [*tmp_path.iterdir()]


def test_options_of_modules_are_refused_for_other_formats(tmp_path):
    model = cr.Sequential(dense())
    with pytest.raises(cr.errors.DataError, match="training is for web modules"):
        model.export(tmp_path / "m.onnx", training=True)
    with pytest.raises(cr.errors.UnknownNameError, match="export format"):
        model.export(tmp_path / "m.mjs", "tflite")
    with pytest.raises(cr.errors.DataError, match=r"\.mjs"):
        model.export(tmp_path / "m.txt", "web")
    with pytest.raises(cr.errors.UnknownNameError, match="weights"):
        model.export(tmp_path / "m.mjs", weights="outside")


@pytest.mark.thorough
def test_times_are_read_in_the_order_of_the_table(tmp_path):
    lines = [
        f"{1 + i % 28:02d}.{1 + i % 12:02d}.2024;{i % 7},5;{i % 12},{i % 9}5" for i in range(200)
    ]
    (tmp_path / "eu.csv").write_text("\n".join(["tag;menge;y", *lines]), "utf-8")
    from chainrule._src.tabular.recipes.recipe import Recipe
    from chainrule._src.tabular.recipes.tabular import prepare, train
    from chainrule.tables import open_table

    table = open_table(tmp_path / "eu.csv")
    recipe = Recipe(target="y", epochs=3, ensemble=1, recipe="mlp")
    model = train(prepare(table, recipe), recipe)[0]
    model.export(tmp_path / "eu.mjs")
    script = """
      const texts = ["11.06.2024", "04.06.2024", "28.02.2024"];
      const days = ["2024-06-11", "2024-06-04", "2024-02-28"];
      const of = (tag, i) => ({ tag, menge: i ? "1,5" : 1.5 });
      return { texts: await net.predict(texts.map(of)), days: await net.predict(days.map(of)),
        none: await fails(() => net.predict(of(null))),
        wrong: await fails(() => net.predict(of("30.02.2024"))),
        blank: await fails(() => net.predict({ tag: days[0], menge: "  " })),
        list: await fails(() => net.predict({ tag: days[0], menge: [3] })) };
    """
    answer = run(tmp_path / "eu.mjs", script)
    assert answer["texts"] == answer["days"]
    rows = {"tag": np.array(["2024-06-11", "2024-06-04", "2024-02-28"], "M8[s]"),
            "menge": np.full(3, 1.5)}  # fmt: skip
    expected = model.preprocessor.target.decode(model.predict(model.preprocessor.transform(rows)))
    np.testing.assert_allclose(answer["days"], np.ravel(expected), 1e-4)
    assert "tag in row 0 is missing, and had no missing values" in answer["none"]
    assert "expected a time" in answer["wrong"]
    assert "menge in row 0 is missing" in answer["blank"]
    assert "menge in row 0 is [3], expected a number" in answer["list"]


@pytest.mark.thorough
def test_names_of_javascript_are_no_values(tmp_path):
    model, _ = table_model()
    model.export(tmp_path / "table.mjs", training=True)
    script = """
      const row = { when: "2020-05-31", size: 1, kind: "a", yes: "no", wind: null };
      const answers = [];
      for (const kind of ["constructor", "__proto__", 5n])
        answers.push(await fails(() => net.predict({ ...row, kind })));
      const zero = (await net.gradients(row, 0)).loss, one = (await net.gradients([row], [0])).loss;
      return { answers, zero, one, text: await fails(() => net.gradients(row, ["abc"])) };
    """
    answer = run(tmp_path / "table.mjs", script)
    assert all("expected one of a, b, ü" in text for text in answer["answers"])
    assert answer["zero"] == answer["one"]
    assert 'y holds "abc" in row 0, expected a number' in answer["text"]
