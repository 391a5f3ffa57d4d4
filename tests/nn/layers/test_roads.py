"""Every layer goes down every road alike: NumPy, compiled, ejected, exported."""

import importlib.util

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.nn.network.test_files import LAYERS
from tests.tolerances import assert_engines_agree, assert_predicts

import chainrule as cr
from chainrule._src.nn import layers

# What follows a mask must know it; what follows a layer normalization with a scale of zeros gets
# zeros.
ALONE = ("masking", "layer")
NAMES = [name for name in LAYERS if name not in ("own", "embedding", "rescaling", *ALONE)]


def groups(most=6):
    """Return groups of layers of the same input: models of several are compiled in less time."""
    inputs = {}
    for name in NAMES:
        inputs.setdefault(LAYERS[name][1].shape, []).append(name)
    starts = range(0, len(NAMES), most)
    together = [names[i : i + most] for names in inputs.values() for i in starts]
    return [*filter(None, together), *([name] for name in ALONE)]


def before(name, shape):
    """Return layers through which gradients go, with an output of a shape."""
    stack = [
        layers.Flatten(name=f"flat {name}"),
        layers.Dense(np.prod(shape), use_bias=False, name=f"before {name}"),
    ]
    return stack if len(shape) == 1 else [*stack, layers.Reshape(shape, name=f"shape {name}")]


def model_of(names, dtype):
    first, x = LAYERS[names[0]]
    stack = [layers.Input(x.shape[1:]), layers.Dense(x.shape[-1], use_bias=False, name="before")]
    for name in names:
        layer = LAYERS[name][0]
        between = before(name, x.shape[1:]) if layer is not first else []
        config = {**layer.get_config(), "name": name.replace(" ", "_")}
        stack += [*between, type(layer).from_config(config)]
    flat = layers.GlobalAveragePooling1D if "masking" in names else layers.Flatten
    stack += [flat(name="flat"), layers.Dense(2, name="after")]
    return cr.Sequential(stack, dtype=dtype, seed=3)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("names", groups(), ids=", ".join)
def test_both_engines_train_them_alike(names):
    start, x = model_of(names, "float64"), LAYERS[names[0]][1].astype(float)
    y = np.random.default_rng(0).normal(size=(len(x), 2))

    def run(engine, weights, x):
        model = model_of(names, "float64")
        model.set_weights(weights)
        model.rng = np.random.default_rng(1)
        model.compile(cr.optimizers.SGD(0.05), "mse", engine=engine)
        history = model.fit(x, y, 2, epochs=2, verbose=0)
        return model.get_weights(), history.history

    assert_engines_agree(run, start.get_weights(), x)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("names", groups(), ids=", ".join)
def test_exported_and_ejected_they_predict_the_same(names, tmp_path):
    model, x = model_of(names, "float32"), LAYERS[names[0]][1]
    model.export(tmp_path / "model.onnx")
    made = onnx.load(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(made.SerializeToString())
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    model.eject(tmp_path / "ejected.py")
    spec = importlib.util.spec_from_file_location("ejected", tmp_path / "ejected.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert_predicts(found, model, x)
    assert_predicts(module.predict(module.load(), x), model, x)
