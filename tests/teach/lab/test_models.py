import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import DataError, DivergenceError, ShapeError, UnknownNameError
from chainrule.lab import LogisticRegression, NeuralNet

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 6))
y = RNG.integers(0, 4, size=12)


def models(seed=0):
    return [
        LogisticRegression(6, 4, seed=seed),
        NeuralNet(6, 5, 4, seed=seed),
        NeuralNet(6, (5, 3), 4, seed=seed, init="glorot_uniform", activation="tanh"),
    ]


def test_initial_values_are_the_labs():
    lr = LogisticRegression(640, 10, seed=3)
    assert lr.W.shape == (640, 10)
    assert lr.b.shape == (10,)
    assert 0.099 < np.abs(lr.W).max() <= 0.1
    assert 0 < np.abs(lr.b).max() <= 0.1
    net = NeuralNet(640, 20, 10, seed=3)
    assert (net.W_h.shape, net.W_o.shape) == ((640, 20), (20, 10))
    assert 0.0099 < np.abs(net.W_h).max() <= 0.01
    assert not net.b_h.any()
    assert not net.b_o.any()


def test_a_seed_repeats_and_no_seed_does_not():
    np.testing.assert_array_equal(NeuralNet(6, 5, 4, seed=1).W_h, NeuralNet(6, 5, 4, seed=1).W_h)
    assert (NeuralNet(6, 5, 4).W_h != NeuralNet(6, 5, 4).W_h).any()


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        ("glorot_uniform", 2 / 1400),
        ("glorot_normal", 2 / 1400),
        ("he_uniform", 2 / 1000),
        ("he_normal", 2 / 1000),
        ("zeros", 0),
    ],
)
def test_initializers_have_their_variance(init, variance):
    W_h = NeuralNet(1000, 400, 10, seed=0, init=init).W_h
    assert W_h.var() == pytest.approx(variance, rel=0.02)
    assert W_h.mean() == pytest.approx(0, abs=1e-3)


def test_forward_keeps_activations():
    net = NeuralNet(6, 5, 4, seed=0)
    out, h, z_h = net.forward_keep_activations(X)
    np.testing.assert_array_equal(z_h, X @ net.W_h + net.b_h)
    np.testing.assert_array_equal(h, cr.sigmoid(z_h))
    np.testing.assert_array_equal(out, cr.softmax(h @ net.W_o + net.b_o))
    for kept, again in zip((out, h, z_h), net.forward(X, keep_activations=True), strict=True):
        np.testing.assert_array_equal(kept, again)
    deep = NeuralNet(6, (5, 3), 4, seed=0)
    _, h, z_h = deep.forward_keep_activations(X)
    assert [a.shape for a in h] == [a.shape for a in z_h] == [(12, 5), (12, 3)]
    assert deep.parameter_names == ("W_h1", "b_h1", "W_h2", "b_h2", "W_o", "b_o")


@pytest.mark.parametrize("model", models())
def test_one_sample_is_a_batch_of_one(model):
    np.testing.assert_allclose(model.forward(X)[3], model.forward(X[3]), rtol=1e-14)
    assert model.predict(X)[3] == model.predict(X[3])
    assert np.ndim(model.predict(X[3])) == 0
    one, batch = model.grad_loss(X[3], y[3]), model.grad_loss(X[3:4], y[3:4])
    for name, grad in one.items():
        assert grad.shape == getattr(model, name).shape
        np.testing.assert_array_equal(grad, batch[name])


@pytest.mark.parametrize("model", models())
def test_a_batch_gradient_is_the_mean_of_its_samples(model):
    singles = [model.grad_loss(x, label) for x, label in zip(X, y, strict=True)]
    for name, grad in model.grad_loss(X, y).items():
        np.testing.assert_allclose(grad, np.mean([s[name] for s in singles], axis=0), atol=1e-15)


