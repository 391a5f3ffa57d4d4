"""Weights go from Python to a page and back as files; Node runs the modules."""

import numpy as np
import pytest
from tests.export.web.node import arrays, needs_node, run

import chainrule as cr
from chainrule import layers
from chainrule.errors import FileError

pytestmark = needs_node
RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(33, 6)).astype("f4"), RNG.integers(0, 3, 33)


def network(units=5, seed=0, dtype="float32", name="hidden"):
    """A network with weights that are trained, and others."""
    model = cr.Sequential([
        layers.Input((6,)), layers.Dense(units, activation="tanh", name=name),
        layers.BatchNormalization(), layers.Dense(3, activation="softmax"),
    ], seed=seed, dtype=dtype)  # fmt: skip
    model.compile(cr.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    path = tmp_path_factory.mktemp("web") / "net.mjs"
    network().export(path, training=True)
    return path


def test_weights_that_a_page_saved_are_loaded_in_python(module, tmp_path):
    script = """
      await net.train(input.X, input.y, { epochs: 2, seed: 1 });
      return { file: Array.from(net.save()), predictions: await net.predict(input.X) };
    """
    answer = run(module, script, X=X, y=LABELS)
    (tmp_path / "page.safetensors").write_bytes(bytes(answer["file"]))
    model = network(seed=7)
    model.load_weights(tmp_path / "page.safetensors")
    np.testing.assert_allclose(np.ravel(model.predict(X)), answer["predictions"], atol=1e-6)
    with pytest.raises(FileError, match=r"holds 'weights', expected 'model'; load .*load_weights"):
        cr.load_model(tmp_path / "page.safetensors")
    others = {
        "the file holds float32 of shape": network(units=4),
        "expected other_kernel, .* the file holds hidden_kernel": network(name="other"),
    }
    for message, other in others.items():
        before = other.get_weights()
        with pytest.raises(FileError, match=message):
            other.load_weights(tmp_path / "page.safetensors")
        for one, same in zip(before, other.get_weights(), strict=True):
            np.testing.assert_array_equal(one, same)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", ["save", "save_weights"])
def test_weights_that_python_saved_are_restored_in_a_page(module, tmp_path, method, dtype):
    model = network(seed=3, dtype=dtype)
    model.fit(X, LABELS, verbose=0, seed=0)
    getattr(model, method)(tmp_path / "model.safetensors")
    file = list((tmp_path / "model.safetensors").read_bytes())
    script = "net.restore(Uint8Array.from(input.file)); return net.predict(input.X);"
    predictions = run(module, script, X=X, file=file)
    np.testing.assert_allclose(predictions, np.ravel(model.predict(X)), atol=1e-6)


def test_files_of_other_networks_are_refused_and_nothing_changes(module, tmp_path):
    others = {
        "the file has no hidden_kernel": network(name="other"),
        "hidden_kernel has shape (6,4), expected (6,5)": network(units=4),
        "the file has more_kernel, which is not in this network": cr.Sequential(
            [*network().layers, layers.Dense(2, name="more")]
        ),
    }
    files = []
    for model in others.values():
        model.predict(X)
        model.save(tmp_path / "other.safetensors")
        files.append(list((tmp_path / "other.safetensors").read_bytes()))
    broken = network()
    broken.save(tmp_path / "nan.safetensors")
    script = """
      const before = net.save(), messages = [];
      for (const file of input.files)
        messages.push(await fails(() => net.restore(Uint8Array.from(file))));
      return { messages, same: String(before) === String(net.save()) };
    """
    answer = run(module, script, files=files)
    assert answer["messages"] == [
        f"restore: {problem}: it belongs to another network" for problem in others
    ]
    assert answer["same"]


def test_weights_with_nan_are_refused(module):
    script = """
      const file = net.save();
      new Float32Array(file.buffer, file.length - 4).fill(NaN);
      return fails(() => net.restore(file));
    """
    assert run(module, script).endswith("holds NaN")


def test_a_last_batch_of_one_sample_is_that_of_fit(module):
    """Batch normalization divides by the variance of one sample, which is 0, plus epsilon."""
    script = """
      const options = { epochs: 3, batchSize: 16, seed: 5 };
      const history = await net.train(input.X, input.y, options);
      const { gradients } = await net.gradients(input.X.slice(0, 1), input.y.slice(0, 1));
      return { history, gradients, weights: net.weights };
    """
    answer = run(module, script, X=X, y=LABELS)
    model = network()
    history = model.fit(X, LABELS, epochs=3, batch_size=16, seed=5, verbose=0).history
    np.testing.assert_allclose(answer["history"]["loss"], history["loss"], 1e-5)
    for name, weight in model.network.weights.items():
        expected = np.ravel(weight)
        np.testing.assert_allclose(answer["weights"][name], expected, 1e-3, 1e-4, err_msg=name)
    for name, gradient in model.gradients(X[:1], LABELS[:1]).items():
        found = arrays(answer["gradients"])[name]
        np.testing.assert_allclose(found, np.ravel(gradient), 1e-3, 1e-4, err_msg=name)
