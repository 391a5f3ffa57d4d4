"""A loss in NumPy, in a web module: `export_web`. Node runs it."""

import re

import numpy as np
import pytest
from tests.export.web.node import arrays, needs_node, run

import chainrule as cr
from chainrule._src.export.web.model import loss_content

pytestmark = needs_node
RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype("f4")
Y = RNG.integers(0, 3, 50)
PARAMS = {
    "W_h": RNG.normal(size=(4, 6)).astype("f4"), "b_h": np.zeros(6, "f4"),
    "W_o": RNG.normal(size=(6, 3)).astype("f4"), "b_o": np.zeros(3, "f4"),
}  # fmt: skip
TRAIN = """
return { history: await net.train(input.X, input.y, { epochs: 4, seed: 1 }), weights: net.weights };
"""


def forward(params, X):
    h = cr.sigmoid(X @ params["W_h"] + params["b_h"])
    return cr.softmax(h @ params["W_o"] + params["b_o"])


def loss(params, X, y):
    return cr.nll(cr.one_hot(3, y), forward(params, X))


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("batch_size", [1, 7, 16])
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_training_is_that_of_minimize(tmp_path, batch_size, rule):
    cr.export_web(
        loss, PARAMS, X, Y, path=tmp_path / "net.mjs", optimizer=rule, batch_size=batch_size
    )
    answer = run(tmp_path / "net.mjs", TRAIN, X=X, y=Y)
    expected, history = cr.minimize(
        loss, PARAMS, X, Y, optimizer=rule, batch_size=batch_size, epochs=4, seed=1
    )
    np.testing.assert_allclose(answer["history"]["loss"], history.history["loss"], 1e-5)
    for name, weight in arrays(answer["weights"]).items():
        np.testing.assert_allclose(weight, expected[name].ravel(), 1e-3, 1e-5)


def test_predictions_gradients_and_parameters_of_any_structure(tmp_path):
    def distance(w, X):
        return np.mean((X @ w - 1) ** 2)

    w = np.arange(4.0)
    cr.export_web(distance, w, X, path=tmp_path / "line.mjs", predict=lambda w, X: X @ w)
    script = "return [await net.predict(input.X), await net.gradients(input.X), net.weights];"
    guess, gradients, weights = run(tmp_path / "line.mjs", script, X=X)
    np.testing.assert_allclose(guess, X.astype("f8") @ w)
    expected = cr.grad(distance)(w, X.astype("f8"))
    np.testing.assert_allclose(gradients["gradients"]["w"], expected)
    np.testing.assert_allclose(gradients["loss"], distance(w, X.astype("f8")))
    assert weights == {"w": [0, 1, 2, 3]}


def test_weights_in_a_file_apart(tmp_path):
    cr.export_web(loss, PARAMS, X, Y, path=tmp_path / "net.mjs", weights="apart")
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "net.d.mts", "net.mjs", "net.safetensors"
    ]  # fmt: skip
    from safetensors.numpy import load_file

    file = load_file(tmp_path / "net.safetensors")
    assert file.keys() == {f"weights/{name}" for name in PARAMS}
    file = f"""
      {{ weights: (await import("node:fs")).readFileSync({str(tmp_path / "net.safetensors")!r}) }}
    """
    weights = run(tmp_path / "net.mjs", "return net.weights;", file)
    for name, weight in arrays(weights).items():
        np.testing.assert_array_equal(weight, PARAMS[name].ravel())


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    path = tmp_path_factory.mktemp("web") / "net.mjs"
    cr.export_web(loss, PARAMS, X, Y, path=path, optimizer=cr.optimizers.SGD(0.1), predict=forward)
    return path


