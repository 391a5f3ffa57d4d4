"""Every layer goes down every road alike: NumPy, compiled, ejected, exported."""

import importlib.util

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.network.test_files import LAYERS
from tests.tolerances import assert_engines_agree, assert_predicts

import chainrule as cr
from chainrule._src.nn import layers

NAMES = [name for name in LAYERS if name not in ("own", "embedding", "rescaling")]


def model_of(name, dtype):
    layer, x = LAYERS[name]
    made = type(layer).from_config(layer.get_config())
    flat = layers.GlobalAveragePooling1D if name == "masking" else layers.Flatten
    return cr.Sequential(
        [
            layers.Input(x.shape[1:]),
            layers.Dense(
                x.shape[-1], use_bias=False, name="before"
            ),  # so that gradients go through
            made,
            flat(name="flat"),
            layers.Dense(2, name="after"),
        ],
        dtype=dtype,
        seed=3,
    )


@pytest.mark.parametrize("name", NAMES)
def test_both_engines_train_it_alike(name):
    start, x = model_of(name, "float64"), LAYERS[name][1].astype(float)
    y = np.random.default_rng(0).normal(size=(len(x), 2))

    def run(engine, weights, x):
        model = model_of(name, "float64")
        model.set_weights(weights)
        model.rng = np.random.default_rng(1)
        model.compile(cr.optimizers.SGD(0.05), "mse", engine=engine)
        history = model.fit(x, y, 2, epochs=2, verbose=0)
        return model.get_weights(), history.history

    assert_engines_agree(run, start.get_weights(), x)


@pytest.mark.parametrize("name", NAMES)
def test_exported_and_ejected_it_predicts_the_same(name, tmp_path):
    model, x = model_of(name, "float32"), LAYERS[name][1]
    model.export(tmp_path / "model.onnx")
    made = onnx.load(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(made.SerializeToString())
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    assert_predicts(found, model, x)
    model.eject(tmp_path / "ejected.py")
    spec = importlib.util.spec_from_file_location("ejected", tmp_path / "ejected.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert_predicts(module.predict(module.load(), x), model, x)
