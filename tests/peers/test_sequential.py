"""Whole training runs, with Keras as the judge: from the same weights to the same weights."""

import keras
import numpy as np
import pytest

import chainrule as cr

pytestmark = pytest.mark.usefixtures("exact_judge")
EPOCHS = 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 6))
IMAGES = RNG.normal(size=(80, 6, 6, 1))
LABELS = RNG.integers(3, size=80)
ONE_HOT = np.eye(3)[LABELS]
BINARY = (X[:, :1] + X[:, 1:2] ** 2 > 0.5).astype(float)
VALUES = np.stack([X[:, 0] * X[:, 1], X[:, 2]], axis=1)
WEIGHTS = RNG.uniform(0.2, 2, size=80)


def dense(of, outputs, activation=None):
    return [of.Dense(8, activation="tanh"), of.Dense(outputs, activation=activation)]


def normalised(of, outputs):
    return [of.Dense(8, use_bias=False), of.BatchNormalization(momentum=0.7), of.Activation("relu"),
            of.Dense(outputs)]  # fmt: skip


def convolved(of, outputs):
    return [
        of.Conv2D(4, 3, padding="same", activation="relu"), of.BatchNormalization(momentum=0.7),
        of.MaxPooling2D(), of.Flatten(), of.Dense(outputs, activation="softmax"),
    ]  # fmt: skip


def penalised(of, outputs):
    return [
        of.Dense(8, activation="tanh", kernel_regularizer="l2"),
        of.LayerNormalization(gamma_regularizer="l1"),
        of.Dense(outputs, kernel_regularizer="l1", bias_regularizer="l2"),
    ]


def scheduled(module):
    return module.optimizers.SGD(
        module.optimizers.schedules.ExponentialDecay(0.2, 2, 0.7, staircase=True)
        if module is keras
        else cr.schedules.ExponentialDecay(0.2, 2, 0.7, staircase=True)
    )


# Layers, targets, optimizer, loss, metrics, and the arguments of fit.
RUNS = {
    "softmax": (
        lambda of: dense(of, 3, "softmax"),
        (X, LABELS),
        lambda module: module.optimizers.SGD(0.5),
        lambda module: "sparse_categorical_crossentropy",
        lambda module: ["accuracy", "sparse_categorical_crossentropy"],
        {"validation_split": 0.3},
    ),
    "class weights": (
        lambda of: dense(of, 3),
        (X, LABELS),
        lambda module: module.optimizers.SGD(0.3, momentum=0.9, nesterov=True),
        lambda module: module.losses.SparseCategoricalCrossentropy(from_logits=True),
        lambda module: ["accuracy"],
        {"class_weight": {0: 0.3, 2: 2.0}, "validation_data": (X[:32], LABELS[:32])},
    ),
    "sample weights": (
        lambda of: dense(of, 1, "sigmoid"),
        (X, BINARY),
        lambda module: module.optimizers.Adam(0.01),
        lambda module: "binary_crossentropy",
        lambda module: [
            "accuracy",
            module.metrics.AUC(name="auc"),
            module.metrics.Precision(name="precision"),
        ],
        {
            "sample_weight": WEIGHTS,
            "validation_data": (X[:32], BINARY[:32], WEIGHTS[:32]),
        },
    ),
    "label smoothing": (
        lambda of: normalised(of, 3),
        (X, ONE_HOT),
        lambda module: module.optimizers.Adam(0.01, amsgrad=True),
        lambda module: module.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=0.2
        ),
        lambda module: ["accuracy"],
        {"batch_size": 20, "validation_split": 0.25},
    ),
    "images": (
        lambda of: convolved(of, 3),
        (IMAGES, LABELS),
        scheduled,
        lambda module: "sparse_categorical_crossentropy",
        lambda module: ["accuracy"],
        {"validation_data": (IMAGES[:32], LABELS[:32])},
    ),
    "regression": (
        lambda of: penalised(of, 2),
        (X, VALUES),
        lambda module: module.optimizers.RMSprop(0.01),
        lambda module: "mse",
        lambda module: ["mae"],
        {"validation_split": 0.2, "sample_weight": WEIGHTS},
    ),
}  # fmt: skip


def made(name):
    """Return the model of each library, with the same weights, and what to fit it with."""
    layers, (x, y), optimizer, loss, metrics, arguments = RUNS[name]
    models = []
    for module, seeded in ((cr, {"seed": 0, "dtype": "float64"}), (keras, {})):
        model = module.Sequential(layers(module.layers), **seeded)
        model.build((None, *x.shape[1:]))
        weighted = ["mae"] if name == "sample weights" else None
        model.compile(
            optimizer(module), loss(module), metrics=metrics(module), weighted_metrics=weighted
        )
        models.append(model)
    ours, theirs = models
    rng = np.random.default_rng(1)
    start = [w + rng.uniform(0, 0.1, w.shape) for w in ours.get_weights()]
    for model in models:
        model.set_weights(start)
    return ours, theirs, (x, y), arguments


def test_metrics_of_the_same_name_are_called_as_in_keras():
    model = cr.Sequential([cr.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae", "mae"], weighted_metrics=["mae", "mae", "mse"])
    names = ["loss", "mae", "mae_1", "weighted_mae", "weighted_mae_1", "mse"]
    assert list(model.train_on_batch(X, BINARY, return_dict=True)) == names
    assert list(model.fit(X, BINARY, verbose=0).history) == sorted(names)


def assert_close(found, expected, **options):
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10, **options)


def assert_same_weights(ours, theirs):
    for a, b in zip(ours.get_weights(), [np.asarray(w.value) for w in theirs.weights], strict=True):
        assert_close(a, b)


@pytest.mark.parametrize("name", RUNS)
def test_training_ends_where_that_of_keras_ends(name):
    ours, theirs, data, arguments = made(name)
    arguments = {"epochs": EPOCHS, "shuffle": False, "verbose": 0} | arguments
    history = ours.fit(*data, **arguments).history
    expected = theirs.fit(*data, **arguments).history
    assert list(history) == list(expected)
    for score, values in history.items():
        assert_close(values, expected[score], err_msg=score)
    assert_same_weights(ours, theirs)
    x, y = data[0][:32], data[1][:32]
    assert_close(ours.predict(x), theirs.predict(x, verbose=0))
    assert_close(ours.evaluate(x, y), theirs.evaluate(x, y, verbose=0))
    theirs.reset_metrics()
    assert_close(ours.train_on_batch(x, y), theirs.train_on_batch(x, y))
    assert_same_weights(ours, theirs)