WRONG = {
    "net.predict([1, 2, 3])":
        "predict: x must hold samples of 4 numbers, received 3 numbers",
    "net.predict([1, 2, NaN, 4])": "predict: x holds NaN in row 0",
    "net.predict([1, 2, 3, 4, 1, 2, 'a', 4])":
        'predict: x holds "a" in row 1, expected a number',
    "net.predict()": "predict: x is missing",
    "net.gradients(X, [0, 1])": "gradients: x has 50 samples, y has 2",
    "net.gradients(X)": "gradients: y is missing",
    "net.gradients(X, y.fill(0.5))": "gradients: y holds 0.5 in row 0, expected a whole number",
    "net.gradients(X, y.fill(3))": "one_hot: labels must be whole numbers from 0 to 2",
    "net.train(X, y.fill(7))": "one_hot: labels must be whole numbers from 0 to 2",
    "net.train(X, y, { epochs: 0 })":
        "train: epochs must be a whole number of at least 1, received 0",
    "net.train(X, y, { epoch: 3 })":
        "train: unknown option epoch; valid: epochs, batchSize, learningRate, shuffle, seed, "
        "onEpoch, signal",
    "net.train(X, y, { learningRate: -1 })":
        "train: learningRate must be a positive number, received -1",
    "net.restore(new Uint8Array(3))": "not a file of weights: it has 3 bytes",
    "net.restore(net.save().subarray(0, 100))": "not a file of weights: its header does not end",
    "net.restore('W')": "not a file of weights: expected a Uint8Array",
}  # fmt: skip


@pytest.mark.sampled(quick=5)
@pytest.mark.parametrize("call", WRONG)
def test_what_does_not_fit_is_refused_in_a_sentence_and_nothing_is_lost(module, call):
    script = f"""
      const {{ X }} = input;
      const before = net.save();
      const message = await fails(() => {{ const y = [...input.y]; return {call}; }});
      return {{ message, same: String(net.save()) === String(before),
        works: (await net.predict(X)).length }};
    """
    answer = run(module, script, X=X, y=Y)
    assert WRONG[call] in answer["message"]
    assert answer["same"]
    assert answer["works"] == 150


@pytest.mark.thorough  # test_weights.py has those of another model
def test_weights_of_another_network_are_refused(module, tmp_path):
    other = {**PARAMS, "W_h": np.zeros((4, 5), "f4"), "b_h": np.zeros(5, "f4"),
             "W_o": np.zeros((5, 3), "f4")}  # fmt: skip
    cr.export_web(loss, other, X, Y, path=tmp_path / "other.mjs")
    script = f"""
      const other = await (await import({(tmp_path / "other.mjs").as_uri()!r})).load();
      return await fails(() => net.restore(other.save()));
    """
    message = run(module, script)
    assert message == (
        "restore: W_h has shape (4,5), expected (4,6): it belongs to another network"
    )


def test_weights_are_saved_and_restored(module):
    script = """
      const first = net.weights, file = net.save();
      await net.train(input.X, input.y, { epochs: 2 });
      const second = net.weights;
      net.restore(file);
      return [first, second, net.weights];
    """
    first, second, third = run(module, script, X=X, y=Y)
    assert first == third != second


def test_a_loss_that_diverges_leaves_the_last_good_weights(tmp_path):
    def distance(params, X):
        return np.mean((X @ params["W_h"]) ** 2)

    module = tmp_path / "net.mjs"
    cr.export_web(distance, {"W_h": PARAMS["W_h"]}, X, path=module)
    script = """
      const message = await fails(() =>
        net.train(input.X, undefined, { epochs: 50, learningRate: 1e12, seed: 0 }));
      return [message, net.weights, (await net.gradients(input.X)).loss];
    """
    message, weights, value = run(module, script, X=X)
    assert message.startswith("train: the loss became NaN or infinite in epoch 2, batch 1")
    assert "at learning rate 1000000000000" in message
    assert all(np.isfinite(w).all() for w in arrays(weights).values())
    assert np.isfinite(float(value))


def test_an_abort_ends_training_and_keeps_the_weights_of_that_moment(module):
    script = """
      const stop = new AbortController();
      const before = net.weights.W_h;
      const history = await net.train(input.X, input.y, { epochs: 100_000_000,
        signal: stop.signal, onEpoch: (epoch) => epoch >= 3 && stop.abort() });
      const early = await net.train(input.X, input.y, { epochs: 9, signal: AbortSignal.abort() });
      return [history.loss.length, before, net.weights.W_h, early.loss.length];
    """
    epochs, before, after, early = run(module, script, X=X, y=Y)
    assert 4 <= epochs < 100_000_000
    assert before != after
    assert early < 9


