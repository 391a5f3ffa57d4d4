"""Every layer, with Keras as the judge: arguments, outputs, gradients, moving averages."""

import inspect
from collections import OrderedDict
from functools import partial

import jax
import keras
import numpy as np
import pytest
from tests.tolerances import assert_apart, bounds

import chainrule as cr
from chainrule._src.base.showing import arguments
from chainrule._src.core.trees import leaves
from chainrule._src.nn.layers import __all__ as NAMES
from chainrule._src.nn.layers.tracking import variables_of

pytestmark = pytest.mark.usefixtures("drawn_by_numpy")
IMAGES, ROWS, SERIES = (2, 5, 6, 3), (4, 6), (3, 4, 5)
CASES = [
    ("Dense", {"units": 4}, ROWS),
    ("Dense", {"units": 4, "activation": "tanh"}, SERIES),
    ("Dense", {"units": 4, "activation": "softmax", "use_bias": False}, ROWS),
    ("Activation", {"activation": "silu"}, ROWS),
    ("Activation", {"activation": "softmax"}, SERIES),
    ("Dropout", {"rate": 0.5}, ROWS),
    ("BatchNormalization", {}, ROWS),
    ("BatchNormalization", {}, IMAGES),
    ("BatchNormalization", {"axis": 1, "momentum": 0.6, "epsilon": 0.1}, IMAGES),
    ("BatchNormalization", {"axis": -2, "center": False}, SERIES),
    ("BatchNormalization", {"scale": False}, ROWS),
    ("BatchNormalization", {"trainable": False}, ROWS),
    ("LayerNormalization", {}, ROWS),
    ("LayerNormalization", {"axis": [1, 2], "epsilon": 0.1}, SERIES),
    ("LayerNormalization", {"axis": [3, 1]}, IMAGES),
    ("LayerNormalization", {"axis": 1, "center": False}, SERIES),
    ("LayerNormalization", {"scale": False}, ROWS),
    ("Flatten", {}, IMAGES),
    ("Reshape", {"target_shape": (15, -1)}, IMAGES),
    ("Rescaling", {"scale": 0.5, "offset": -1.0}, ROWS),
    ("Rescaling", {"scale": [1.0, 2.0, 3.0], "offset": [0.0, 1.0, 2.0]}, IMAGES),
    ("Normalization", {"mean": 2.0, "variance": 4.0}, ROWS),
    ("Normalization", {"mean": [1.0, 2.0, 3.0], "variance": [4.0, 0.0, 1.0]}, IMAGES),
    ("Conv2D", {"filters": 2, "kernel_size": 3}, IMAGES),
    ("Conv2D", {"filters": 2, "kernel_size": (2, 3), "padding": "same"}, IMAGES),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "strides": (2, 3), "padding": "same"}, IMAGES),
    ("Conv2D", {"filters": 2, "kernel_size": (3, 2), "strides": 2, "use_bias": False}, IMAGES),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "dilation_rate": (2, 3)}, IMAGES),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2, "padding": "same"}, IMAGES),
    ("MaxPooling2D", {}, IMAGES),
    ("MaxPooling2D", {"padding": "same"}, IMAGES),
    ("MaxPooling2D", {"pool_size": (3, 2), "strides": (1, 2), "padding": "same"}, IMAGES),
    ("MaxPooling2D", {"pool_size": 2, "strides": 3}, IMAGES),
    ("AveragePooling2D", {"pool_size": 2}, IMAGES),
    ("AveragePooling2D", {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"}, IMAGES),
    ("AveragePooling2D", {"pool_size": 4, "strides": 1, "padding": "same"}, IMAGES),
    ("GlobalAveragePooling2D", {}, IMAGES),
    ("GlobalAveragePooling2D", {"keepdims": True}, IMAGES),
    ("Embedding", {"input_dim": 7, "output_dim": 3}, SERIES),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 2, "padding": "same"}, (2, 5, 6, 4)),
    ("Conv1D", {"filters": 2, "kernel_size": 3}, SERIES),
    ("Conv1D", {"filters": 2, "kernel_size": 2, "padding": "causal"}, SERIES),
    ("Conv1D", {"filters": 2, "kernel_size": 2, "padding": "causal", "strides": 2}, SERIES),
    ("Conv1D", {"filters": 2, "kernel_size": 2, "padding": "causal", "dilation_rate": 2}, SERIES),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"}, SERIES),
    ("Conv1D", {"filters": 5, "kernel_size": 1, "groups": 5, "activation": "relu"}, SERIES),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, SERIES),
    ("DepthwiseConv2D", {"kernel_size": 2, "strides": 2, "padding": "same"}, IMAGES),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3, "activation": "relu"}, SERIES),
    ("SeparableConv2D", {"filters": 2, "kernel_size": 2, "depth_multiplier": 3}, IMAGES),
    ("GroupNormalization", {"groups": 1}, SERIES),
    ("GroupNormalization", {"groups": -1}, IMAGES),
    ("RMSNormalization", {}, SERIES),
    ("UnitNormalization", {"axis": (1, 2)}, SERIES),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2}, SERIES),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 2, "strides": 3}, SERIES),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 3, "dilation_rate": 2}, SERIES),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 2, "padding": "same"}, SERIES),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "use_bias": False}, IMAGES),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"}, IMAGES),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": (2, 4), "strides": 2,
                         "padding": "same"}, IMAGES),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same",
                         "output_padding": 0}, IMAGES),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 4, "strides": 3,
                         "output_padding": (1, 2)}, IMAGES),
    ("MaxPooling1D", {}, SERIES),
    ("MaxPooling1D", {"pool_size": 3, "strides": 1, "padding": "same"}, SERIES),
    ("AveragePooling1D", {"pool_size": 2}, SERIES),
    ("AveragePooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, SERIES),
    ("GlobalAveragePooling1D", {}, SERIES),
    ("GlobalAveragePooling1D", {"keepdims": True}, SERIES),
    ("GlobalMaxPooling1D", {}, SERIES),
    ("GlobalMaxPooling2D", {"keepdims": True}, IMAGES),
    ("ZeroPadding1D", {}, SERIES),
    ("ZeroPadding1D", {"padding": (2, 0)}, SERIES),
    ("ZeroPadding2D", {"padding": (1, 2)}, IMAGES),
    ("ZeroPadding2D", {"padding": ((0, 1), (2, 3))}, IMAGES),
    ("Cropping1D", {}, SERIES),
    ("Cropping1D", {"cropping": (0, 2)}, SERIES),
    ("Cropping2D", {"cropping": 1}, IMAGES),
    ("Cropping2D", {"cropping": ((1, 0), (2, 1))}, IMAGES),
    ("UpSampling1D", {"size": 3}, SERIES),
    ("UpSampling2D", {}, IMAGES),
    ("UpSampling2D", {"size": (3, 2), "interpolation": "bilinear"}, IMAGES),
    ("ReLU", {}, ROWS),
    ("ReLU", {"max_value": 0.8, "negative_slope": 0.1, "threshold": 0.2}, SERIES),
    ("LeakyReLU", {}, ROWS),
    ("LeakyReLU", {"negative_slope": 0.1}, SERIES),
    ("ELU", {"alpha": 0.5}, ROWS),
    ("PReLU", {}, SERIES),
    ("PReLU", {"shared_axes": [1, 2]}, IMAGES),
    ("Softmax", {}, ROWS),
    ("Softmax", {"axis": 1}, SERIES),
    ("Softmax", {"axis": (1, 2)}, IMAGES),
    ("SpatialDropout1D", {"rate": 0.5}, SERIES),
    ("SpatialDropout2D", {"rate": 0.5}, IMAGES),
    ("AlphaDropout", {"rate": 0.5}, ROWS),
    ("GaussianDropout", {"rate": 0.5}, ROWS),
    ("GaussianNoise", {"stddev": 0.5}, ROWS),
    ("Permute", {"dims": (3, 1, 2)}, IMAGES),
    ("RepeatVector", {"n": 3}, ROWS),
    ("Identity", {}, SERIES),
    ("Masking", {}, SERIES),
    ("Lambda", {"function": lambda x: x**2 - 1}, SERIES),
]  # fmt: skip

