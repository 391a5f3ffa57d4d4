"""What callbacks write down and when they are called, with Keras as the judge."""

import csv

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nn.callbacks.test_records import Diary, X, Y, model, noted

import chainrule as cr
from chainrule._src.nn.callbacks.callback import EVENTS

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.fixed_dictionaries({"loss": FINITE, "val_loss": FINITE}), min_size=1, max_size=5)


@settings(max_examples=20)
@given(ROWS, ROWS, st.sampled_from(",;\t"), st.booleans())
def test_rows_are_those_that_keras_writes(tmp_path_factory, first, second, separator, append):
    folder = tmp_path_factory.mktemp("csv")
    tables = []
    for module in (cr, keras):
        path = folder / module.__name__
        for run in (first, second):
            logger = module.callbacks.CSVLogger(str(path), separator, append)
            logger.on_train_begin()
            for epoch, scores in enumerate(run):
                logger.on_epoch_end(epoch, scores)
            logger.on_train_end()
        with path.open(newline="") as file:
            tables.append(list(csv.DictReader(file, delimiter=separator)))
    assert tables[0] == tables[1]
    assert len(tables[0]) == len(second) + append * len(first)


def keras_diary():
    diary = keras.callbacks.Callback()
    diary.events = []
    for name in EVENTS:
        if hasattr(diary, name):
            setattr(diary, name, noted(name).__get__(diary))
    return diary


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_events_come_in_keras_order(engine):
    diary, theirs = Diary(), keras_diary()
    made = model()
    made.compile("sgd", "sparse_categorical_crossentropy", engine=engine)
    made.fit(X, Y, epochs=2, verbose=0, callbacks=[diary])
    judge = keras.Sequential([keras.layers.Dense(3, activation="softmax")])
    judge.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    judge.fit(X, Y, epochs=2, verbose=0, callbacks=[theirs])
    assert [event for event in diary.events if event[0] != "on_epoch_kept"] == theirs.events
    assert sum(event[0] == "on_train_batch_end" for event in diary.events) == 4