def test_training_twice_at_once_is_refused(module):
    script = """
      const first = net.train(input.X, input.y, { epochs: 3 });
      const second = await fails(() => net.train(input.X, input.y));
      const restored = await fails(() => net.restore(net.save()));
      return [second, restored, (await first).loss.length];
    """
    second, restored, epochs = run(module, script, X=X, y=Y)
    assert second == "train: the network is in training already; let that end first"
    assert restored == "restore: the network is in training; let that end first"
    assert epochs == 3


def test_a_worker_that_has_trained_gives_the_same_bits_again(module):
    script = """
      const start = net.save(), weights = [];
      for (let i = 0; i < 9; i++) await net.train(input.X, input.y);  // Node would warn of a leak
      for (const seed of [1, 2, 1]) {
        net.restore(start);
        await net.train(input.X, input.y, { epochs: 3, seed });
        weights.push(net.weights.W_h);
      }
      const message = await fails(() => net.train(input.X, input.y.map(() => 7)));
      net.restore(start);
      await net.train(input.X, input.y, { epochs: 3, seed: 1 });
      return [...weights, net.weights.W_h, message];
    """
    first, other, again, late, message = run(module, script, X=X, y=Y)
    assert first == again == late != other
    assert "one_hot" in message


def test_the_python_side_refuses_what_does_not_fit(tmp_path):
    path = tmp_path / "net.mjs"
    with pytest.raises(cr.errors.DataError, match=r"\.mjs"):
        cr.export_web(loss, PARAMS, X, Y, path=tmp_path / "net.js")
    with pytest.raises(cr.errors.ShapeError, match="equally many"):
        cr.export_web(loss, PARAMS, X, Y[:3], path=path)
    with pytest.raises(cr.errors.UnknownNameError):
        cr.export_web(loss, PARAMS, X, Y, path=path, optimizer="sdg")
    with pytest.raises(cr.errors.ExportError, match="cannot run in a web page"):
        cr.export_web(lambda w, X: np.mean(np.fft.fft(X @ w).real), np.ones(4), X, path=path)
    with pytest.raises(cr.errors.FileError):
        cr.export_web(loss, PARAMS, X, Y, path=tmp_path / "nowhere" / "net.mjs")
    assert not [*tmp_path.iterdir()]


ODD = {
    "net.predict([1,,2,3])": "x holds undefined in row 0",
    "net.predict([[1, 2, 3, 4], [1, 2, 3]])":
        "row 1 of x has 3 entries, row 0 has 4",
    "net.predict([1, 2, 3, 4n ** 40n])": None,
    "net.predict([1, 2, 3, 1e39])": "x holds 1e+39 in row 0, which is no f4",
    "net.predict([1, 2, 3, { a: 1n }])": "x holds [object Object] in row 0, expected a number",
    "net.predict('text')": "x must hold samples of 4 numbers",
    "(() => { const x = []; x.push(x); return net.predict(x); })()":
        "an array is nested in more than 32 others",
    "net.gradients(X, [...y.slice(1), 2n ** 64n])": "y holds 18446744073709551616 in row 49",
    "net.train(X, y, { onEpoch: 3 })": "train: onEpoch must be a function, received 3",
    "net.train(X, y, { signal: {} })": "train: signal must be an AbortSignal, received {}",
    "net.train(X, y, { learningRate: Infinity })": "learningRate must be a positive number",
    "net.train(X, y, { epochs: 3, onEpoch() { throw new Error('mine'); } })": "mine",
}  # fmt: skip


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("call", ODD)
def test_odd_values_get_a_sentence_and_the_net_goes_on(module, call):
    script = f"""
      const {{ X, y }} = input;
      const message = await fails(() => {call});
      const rest = await net.train(X, y, {{ epochs: 2, seed: 0 }});
      return {{ message: message ?? null, losses: rest.loss }};
    """
    answer = run(module, script, X=X, y=Y)
    assert ODD[call] is None or ODD[call] in answer["message"]
    assert len(answer["losses"]) == 2