# What of Keras's arguments is left out on purpose.
LEFT_OUT = {
    "mask",
    "attention_axes",  # attention is along the steps
    "flash_attention",
    "sliding_window",
    "use_gate",
    "lora_rank",
    "lora_alpha",
    "quantization_config",
    "renorm",
    "renorm_clipping",
    "renorm_momentum",
    "synchronized",
    "invert",
    "sparse",
    "ragged",
    "tensor",
    "optional",
}
# A default more, a default less; an argument that a relative has, a default of its class.
EASIER = {
    ("AveragePooling1D", "pool_size"),
    ("AveragePooling2D", "pool_size"),
    ("Input", "shape"),
    ("LeakyReLU", "alpha"),
    ("UpSampling1D", "data_format"),
    ("UpSampling1D", "interpolation"),
    ("Conv1DTranspose", "groups"),
    ("Conv2DTranspose", "groups"),
    ("Cropping1D", "data_format"),
    ("Cropping1D", "cropping"),
    ("Cropping2D", "cropping"),
}
OTHERS = {  # that Keras takes unsigned
    "implementation", "input_length", "use_cudnn", "zero_output_for_mask",
}  # fmt: skip
OF_EVERY_LAYER = {
    "self", "kwargs", "options", "name", "trainable", "dtype", "activity_regularizer",
    "input_shape", "batch_input_shape", "input_dim",
}  # fmt: skip


