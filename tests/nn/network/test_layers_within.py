"""Layers of one's own that hold layers and weights, in attributes, lists, tuples and dicts."""

from typing import NamedTuple

import numpy as np
import pytest

import chainrule as cr
from chainrule import keras, layers
from chainrule._src.base.registered import register
from chainrule.errors import DataError, ShapeError
from chainrule.layers import BatchNormalization, Dense, Dropout, Input, Layer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype("f4")
Y = (X @ np.array([[1.0], [-2.0], [0.5], [0.0]]) + 0.3).astype("f4")


@register("tests.within")
class Attributes(Layer):
    """Layers as attributes, made before the shape is known."""

    def __init__(self, units=5, **options):
        super().__init__(**options)
        self.hidden = Dense(units, activation="tanh")
        self._out = Dense(4, kernel_regularizer="l2")

    def call(self, x):
        return x + self._out(self.hidden(x))


class Pair(NamedTuple):
    left: Layer
    right: Layer


@register("tests.within")
class Collections(Layer):
    """Layers and weights in lists, tuples and dicts, within one another."""

    def build(self, input_shape):
        d = input_shape[-1]
        self.scales = [self.add_weight((d,), "ones"), self.add_weight((d,), "ones")]
        self.shifts = {"up": (self.add_weight((d,), "zeros"),), "size": d}
        self.towers = [Dense(d, activation="tanh"), [BatchNormalization(momentum=0.5)]]
        self.heads = {"pair": Pair(Dense(d), Dense(d, use_bias=False))}
        self.again = self.towers[0]

    def call(self, x):
        x = x * self.scales[0] + self.shifts["up"][0]
        x = self.towers[1][0](self.towers[0](x))
        return self.again(self.heads["pair"].left(x)) * self.scales[1] + self.heads["pair"].right(x)


@register("tests.within")
class Nested(Layer):
    """A layer in a layer in a layer, given as an argument."""

    def __init__(self, inner, **options):
        super().__init__(**options)
        self.inner = inner
        self.drop = Dropout(0.2, seed=1)

    def call(self, x):
        return self.drop(self.inner(x))


@register("tests.within")
class Early(Layer):
    """Weights made before the shape is known, and a layer that is built by hand."""

    def __init__(self):
        super().__init__()
        self.gain = self.add_weight(shape=(4,), initializer="uniform", name="amplification")
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")
        self.dense = Dense(4)

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, x, training=False):
        if training:
            self.seen = self.seen + 1
        return self.dense(x * self.gain)


KINDS = {
    "attributes": (lambda: Attributes(5), 25 + 24),
    "collections": (Collections, 4 * 3 + 20 + 16 + 20 + 16),
    "nested": (lambda: Nested(Attributes(3)), 15 + 16),
    "nested twice": (lambda: Nested(Nested(Attributes(3))), 15 + 16),
    "early": (Early, 4 + 1 + 20),
}