@given(
    hidden=st.one_of(
        st.integers(1, 5), st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple)
    ),
    activation=st.sampled_from(list(cr.functions.ACTIVATIONS)),
    init=st.sampled_from(["glorot_uniform", "he_normal"]),
    n=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_gradients_of_any_network(hidden, activation, init, n, seed):
    net = NeuralNet(6, hidden, 4, seed=seed, activation=activation, init=init)
    _, _, z_h = net.forward_keep_activations(X[:n])
    layers = z_h if isinstance(z_h, tuple) else (z_h,)
    # Across a kink of relu the differences would be wrong, not the gradient.
    assume(activation != "relu" or min(np.abs(z).min() for z in layers) > 1e-3)
    report = cr.check_gradients(net)(X[:n], y[:n])
    assert report.passed, str(report)


def test_training_is_the_labs_to_the_last_digit():
    """Against the update written out for one sample at a time, as the lab's solution does."""
    net = NeuralNet(6, 5, 4, seed=0)
    W_h, b_h, W_o, b_o = net.W_h, net.b_h, net.W_o, net.b_o
    for x, label in zip(X, y, strict=True):
        net.train(x, label, 0.5)
        h = cr.sigmoid(np.dot(x, W_h) + b_h)
        error = cr.softmax(np.dot(h, W_o) + b_o) - np.eye(4)[label]
        dz = np.dot(error, W_o.T) * h * (1 - h)
        W_o, b_o = W_o - 0.5 * np.outer(h, error), b_o - 0.5 * error
        W_h, b_h = W_h - 0.5 * np.outer(x, dz), b_h - 0.5 * dz
    for name, value in {"W_h": W_h, "b_h": b_h, "W_o": W_o, "b_o": b_o}.items():
        np.testing.assert_allclose(getattr(net, name), value, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_fit_is_train_in_a_loop(number, momentum):
    fitted, trained = models()[number], models()[number]
    history = fitted.fit(X, y, epochs=3, batch_size=5, learning_rate=0.3, momentum=momentum)
    for _ in range(3):
        for start in (0, 5, 10):
            trained.train(X[start : start + 5], y[start : start + 5], 0.3, momentum=momentum)
    for name in fitted.parameter_names:
        np.testing.assert_array_equal(getattr(fitted, name), getattr(trained, name))
    assert history.epoch == [0, 1, 2, 3]
    assert history.loss[-1] == fitted.loss(X, y)


def test_momentum_adds_up_steps():
    model = LogisticRegression(6, 4, seed=0)
    W, v = model.W, 0
    for _ in range(3):
        v = 0.9 * v - 0.2 * model.grad_loss(X, y)["W"]
        W = W + v
        model.train(X, y, 0.2, momentum=0.9)
    np.testing.assert_allclose(model.W, W, rtol=1e-13)


def test_fit_twice_starts_the_velocity_anew():
    one, two = models()[1], models()[1]
    one.fit(X, y, epochs=1, momentum=0.9)
    one._velocity.clear()
    one.fit(X, y, epochs=1, momentum=0.9)
    two.fit(X, y, epochs=1, momentum=0.9)
    two.fit(X, y, epochs=1, momentum=0.9)
    np.testing.assert_array_equal(one.W_h, two.W_h)


def test_fit_reports_each_epoch_and_can_be_stopped():
    seen = []

    def on_epoch(epoch, scores):
        seen.append((epoch, scores))
        return epoch == 2

    history = models()[0].fit(X, y, epochs=9, validation_data=(X, y), on_epoch=on_epoch)
    assert [epoch for epoch, _ in seen] == history.epoch == [0, 1, 2]
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history.loss == history.val_loss == [scores["loss"] for _, scores in seen]
    with pytest.raises(AttributeError, match="it holds loss, accuracy"):
        history.nonsense  # noqa: B018


def test_grad_norm_is_over_all_parameters():
    model = models()[1]
    total = sum((g**2).sum() for g in model.grad_loss(X, y).values())
    assert model.grad_norm(X, y) == pytest.approx(np.sqrt(total))


def test_float32_digits_train_in_float64():
    model = models()[1]
    model.train(X[0].astype(np.float32), np.int32(2), 0.1)
    assert model.W_h.dtype == model.forward(X.astype(np.float32)).dtype == np.float64


BAD_SAMPLES = {
    "wrong feature count": (X[:, :5], y, ShapeError, "expected 6 features.*received 5"),
    "three dimensions": (X[None], y, ShapeError, "one sample of shape"),
    "label too large": (X, y + 9, DataError, "labels must be from 0 to 3"),
    "negative label": (X, y - 9, DataError, "labels must be from 0 to 3"),
    "float labels": (X, y.astype(float), DataError, "labels must be integers.*float64"),
    "NaN": (np.where(X == X[2, 1], np.nan, X), y, DataError, r"X\[2, 1\] = nan"),
    "infinity": (np.where(X == X[2, 1], -np.inf, X), y, DataError, r"X\[2, 1\] = -inf"),
    "text": (X.astype(str), y, DataError, "must hold numbers"),
    "empty": (X[:0], y[:0], DataError, "empty"),
    "lengths differ": (X, y[:-1], ShapeError, r"expected 12 labels.*\(11,\)"),
    "labels of a batch for one sample": (X[0], y, ShapeError, "expected one label"),
}


@pytest.mark.parametrize("case", BAD_SAMPLES)
@pytest.mark.parametrize("method", ["loss", "accuracy", "grad_loss", "grad_norm", "train", "fit"])
def test_bad_samples_are_refused_before_any_work(case, method):
    bad_X, bad_y, error, message = BAD_SAMPLES[case]
    for model in models():
        before = {name: value.copy() for name, value in model.parameters.items()}
        extra = (0.1,) if method == "train" else ()
        with pytest.raises(error, match=f"{type(model).__name__}.{method}.*{message}"):
            getattr(model, method)(bad_X, bad_y, *extra)
        for name, value in before.items():
            np.testing.assert_array_equal(getattr(model, name), value)


def test_bad_validation_data_is_refused_before_any_training():
    model = models()[0]
    W = model.W.copy()
    with pytest.raises(ShapeError, match="validation_data"):
        model.fit(X, y, validation_data=(X[:, :2], y))
    with pytest.raises(DataError, match="must be a pair"):
        model.fit(X, y, validation_data=X)
    np.testing.assert_array_equal(model.W, W)


@pytest.mark.parametrize(
    "arguments",
    [
        {"epochs": 0}, {"epochs": 1.5}, {"batch_size": 0}, {"batch_size": True},
        {"learning_rate": -0.1}, {"learning_rate": float("nan")}, {"learning_rate": "0.1"},
        {"momentum": 1.0}, {"momentum": -0.5}, {"learning_rate": 10**400},
        {"learning_rate": np.complex128(1j)}, {"on_epoch": 5},
    ],
)  # fmt: skip
def test_bad_arguments_of_fit(arguments):
    with pytest.raises(DataError, match=next(iter(arguments))):
        models()[0].fit(X, y, **arguments)


@pytest.mark.parametrize("size", [0, -3, 2.5, "4", None])
def test_sizes_must_be_positive(size):
    for make in (
        lambda: LogisticRegression(size, 4),
        lambda: LogisticRegression(6, size),
        lambda: NeuralNet(6, size, 4),
        lambda: NeuralNet(6, (5, size), 4),
    ):
        with pytest.raises(DataError, match="whole number of at least 1"):
            make()


def test_unknown_names_and_seeds():
    with pytest.raises(UnknownNameError, match="did you mean 'sigmoid'"):
        NeuralNet(6, 5, 4, activation="sigmoyd")
    with pytest.raises(UnknownNameError, match="did you mean 'glorot_"):
        NeuralNet(6, 5, 4, init="glorot")
    with pytest.raises(UnknownNameError, match="Valid: uniform, constant, zeros"):
        LogisticRegression(6, 4, init="twos")
    with pytest.raises(DataError, match="seed"):
        NeuralNet(6, 5, 4, seed=-1)
    with pytest.raises(DataError, match="names no layer"):
        NeuralNet(6, (), 4)


def test_divergence_is_said_and_the_last_good_parameters_stay():
    model = LogisticRegression(6, 4, seed=0)
    losses = []
    with pytest.raises(DivergenceError, match=r"the loss is nan after epoch 1.*try a smaller"):
        model.fit(X * 1e200, y, epochs=3, on_epoch=lambda _, scores: losses.append(scores["loss"]))
    assert len(losses) == 1
    assert np.isfinite(model.W).all()