def drawn(shape, name="Dense"):
    """Return inputs, or whole numbers for an `Embedding`."""
    rng = np.random.default_rng(1)
    if name == "Embedding":
        return rng.integers(7, size=shape).astype("int32")
    return rng.normal(size=shape).astype("float32")


def pair(name, config, shape):
    """Return the layer of each library, with the same weights."""
    ours, theirs = getattr(cr.layers, name)(**config), getattr(keras.layers, name)(**config)
    ours(drawn(shape, name))
    theirs.build(shape)
    rng = np.random.default_rng(2)
    weights = {
        attribute: rng.uniform(0.5, 1.5, w.shape).astype("float32")
        for attribute, w in ours.arrays.items()
        if w.dtype.kind == "f" and name != "Normalization"
    }
    vars(ours).update(weights)
    for attribute, value in weights.items():
        getattr(theirs, attribute).assign(value)
    return ours, theirs


def slopes_of_ours(layer, training, weights, x, seed):
    """Return the output, and the gradients by weights and inputs."""

    def total(weights, x):
        y = layer.bound(weights).run(x, training)
        return np.sum(y * seed), y

    by = (0,) if x.dtype.kind == "i" else (0, 1)
    (_, y), slopes = cr.value_and_grad(total, by, has_aux=True)(weights, x)
    return y, slopes


def slopes_of_theirs(layer, training, x, seed):
    told = {"training": training} if layer._call_has_training_arg else {}
    frozen = [v.value for v in layer.non_trainable_variables]

    def total(weights, x):
        y, _ = layer.stateless_call(list(weights.values()), frozen, x, **told)
        return (y * seed).sum(), y

    # JAX sorts the keys of other dicts.
    weights = OrderedDict((v.name, v.value) for v in layer.trainable_variables)
    by = (0,) if x.dtype.kind == "i" else (0, 1)
    slopes, y = jax.jit(jax.grad(total, by, has_aux=True))(weights, x)
    return y, slopes


@pytest.mark.parametrize(
    ("name", "config", "shape", "training"),
    [(*case, False) for case in CASES]
    + [(*case, True) for case in CASES if case[0] == "BatchNormalization"],
)
def test_outputs_and_gradients_are_those_of_keras(name, config, shape, training):
    ours, theirs = pair(name, config, shape)
    x = drawn(shape, name)
    seed = np.random.default_rng(3).normal(size=(shape[0], *ours.output_shape[1:])).astype("f4")
    weights = {name: v.value for name, v in variables_of(ours).items() if v.trainable}
    run = partial(slopes_of_ours, ours, training)
    found, expected = run(weights, x, seed), slopes_of_theirs(theirs, training, x, seed)
    assert {leaf.dtype for _, leaf in leaves(found)} == {np.dtype("f4")}
    assert list(found[1][0]) == list(expected[1][0])
    assert_apart(found, expected, bounds(run, weights, x, seed))