def model_of(kind, seed=0, engine="numpy", **options):
    model = cr.Sequential([Input((4,)), KINDS[kind][0](), Dense(1)], seed=seed, **options)
    model.compile(cr.optimizers.SGD(0.05), "mse", engine=engine)
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_weights_within_are_counted_and_listed(kind):
    model, count, lines = model_of(kind), KINDS[kind][1], []
    model.summary(print_fn=lines.append)
    assert model.count_params() == count + 5
    assert f" {count} " in lines[0]


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("kind", KINDS)
def test_weights_within_are_trained_the_same_by_every_engine(kind):
    runs = {}
    for engine in ("numpy", "compiled"):
        model = model_of(kind, engine=engine)
        before = model.network.params
        losses = model.fit(X, Y, epochs=3, batch_size=16, verbose=0).history["loss"]
        assert losses[-1] < losses[0]
        unmoved = [name for name, w in model.params.items() if (w == before[name]).all()]
        assert not unmoved
        runs[engine] = [np.array(losses), *model.get_weights()]
    for a, b in zip(*runs.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_of_weights_within_is_right(kind):
    model = model_of(kind, dtype="float64")
    if "nested" not in kind:  # dropout draws anew
        assert model.check_gradients(X[:7], Y[:7]).passed


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_keeps_weights_within(kind, tmp_path):
    model = model_of(kind)
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.safetensors")
    again = cr.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    again.engine = "numpy"
    a, b = (m.fit(X, Y, epochs=2, verbose=0).history["loss"] for m in (model, again))
    assert a == b


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights_within(kind):
    for a, b in zip(model_of(kind).get_weights(), model_of(kind).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    drawn = model_of(kind, seed=1).predict(X)
    assert not np.array_equal(drawn, model_of(kind).predict(X))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_within_can_be_set(kind):
    model = model_of(kind)
    values = [RNG.uniform(0.2, 1, w.shape) for w in model.get_weights()]
    model.set_weights(values)
    for a, b in zip(model.get_weights(), values, strict=True):
        np.testing.assert_array_equal(a, b.astype("f4"))
    other = model_of(kind, seed=1)
    other.layers[0].set_weights(model.layers[0].get_weights())
    other.layers[1].set_weights(model.layers[1].get_weights())
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_what_is_read_is_what_is_trained(tmp_path):
    model = model_of("collections")
    space = {}
    exec(model.source(), space)
    value, *_ = space["value_and_gradients"](model.network.params, X, Y, model.network.state)
    assert value == pytest.approx(model.train_on_batch(X, Y), rel=1e-5)
    model.eject(tmp_path / "net.py")
    space = {"__file__": str(tmp_path / "net.py"), "__name__": "net"}
    exec((tmp_path / "net.py").read_text(), space)
    np.testing.assert_allclose(space["predict"](space["load"](), X), model.predict(X), rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_layers_that_are_not_trained_stay(kind):
    model = model_of(kind)
    model.layers[0].trainable = False
    before, top = model.layers[0].get_weights(), model.layers[1].get_weights()
    model.fit(X, Y, epochs=2, verbose=0)
    names = [weight.name for weight in model.layers[0].weights]
    for name, a, b in zip(names, before, model.layers[0].get_weights(), strict=True):
        if name != "seen":
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(top[0], model.layers[1].get_weights()[0])


def test_one_layer_within_is_kept_as_it_is():
    model = model_of("attributes")
    model.layers[0].hidden.trainable = False
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    same = [np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert same == [True, True, False, False, False, False]


def test_a_model_that_is_not_trained_stays_as_it_is(tmp_path):
    model = model_of("collections")
    model.trainable = False
    model.layers[-1].trainable = True  # the model's own word counts, as in Keras
    assert not model.network.params
    before = model.get_weights()
    assert model.fit(X, Y, verbose=0).history["loss"]  # it is scored alone, as in Keras
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)
    model.save(tmp_path / "m.safetensors")
    assert not cr.load_model(tmp_path / "m.safetensors").trainable
    model.trainable = True
    assert len(model.network.params) == 12
    assert model.fit(X, Y, verbose=0).history["loss"]


def test_layers_within_are_told_of_training():
    block = Nested(Nested(Dense(100, kernel_initializer="ones")))
    ones = np.ones((3, 2), "f4")
    assert (block(ones) == 2).all()
    zeros = (block(ones, training=True) == 0).mean()
    assert 0.1 < zeros < 0.3
    outside = layers.Dropout(0.5)
    assert (outside(ones) == 1).all()


def test_a_setting_within_that_changes_is_seen():
    class Power(Layer):
        def __init__(self):
            super().__init__()
            self._by = 1.0

        def call(self, x):
            return x * self._by

    class Holds(Layer):
        def __init__(self):
            super().__init__()
            self.parts = [Power()]

        def call(self, x):
            return self.parts[0](x)

    model = cr.Sequential([Holds()])
    model.build((None, 4))
    np.testing.assert_array_equal(model.predict(X), X)
    model.layers[0].parts[0]._by = 3.0
    np.testing.assert_array_equal(model.predict(X), 3 * X)


HELD = Dense(4)


class Somewhere(Layer):
    def call(self, x):
        return HELD(x)


class Fresh(Layer):
    def call(self, x):
        return Dense(4)(x)


class Late(Layer):
    def __init__(self):
        super().__init__()
        self.parts = [Dense(4)]

    def call(self, x):
        return self.parts[-1](x)


class OfAnother(Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight((4, 4))
        self.inner = Dense(4)
        self.inner.scale = self.kernel

    def call(self, x):
        return self.inner(x @ self.kernel)


class Two(Layer):
    def __init__(self):
        super().__init__()
        self.inner = Dense(4)

    def call(self, x):
        return self.inner([x, x])


class Loose(Layer):
    def build(self, input_shape):
        self.kept = {1: [self.add_weight((4,))]}
        self.add_weight((5,))

    def call(self, x):
        return x


class Several(Layer):
    def call(self, x):
        return x, x


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Somewhere, r"'somewhere'.* calls layer 'dense' .* none of its attributes holds"),
        (Fresh, r"'fresh'.* calls layer 'dense' .* none of its attributes holds"),
        (OfAnother, r"'dense'.* scale is a weight of layer 'of_another'"),
        (Two, r"'two'.* takes one array .* received a list"),
        (Loose, r"weight of shape \(5,\) is kept in no attribute"),
        (Several, r"must be an array of rows, is a tuple"),
    ],
)
def test_what_would_not_be_trained_is_refused(cls, message):
    with pytest.raises((DataError, ShapeError), match=message):
        cr.Sequential([Input((4,)), cls()])


def test_a_layer_that_comes_late_is_refused():
    model = cr.Sequential([Input((4,)), Late(), Dense(1)])
    model.compile("sgd", "mse")
    model.layers[0].parts.append(Dense(4))
    with pytest.raises(DataError, match=r"'late'.* calls layer 'dense'.* did not call when"):
        model.fit(X, Y, verbose=0)


def test_a_failed_build_leaves_layers_within_as_they_were():
    def made():
        return cr.Sequential([Nested(Attributes(3)), Dense(3), layers.Conv2D(2, 3)], seed=0)

    model = made()
    with pytest.raises(ShapeError, match="conv2d"):
        model.build((None, 4))
    model.pop()
    fresh = made()
    fresh.pop()
    for each in (model, fresh):
        each.build((None, 4))
    for a, b in zip(model.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_put_into_a_layer_that_is_not_trained_is_not_either():
    model = cr.Sequential([Input((4,)), Attributes(trainable=False), Dense(1)])
    assert list(model.network.params) == ["dense_kernel", "dense_bias"]


@register("tests.within")
class Block(Layer):
    def __init__(self):
        super().__init__()
        self.net = cr.Sequential([Dense(4, activation="tanh"), Dense(4)])

    def call(self, x):
        return x + self.net(x)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_models_are_layers_of_models_and_of_layers(engine, tmp_path):
    inner = cr.Sequential([Dense(5), layers.BatchNormalization(), cr.Sequential([Dense(4)])])
    model = cr.Sequential([layers.Input((4,)), inner, Block(), Dense(1)], seed=0)
    model.compile("sgd", "mse", engine=engine)
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert len(changed) == 14
    assert all(changed)
    model.save(tmp_path / "m.safetensors")
    again = cr.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_allclose(inner(X), again.layers[0](X), rtol=1e-6)


def test_a_model_within_another_is_frozen_with_its_layers():
    inner = cr.Sequential([layers.Input((4,)), Dense(5), cr.Sequential([Dense(4)])])
    model = cr.Sequential([inner, Dense(1)])
    inner.trainable = False
    assert [weight.path for weight in model.trainable_weights] == ["dense/kernel", "dense/bias"]
    inner.layers[0].trainable = True
    assert not inner.trainable_weights  # as in Keras: its own word counts for it alone
    assert len(model.trainable_weights) == 4


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_an_axis_may_have_no_fixed_length(engine):
    model = cr.Sequential(
        [layers.Input((None, 3)), Dense(4, activation="tanh"), Block(), Mean(), Dense(1)], seed=0
    )
    assert model.layers[0].output_shape == (None, None, 4)
    assert model.layers[2].output_shape == (None, 4)
    model.compile("sgd", "mse", engine=engine)
    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(8, n, 3)).astype("f4"), np.ones((8, 1), "f4")) for n in (5, 9, 5)]
    first = model.fit(batches, epochs=2, verbose=0).history["loss"]
    assert first[1] < first[0]
    for x, _ in batches:
        assert model.predict(x).shape == (8, 1)
    with pytest.raises(ShapeError, match="expected 3 in axis 2"):
        model.predict(np.zeros((2, 5, 4)))
    with pytest.raises(ShapeError, match="must be fixed"):
        cr.Sequential([layers.Input((None,)), Dense(1)])


class Mean(Layer):
    def call(self, x):
        return np.mean(x, axis=1)


def test_a_layer_as_an_activation_is_trained_with_the_layer_that_has_it():
    model = cr.Sequential([layers.Input((4,)), layers.Dense(3, layers.Dense(2))], seed=0)
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
    assert [w.shape for w in before] == [(4, 3), (3,), (3, 2), (2,)]
    assert all((b != w).any() for b, w in zip(before, model.get_weights(), strict=True))


def test_a_layer_that_calls_itself_built_finds_its_shapes_at_the_first_call():
    class Sum(Layer):
        def __init__(self):
            super().__init__()
            self.built = True

        def call(self, x, y):
            return x + y

    np.testing.assert_array_equal(Sum()(X, X), 2 * X)
    inputs = keras.Input((4,))
    assert keras.Model(inputs, Sum()(inputs, inputs)).output_shape == (None, 4)
