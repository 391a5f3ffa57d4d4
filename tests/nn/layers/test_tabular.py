"""Layers of networks for tables."""

import numpy as np
import pytest
from sklearn.preprocessing import RobustScaler

import chainrule as cr
from chainrule import layers
from chainrule.errors import DataError, ShapeError

X = np.random.default_rng(0).normal(size=(6, 5)).astype("f4")


def test_the_periodic_embedding_is_its_formula():
    layer = layers.PeriodicEmbedding(3, 4, 0.7)
    y = layer(X).reshape(6, 5, 3)
    w, b, V, c = layer.get_weights()
    for i in range(5):
        waves = np.cos(2 * np.pi * X[:, i : i + 1] * w[i] + b[i])
        np.testing.assert_allclose(y[:, i, :2], waves @ V[i] + c[i], rtol=2e-5, atol=2e-6)
    np.testing.assert_array_equal(y[:, :, 2], X)
    assert abs(b).max() < np.pi
    assert abs(V).max() <= 0.5


def test_robust_scaling_is_scikit_learns_and_bounded():
    table = X.copy()
    table[:, 3], table[:5, 4], table[5, 4] = 7.0, 1.0, 5.0  # a constant, and one odd value
    layer = layers.RobustScaling()
    layer.adapt(table)
    y = layer(table)
    z = RobustScaler().fit_transform(table[:, :3])
    np.testing.assert_allclose(y[:, :3], z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(y[:, 3], 0)
    np.testing.assert_allclose(y[:, 4], [0, 0, 0, 0, 0, 2 / np.sqrt(1 + 4 / 9)], rtol=1e-5)
    assert abs(layer(np.full((1, 5), 1e12))).max() <= 3
    other = layers.RobustScaling()
    other.adapt(table)
    with pytest.raises(ShapeError, match="is of 5 features"):
        other(X[:, :2])


def test_piecewise_linear_adds_shares_of_bins_between_quantiles():
    table = X.copy()
    table[:, 3], table[:, 4] = 7.0, [0, 1, 0, 1, 0, 1]  # one value, one bin
    layer = layers.PiecewiseLinear(bins=4)
    layer.adapt(table)
    y = layer(table).reshape(6, 5, 5)
    np.testing.assert_array_equal(y[:, :, 0], table)
    np.testing.assert_array_equal(y[:, 3:, 1:], 0)
    for i in range(3):
        edges = np.quantile(table[:, i], [0, 0.25, 0.5, 0.75, 1], method="inverted_cdf")
        shares = np.stack([np.interp(table[:, i], edges[j : j + 2], [-0.5, 0.5]) for j in range(4)])
        np.testing.assert_allclose(y[:, i, 1:], shares.T, atol=1e-5)
    assert abs(layer(np.full((1, 5), 1e12)).reshape(5, 5)[:, 1:]).max() == 0.5


def test_equal_quantiles_make_fewer_bins():
    layer = layers.PiecewiseLinear(bins=4)
    table = np.array([[0, 0, 0, 1, 1, 3, 3, 3 + 1e-9]]).T
    layer.adapt(table)
    assert np.isfinite(layer(table)).all()
    assert np.isfinite(layer.factor).all()
    assert np.count_nonzero(layer.factor) == 2


def test_in_neural_tangent_parametrisation_outputs_are_as_large_for_any_width():
    for d in (10, 4000):
        layer = layers.NeuralTangentDense(500, use_bias=False)
        y = layer(np.ones((1, d), "f4"))
        assert abs(y.std() - 1) < 0.15
        assert abs(layer.kernel.std() - 1) < 0.05


def test_a_parametric_activation_is_as_much_of_it_as_the_weight_says():
    layer = layers.ParametricActivation("relu")
    np.testing.assert_allclose(layer(X), np.maximum(X, 0))
    layer.set_weights([np.array([0.0, 0.25, 1, 1, 1])])
    np.testing.assert_allclose(layer(X)[:, 0], X[:, 0])
    np.testing.assert_allclose(layer(X)[:, 1], 0.75 * X[:, 1] + 0.25 * np.maximum(X[:, 1], 0))


def test_clamped_is_what_is_predicted_not_what_is_trained():
    model = cr.Sequential([layers.Clamp(-0.5, 0.5)])
    assert abs(model(X)).max() == 0.5
    np.testing.assert_array_equal(model(X, training=True), X)


def test_columns_go_to_their_layers():
    codes = np.array([[1.0], [4.0], [0.0], [4.0], [2.0], [3.0]], "f4")
    table = np.hstack([X, codes])
    inner = [layers.Scale(), layers.Identity(), layers.Embedding(5, 3)]
    model = cr.Sequential([layers.ByColumns(inner, [2, 3, 1]), layers.Dense(2)], seed=0)
    model.compile("sgd", "mse", engine="numpy")
    model.fit(table, np.ones((6, 2)), epochs=2, verbose=0)
    y = model.layers[0](table)
    np.testing.assert_array_equal(y[:, 2:5], X[:, 2:])
    np.testing.assert_array_equal(y[:, 5:], inner[2].embeddings[codes[:, 0].astype(int)])
    assert model.check_gradients(table, np.ones((6, 2)))


def test_dropout_follows_a_schedule_of_updates_also_in_the_next_run():
    def kept(counts):
        model = cr.Sequential([layers.Dropout(lambda step: 0.8 * (step >= 2), seed=0)])
        return [np.mean(model(np.ones((40, 40)), training=True) != 0) for _ in range(counts)]

    shares = kept(4)
    assert shares[:2] == [1, 1]
    np.testing.assert_allclose(shares[2:], 0.2, atol=0.06)


@pytest.mark.parametrize("layer", [layers.AlphaDropout, layers.GaussianDropout])
def test_only_plain_dropout_takes_a_schedule(layer):
    with pytest.raises(DataError, match="rate must be a finite number"):
        layer(lambda step: 0.5)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: layers.PeriodicEmbedding(1), DataError, "at least 2"),
        (lambda: layers.PeriodicEmbedding()(X[0]), ShapeError, "samples that are rows"),
        (lambda: layers.Clamp(1, 0), DataError, "low must not be above high"),
        (lambda: layers.ByColumns([layers.Scale()], [1, 2]), DataError, "as many widths"),
        (lambda: layers.ByColumns([layers.Scale()], [4])(X), ShapeError, "of 4 columns"),
    ],
)
def test_what_does_not_fit_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_remainder_may_be_left_out_of_an_epoch(shuffle):
    seen = []

    def batches(batch, logs):
        seen.append(batch)

    model = cr.Sequential([layers.Dense(1)], seed=0)
    model.compile(cr.optimizers.SGD(0.0), "mse", engine="numpy")
    watch = cr.callbacks.LambdaCallback(on_train_batch_end=batches)
    y = np.zeros((11, 1))
    y[8:] = 100.0
    history = model.fit(
        np.zeros((11, 2)), y, 4, epochs=30, verbose=0, callbacks=[watch], shuffle=shuffle,
        drop_remainder=True,
    ).history["loss"]  # fmt: skip
    assert seen == [0, 1] * 30
    counts = np.array(history) / 1e4 * 8  # of samples that are not 0
    np.testing.assert_allclose(counts, counts.round(), atol=1e-5)
    assert len({*counts.round()}) > 1 if shuffle else (counts == 0).all()