@pytest.mark.parametrize(("name", "config", "shape"), [c for c in CASES if c[0] != "Lambda"])
def test_a_layer_goes_to_keras_and_comes_back(name, config, shape):
    ours = cr.Sequential([cr.layers.Input(shape[1:]), getattr(cr.layers, name)(**config)])
    theirs, x = ours.to_keras(), drawn(shape, name)
    again = cr.from_keras(theirs)
    np.testing.assert_allclose(theirs(x), ours.predict(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(again.predict(x), ours.predict(x))


@pytest.mark.parametrize(("name", "config"), [
    ("GlobalAveragePooling1D", {}), ("GlobalAveragePooling1D", {"keepdims": True}),
    ("Softmax", {"axis": 1}),
])  # fmt: skip
def test_layers_that_look_at_masks_leave_out_what_is_masked(name, config):
    x = drawn(SERIES)
    x[0, 3:] = x[1, 1] = x[2] = 0.5
    mask = np.any(x != 0.5, axis=-1)
    mask[2, 0] = True
    ours, theirs = getattr(cr.layers, name)(**config), getattr(keras.layers, name)(**config)
    told = mask[..., np.newaxis] if name == "Softmax" else mask
    np.testing.assert_allclose(ours(x, mask=told), theirs(x, mask=told), rtol=1e-5)
    if name != "Softmax":
        x[2, 0] = 1
        here = cr.Sequential([cr.layers.Masking(0.5), getattr(cr.layers, name)(**config)])
        there = keras.Sequential([keras.layers.Masking(0.5), theirs])
        np.testing.assert_allclose(here.predict(x), there.predict(x, verbose=0), rtol=1e-5)


# Layers for tables, which Keras does not have.
OWN = {
    "Bounds", "ByColumns", "Clamp", "Ensemble", "NeuralTangentDense", "ParametricActivation",
    "PeriodicEmbedding", "PiecewiseLinear", "RobustScaling", "Scale",
}  # fmt: skip


def of_all_axes(value):
    """Return a size that is the same for all axes as one number, a name in small letters."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        return of_all_axes(value[0])
    return value.lower() if isinstance(value, str) else value


@pytest.mark.parametrize("name", [name for name in NAMES if name not in {"Layer", *OWN}])
def test_arguments_are_those_of_keras(name):
    cls = getattr(cr.layers, name)
    ours, positional = arguments(cls), list(inspect.signature(cls.__init__).parameters)
    theirs = inspect.signature(getattr(keras.layers, name)).parameters
    more = {argument for layer, argument in EASIER if layer == cls.__name__}
    shared = [argument for argument in positional if argument in theirs]
    assert set(theirs) - set(ours) <= LEFT_OUT | OF_EVERY_LAYER
    assert set(ours) - set(theirs) <= OF_EVERY_LAYER | OTHERS | more
    assert shared == [argument for argument in theirs if argument in shared]
    for argument in set(ours) & set(theirs) - more - OF_EVERY_LAYER:
        default = theirs[argument].default
        usual = None if default is inspect.Parameter.empty else default
        assert of_all_axes(ours[argument]) == of_all_axes(usual)


def test_each_argument_that_is_left_out_is_one_of_keras():
    signatures = [
        inspect.signature(getattr(keras.layers, name)) for name in NAMES if name not in OWN
    ]
    assert LEFT_OUT <= {argument for s in signatures for argument in s.parameters}


@pytest.mark.parametrize(("axis", "shape"), [(-1, IMAGES), (1, SERIES)])
def test_moving_statistics_follow_keras_over_many_batches(axis, shape):
    ours, theirs = pair("BatchNormalization", {"axis": axis, "momentum": 0.8}, shape)
    rng, start = np.random.default_rng(4), ours.get_weights()
    batches = [
        (3 * rng.normal(size=shape) + rng.normal(size=shape[-1])).astype("f4") for _ in range(10)
    ]

    def run(*batches):
        ours.set_weights(start)
        for x in batches:
            cr.Sequential([ours])(x, training=True)
        return ours.moving_mean, ours.moving_variance

    for x in batches:
        theirs(x, training=True)
    found, expected = run(*batches), (theirs.moving_mean, theirs.moving_variance)
    assert_apart(found, expected, bounds(run, *batches))


@pytest.mark.parametrize(("axis", "shape"), [(-1, ROWS), (1, SERIES), (-1, IMAGES)])
def test_normalization_adapts_to_data_as_keras_does(axis, shape):
    ours, theirs = cr.layers.Normalization(axis), keras.layers.Normalization(axis)
    rng = np.random.default_rng(5)
    data = (100 + 3 * rng.normal(size=(70, *shape[1:]))).astype("f4")

    def run(data):
        ours.adapt(data)
        return ours(data[:4])

    theirs.adapt(data)
    assert_apart(run(data), theirs(data[:4]), bounds(run, data))
    ours.adapt(data)
    exact = np.moveaxis(data.astype(float), axis, 0).reshape(shape[axis], -1)
    np.testing.assert_allclose(ours.mean, exact.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(ours.variance, exact.var(axis=1), rtol=1e-6)
