"""Text that Keras prints or writes: summaries, the lines of an epoch, tables of scores."""

import re

import keras
import numpy as np
import pytest

from chainrule import keras as own

X = np.random.default_rng(0).normal(size=(20, 4)).astype("f4")
Y = np.random.default_rng(1).normal(size=(20, 2)).astype("f4")


def chain(k):
    parts = [
        k.Input((4,), name="i"), k.layers.Dense(5, activation="relu", name="a"),
        k.layers.BatchNormalization(name="n"), k.layers.Dense(2, name="b"),
    ]  # fmt: skip
    model = k.Sequential(parts, name="m")
    model.compile("adam", "mse", metrics=["mae"])
    return model


def shared(k):
    start, layer = k.Input((4,), name="i"), k.layers.Dense(4, name="s")
    h = layer(start)
    both = k.layers.Concatenate(name="c")([h, layer(h)])
    model = k.Model(start, k.layers.Dense(2, name="o")(both), name="g")
    model.compile("sgd", "mse")
    return model


def nested(k):
    start = k.Input((4,), name="i")
    h = k.layers.Dense(4, name="d", trainable=False)(start)
    model = k.Model(start, chain(k)(h), name="outer")
    model.compile("rmsprop", "mse")
    return model


SUMMARIES = {
    "chain": (chain, {}),
    "shared": (shared, {}),
    "nested": (nested, {"expand_nested": True, "show_trainable": True}),
    "part": (chain, {"layer_range": ("n", "b"), "line_length": 60}),
    "columns": (chain, {"positions": [0.3, 0.6, 1.0]}),
}


@pytest.mark.parametrize("name", SUMMARIES)
def test_summaries_are_those_of_keras_before_and_after_training(name):
    build, options = SUMMARIES[name]
    texts = []
    for k in (keras, own):
        model, printed = build(k), []
        model.summary(print_fn=printed.append, **options)
        model.fit(X, Y, verbose=0)
        model.summary(print_fn=printed.append)
        texts.append([text.rstrip("\n") for text in printed])
    assert texts[0] == texts[1]


@pytest.mark.parametrize("verbose", [1, 2])
def test_lines_of_epochs_and_scores_are_those_of_keras(capsys, verbose):
    lines = []
    for k in (keras, own):
        model = chain(k)
        model.set_weights([np.full(weight.shape, 0.1, "f4") for weight in model.weights])
        model.fit(
            X, Y, epochs=2, batch_size=10, shuffle=False, verbose=verbose, validation_data=(X, Y)
        )
        model.evaluate(X, Y, verbose=verbose)
        shown = re.sub(r".*\r|.*\x08|\x1b\[\d+m", "", capsys.readouterr().out)  # of a growing bar
        lines.append(re.sub(r"\d+(s|ms|us)\b", "time", shown).replace(" \n", "\n"))
    assert lines[1] == lines[0]


@pytest.mark.parametrize("validated", [True, False])
def test_columns_of_the_table_of_scores_are_those_of_keras(validated, tmp_path):
    heads = []
    for k in (keras, own):
        path = tmp_path / f"{k.__name__}.csv"
        rate = k.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(added=1.0))
        chain(k).fit(
            X, Y, epochs=2, verbose=0, callbacks=[rate, k.callbacks.CSVLogger(path)],
            validation_data=(X, Y) if validated else None,
        )  # fmt: skip
        heads.append([re.sub(r"[\d.e-]+(?=,|$)", "", line) for line in path.read_text().split()])
    assert heads[0] == heads[1]
