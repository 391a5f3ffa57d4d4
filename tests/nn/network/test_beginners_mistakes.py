"""Mistakes of beginners: the message says what was expected, what came, and what to do."""

import numpy as np
import pytest

from chainrule import keras

layers = keras.layers
X = np.random.default_rng(0).normal(size=(12, 4)).astype("f4")
LABELS = np.arange(12) % 3
SPARSE = keras.losses.SparseCategoricalCrossentropy


def compiled(units, activation, loss, **options):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Dense(units, activation=activation)(inputs))
    model.compile("adam", loss, **options)
    return model


def two_inputs():
    a, b = keras.Input((4,), name="a"), keras.Input((2,), name="b")
    model = keras.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])))
    model.compile("adam", "mse")
    return model


def unflattened():
    inputs = keras.Input((6, 6, 1))
    head = layers.Dense(3, activation="softmax")(layers.Conv2D(2, 3)(inputs))
    model = keras.Model(inputs, head)
    model.compile("adam", SPARSE())
    return model


class ReturnsNothing(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, x):
        self.dense(x)


MISTAKES = {
    "labels from one": (
        lambda: compiled(3, "softmax", SPARSE()).fit(X, LABELS + 1),
        "for the 3 outputs .* from 0 to 2, received 3 in row 2; number classes from 0",
    ),
    "two classes, one output": (
        lambda: compiled(1, "sigmoid", SPARSE()).fit(X, LABELS % 2),
        "one output of the last layer.*received 1 in row 1; .*binary_crossentropy",
    ),
    "numbers for one-hot rows": (
        lambda: compiled(3, "softmax", "categorical_crossentropy").fit(X, LABELS),
        r"received \(12,\) and \(12, 3\); encode class numbers with .*to_categorical",
    ),
    "no loss": (
        lambda: compiled(3, "softmax", None, metrics=["accuracy"]).fit(X, LABELS),
        r"compiled without a loss.*write compile\(optimizer, loss='mse'\)",
    ),
    "one array for two inputs": (
        lambda: two_inputs().fit(X, LABELS),
        r"expected 2 inputs \(a, b\), received 1; give a list of arrays, or a dict",
    ),
    "arrays in place of Input": (lambda: keras.Model(X, layers.Dense(1)(X)), "begin with keras.In"),
    "a layer as output": (
        lambda: keras.Model(keras.Input((4,)), layers.Dense(3)),
        "call the layer",
    ),
    "two arguments for a merge": (
        lambda: layers.Concatenate()(keras.Input((4,)), keras.Input((4,))),
        r"as in Concatenate\(\)\(\[a, b\]\)",
    ),
    "lengths for Add": (
        lambda: layers.Add()([keras.Input((4,)), keras.Input((3,))]),
        r"equally long in axis 1, received \(n, 4\), \(n, 3\)",
    ),
    "lengths for Concatenate": (
        lambda: layers.Concatenate()([keras.Input((4, 2)), keras.Input((3, 5))]),
        r"equally long in axis 1, received \(n, 4, 2\), \(n, 3, 5\)",
    ),
    "no Flatten": (
        lambda: unflattened().fit(np.zeros((12, 6, 6, 1)), LABELS),
        "put a Flatten or a GlobalAveragePooling before the last Dense",
    ),
    "no return": (lambda: ReturnsNothing().predict(X), "call returns nothing; write return"),
    "output of a class": (lambda: ReturnsNothing().output, r"keras.Model\(x, model\(x\)\)"),
    "class of a callback": (
        lambda: compiled(1, None, "mse").fit(X, X, callbacks=[keras.callbacks.EarlyStopping]),
        r"call the class, as in EarlyStopping\(\)",
    ),
    "class of an optimizer": (
        lambda: compiled(1, None, "mse").compile(keras.optimizers.Adam, "mse"),
        r"call the class, as in Adam\(\)",
    ),
    "metrics as text": (
        lambda: compiled(1, None, "mse", metrics="mae"),
        r"a list such as \['mae'\]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_the_message_says_what_to_do(name):
    use, message = MISTAKES[name]
    with pytest.raises(Exception, match=message):
        use()


@pytest.mark.parametrize(("activation", "loss", "message"), [
    ("softmax", SPARSE(from_logits=True), "leave out from_logits=True"),
    ("softmax", SPARSE(), None),
    (None, SPARSE(from_logits=True), None),
])  # fmt: skip
def test_a_last_activation_that_does_not_go_with_the_loss_gives_a_warning(
    activation, loss, message, recwarn
):
    compiled(3, activation, loss).fit(X, LABELS, verbose=0)
    texts = [str(warning.message) for warning in recwarn]
    assert len(texts) == (message is not None)
    assert all(message in text for text in texts)