@pytest.mark.thorough  # one more module
def test_a_learning_rate_is_of_one_call_and_restored_weights_start_anew(tmp_path):
    cr.export_web(loss, PARAMS, X, Y, path=tmp_path / "net.mjs", optimizer="adam")
    script = """
      const { X, y } = input, file = net.save();
      const first = await net.train(X, y, { epochs: 2, seed: 1 });
      await net.train(X, y, { epochs: 1, learningRate: 1e-9 });
      net.restore(file);
      return [first.loss, (await net.train(X, y, { epochs: 2, seed: 1 })).loss];
    """
    first, second = run(tmp_path / "net.mjs", script, X=X, y=Y)
    assert first == second


def test_an_abort_tells_every_epoch_that_ended(module):
    script = """
      const stop = new AbortController(), told = [];
      const history = await net.train(input.X, input.y, { epochs: 100_000_000,
        signal: stop.signal, onEpoch: (epoch) => told.push(epoch) > 3 && stop.abort() });
      return [history.loss.length, told];
    """
    epochs, told = run(module, script, X=X, y=Y)
    assert told == list(range(epochs))


def test_memory_that_does_not_suffice_leaves_the_net_as_it_was(module):
    script = """
      globalThis.Worker = class { constructor() { throw new Error("forbidden"); } };
      const X = Array(1000).fill(input.X).flat(), y = Array(1000).fill(input.y).flat();
      const before = await net.predict(input.X), { grow } = WebAssembly.Memory.prototype;
      const calls = [() => net.predict(X), () => net.gradients(X, y), () => net.train(X, y)];
      WebAssembly.Memory.prototype.grow = () => { throw new RangeError("no memory"); };
      const messages = [];
      for (const call of calls) messages.push(await fails(call));
      const after = await net.predict(input.X);
      WebAssembly.Memory.prototype.grow = grow;
      for (const call of calls) messages.push(await fails(call) ?? "");
      return [messages, before, after];
    """
    messages, before, after = run(module, script, X=X, y=Y)
    for message in messages[:3]:
        assert re.fullmatch(r"the memory of this page does not suffice: \d MB are needed", message)
    assert messages[3:] == [""] * 3
    assert before == after


@pytest.mark.parametrize(("batch_size", "fuses"), [(1, True), (32, False)])
def test_updates_after_each_sample_are_fused_where_a_browser_can(batch_size, fuses):
    rule = cr.optimizers.SGD(0.1)
    content = loss_content(loss, PARAMS, (X, Y), rule, batch_size, None, "net")
    assert bool(content.kernels["train"].relaxed) == fuses


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("frequency", [3, None, 1])
def test_averages_take_the_place_of_the_weights_as_in_minimize(tmp_path, frequency):
    rule = cr.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=frequency)
    cr.export_web(loss, PARAMS, X, Y, path=tmp_path / "net.mjs", optimizer=rule)
    script = """
      await net.train(input.X, input.y, { epochs: 5, seed: 2 });
      const first = net.weights;
      await net.train(input.X, input.y, { epochs: 1, seed: 3 });
      return { first, second: net.weights };
    """
    answer = run(tmp_path / "net.mjs", script, X=X, y=Y)
    expected, _ = cr.minimize(loss, PARAMS, X, Y, optimizer=rule, epochs=5, seed=2)
    for name, weight in arrays(answer["first"]).items():
        np.testing.assert_allclose(weight, np.ravel(expected[name]), 1e-4, 1e-6, err_msg=name)
    assert answer["first"] != answer["second"]


@pytest.mark.thorough  # as in minimize
def test_averages_of_a_model_are_those_of_fit(tmp_path):
    model = cr.Sequential([cr.layers.Input((4,)), cr.layers.Dense(3, "softmax")], seed=0)
    model.compile(cr.optimizers.Adam(0.05, use_ema=True), "sparse_categorical_crossentropy")
    model.export(tmp_path / "net.mjs", training=True)
    script = """
      const options = { epochs: 3, batchSize: 16, seed: 0 };
      await net.train(input.X, input.y, options);
      await net.train(input.X, input.y, options);
      return net.weights;
    """
    weights = run(tmp_path / "net.mjs", script, X=X, y=Y)
    for _ in range(2):
        model.fit(X, Y, epochs=3, batch_size=16, seed=0, verbose=0)
    for name, weight in model.network.weights.items():
        np.testing.assert_allclose(weights[name], np.ravel(weight), 1e-4, 1e-5, err_msg=name)
