import functools
import os
import subprocess
import sys
import types
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import chainrule as cr
from chainrule._src.sweeps.fingerprint import about, fingerprint

ROOT = Path(__file__).parents[2]


def closure(value):
    def build(rate):
        return rate, value

    return build


def default(value):
    def build(rate, size=value):
        return rate, size

    return build


def within(value):
    return lambda rate: [value for _ in range(3)]


def of_a_class(value):
    class Own:
        size = value

        def __call__(self, rate):
            return rate

    return Own()


def state(value):
    made = types.SimpleNamespace()
    made.parts = {"size": [value, made]}  # within itself
    return made


def through_a_global(value):
    space = {"SIZE": value}
    exec("def size(): return SIZE\ndef build(rate): return [size() for _ in range(2)]", space)
    return space["build"]


def constant(value):
    space = {}
    exec(f"def build(rate): return rate * {value!r}", space)
    return space["build"]


def used(value):
    space = {"own": types.ModuleType("own")}
    space["own"].size = value
    exec("def build(rate): return own.size", space)
    return space["build"]


MAKERS = [
    closure, default, within, of_a_class, state, through_a_global, constant, used,
    lambda v: functools.partial(closure, v), lambda v: functools.partial(closure, value=v),
    lambda v: closure(closure(v)), lambda v: closure(v).__get__(3), lambda v: [v, "a"],
    lambda v: np.array([1, v]), lambda v: np.array([1, v, "a"], object),
    lambda v: {3, v, *"bcdefghi"},  # so many that two processes have them in other orders
    lambda v: DecisionTreeClassifier(max_depth=v), lambda v: OrderedDict(size=v),
    lambda v: make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=v)),
    lambda v: cr.optimizers.SGD(0.1 * v), lambda v: [cr.layers.Dense(v)], lambda v: np.float32(v),
    lambda v: cr.Sequential([cr.layers.Dense(v), cr.layers.Dropout(0.5)]), lambda v: slice(v),
    lambda v: pandas.DataFrame({"a": [1, v]}), lambda v: pandas.DataFrame({f"a{v}": [1, 2]}),
    lambda v: pandas.Series(["x", str(v)]), lambda v: np.random.default_rng(v),
    lambda v: functools.lru_cache(closure(v)), lambda v: Path(str(v)), lambda v: range(v),
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
def test_what_is_made_alike_is_alike_and_else_is_not(make):
    assert fingerprint(make(2)) == fingerprint(make(2))
    assert fingerprint(make(2)) != fingerprint(make(64))
    assert len(fingerprint(make(64))) < 300


def test_what_differs_far_inside_of_long_things_is_told():
    long = {f"name {i}": list(range(50)) for i in range(100)}
    other = {**long, "name 99": [*range(49), 0]}
    assert fingerprint(closure(long)) != fingerprint(closure(other))


def test_what_is_deep_is_read_as_far_as_it_goes():
    deep = [2]
    for _ in range(10**5):
        deep = [deep]
    assert fingerprint(closure(deep)) == fingerprint(closure(deep))
    assert fingerprint(closure(deep)) != fingerprint(closure(deep[0][0] + [3]))


def test_comments_change_nothing():
    def build(rate):
        return rate * 2

    first = fingerprint(build)

    def build(rate):
        # twice
        return rate * 2

    assert fingerprint(build) == first


def test_values_are_as_json_has_them():
    assert about({"a": (1, np.float32(0.5), None), "b": [True]}) == {
        "a": [1, 0.5, None], "b": [True]
    }  # fmt: skip
    assert about([DecisionTreeClassifier]) == ["sklearn.tree._classes.DecisionTreeClassifier"]


@pytest.mark.thorough  # several processes
def test_other_processes_say_the_same():
    code = "from tests.sweeps.test_fingerprint import *\nfor m in MAKERS: print(fingerprint(m(2)))"
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"  # another than here
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    ).stdout  # fmt: skip
    assert said.splitlines() == [fingerprint(make(2)) for make in MAKERS]
