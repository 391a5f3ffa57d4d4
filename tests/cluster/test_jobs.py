"""What is trained, as it travels: all that tells jobs apart, and code of the user's own."""

import pickle

import cloudpickle
import numpy as np
import pytest

import chainrule as cr
from chainrule._src.cluster import job as jobs
from chainrule._src.cluster.job import Job, described
from tests.cluster.models import X, Y, assert_same, fitted, network

# As in a notebook: no module that another process could import.
CELL = """
import chainrule as cr

CONST = 2.0

class Times(cr.layers.Layer):
    def call(self, x):
        return x * CONST

def far(y_true, y_pred):
    return CONST * (y_true - y_pred) ** 2
"""


@pytest.fixture
def cell():
    found = {"__name__": "__main__"}
    exec(CELL, found)
    return found


@pytest.mark.parametrize(
    "change",
    [{"batch_size": 8}, {"updates": 9}, {"class_weight": {0: 2.0}}, {"text": "{}"},
     {"classes": np.array(["no", "yes"])}, {"classes": np.array([1, 2])},
     {"classes": np.array([0.0, 1.0])}],
)  # fmt: skip
def test_jobs_that_make_something_else_ready_have_other_names(change):
    text, code = described(network())
    usual = {"text": text, "code": code, "batch_size": 16, "updates": 1, "seed": 0,
             "class_weight": {0: 1.0}, "classes": np.array([0, 1])}  # fmt: skip
    assert Job(**usual).name == Job(**usual | {"seed": 1}).name
    assert Job(**usual).name != Job(**usual | change).name


def test_labels_may_be_others_in_the_next_fit(client):
    how = {"hidden_layer_sizes": (8,), "max_iter": 2, "shards": 2, "random_state": 0}
    for where in (None, client):
        for labels in (Y, np.array(["ash", "elm", "oak"])[Y], Y * 2.0):
            classifier = cr.estimators.DaskMLPClassifier(**how)
            classifier.client = where
            classifier.fit(X, labels)
            assert set(classifier.predict(X)) <= set(labels)


def losses(model):
    return model.history.history["loss"]


def test_classes_of_a_notebook_stay_what_they_are(cell):
    """The same object, whose methods read the globals that there are by now."""
    times = cell["Times"]
    before, call = dict(vars(times)), times.call

    def model():
        return network(more=[times()], engine="numpy")

    seen = []
    for const in (2.0, 7.0):
        cell["CONST"] = const
        seen.append(losses(fitted(model=model(), shards=1, shuffle=False)))
        plain = model()
        plain.fit(X, Y, batch_size=16, epochs=2, shuffle=False)
        assert losses(plain) == seen[-1]
        assert times.call is call
        assert {name: vars(times)[name] for name in before} == before
    assert seen[0] != seen[1]
    text, code = described(model())
    again = pickle.loads(cloudpickle.dumps(Job(text, code, 16, 1, 0)))  # a worker in this process
    assert again.code.objects[1]["__main__>Times"] is times
    assert times.call is call


def test_globals_of_code_in_modules_may_change(monkeypatch):
    def model():
        return network(more=[Scaled()], engine="numpy")

    first = fitted(model=model(), epochs=1)
    monkeypatch.setitem(globals(), "FACTOR", 5.0)
    assert losses(first) != losses(fitted(model=model(), epochs=1))


FACTOR = 1.5


class Scaled(cr.layers.Layer):
    def call(self, x):
        return x * FACTOR


def bent(x):
    return np.maximum(x, 0.1 * x)


def test_functions_of_ones_own_travel(client, cell):
    """Losses, metrics and activations, of a module and of a notebook, registered or not."""

    def model():
        made = cr.Sequential(
            [cr.layers.Input((6,)), cr.layers.Dense(8, bent), cr.layers.Dense(1)], seed=0
        )
        made.compile("adam", cell["far"], metrics=[cell["far"], "mae"])
        return made

    y = X[:, :1] ** 2
    here = fitted(X, y, model())
    assert_same(here, fitted(X, y, model(), client=client))
    plain = model()
    plain.fit(X, y, batch_size=16, epochs=2, shuffle=False)
    assert losses(plain) == losses(fitted(X, y, model(), shards=1, shuffle=False))


def test_two_functions_of_one_name_are_refused(cell):
    other = dict(cell)
    exec(CELL, other)
    model = network()
    model.compile("adam", cell["far"], metrics=[other["far"]])
    with pytest.raises(cr.errors.DataError, match="two functions of your own are called 'far'"):
        described(model)


def test_the_engine_is_chosen_by_the_updates_of_all_shards(monkeypatch):
    asked, make = [], jobs.make_run

    def noted(objective, step, supply, engine, updates, *more, **options):
        asked.append(updates)
        return make(objective, step, supply, engine, updates, *more, **options)

    monkeypatch.setattr(jobs, "make_run", noted)
    network().fit(X[:90], Y[:90], epochs=3, batch_size=8, shards=3, verbose=0)
    assert asked == [3 * 3 * 4]  # epochs, shards, batches of 30 rows
