"""The same calls give the same bits, whatever was compiled before, by this process or another."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr

SIZE, OTHERS = 32, (8, 64, 1)  # 150 rows: batches of 32 and of 64 leave the same rest
RUN = """
import hashlib, json, os, shutil, sys, warnings
import numpy as np, chainrule as cr
from chainrule.estimators import MLPClassifier

rng = np.random.default_rng(0)
X, y = rng.normal(size=(150, 100)), rng.integers(0, 3, 150)
shapes = {"W": (100, 100), "b": (100,), "V": (100, 3), "c": (3,)}
params = {name: rng.normal(size=shape) / 10 for name, shape in shapes.items()}


def loss(p, X, y):
    h = np.tanh(X @ p["W"] + p["b"])
    return -np.mean(cr.functions.log_softmax(h @ p["V"] + p["c"])[np.arange(len(y)), y])


def minimize(n):
    options = {"epochs": 2, "batch_size": n, "seed": 0, "engine": ENGINE}
    return [*cr.minimize(loss, params, X, y, optimizer="adam", **options)[0].values()]


def sequential(n):
    layers = [cr.layers.Dense(11, activation="tanh"), cr.layers.Dense(3, activation="softmax")]
    model = cr.Sequential(layers)
    model.compile(cr.optimizers.Adam(), "sparse_categorical_crossentropy", engine=ENGINE)
    model.fit(X[:, :7], y, epochs=2, batch_size=n, seed=0)
    return model.get_weights()


def estimator(n):
    options = {"batch_size": n, "random_state": 0, "max_iter": 2, "engine": ENGINE}
    model = MLPClassifier((11,), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        model.fit(X[:, :7], y)
    return [*model.coefs_, *model.intercepts_]


@cr.jit
def several(X, W):
    z = X @ W
    return np.mean(z), np.sum(X, axis=0), np.sum(np.tanh(z)), np.mean((X - X.mean(0)) ** 2, axis=0)


def jit(n):
    return several(X[:n], params["W"])


def digests(cache, engine, threads, *sizes):
    global ENGINE
    ENGINE = engine
    os.environ |= {"CHAINRULE_CACHE": cache, "CHAINRULE_NUM_THREADS": threads}
    for n in sizes:
        if n != sizes[0]:
            shutil.copytree(cache, f"{cache} before {n}")
        results = {run.__name__: run(n) for run in (minimize, sequential, estimator, jit)}
    whole = {name: b"".join(np.asarray(a).tobytes() for a in results[name]) for name in results}
    return {name: hashlib.sha256(content).hexdigest() for name, content in whole.items()}


# A process for each line, in which nothing has run; to import scikit-learn in each takes a second.
for line in sys.stdin:
    if not hasattr(os, "fork") or os.fork() == 0:
        print(json.dumps(digests(*json.loads(line))), flush=True)
        os._exit(0)
    if os.wait()[1]:
        print("{}", flush=True)
"""


@pytest.fixture(scope="module")
def digests():
    """Return digests of what runs of the last batch size give, in a process of its own."""
    environment, pipe = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, subprocess.PIPE
    servers = []

    def ask(cache, *sizes, threads=1, engine="compiled"):
        if not servers or not hasattr(os, "fork"):
            command = [sys.executable, "-c", RUN]
            servers.append(
                subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
            )
        request = json.dumps([str(cache), engine, str(threads), *sizes])
        print(request, file=servers[-1].stdin, flush=True)
        reply = json.loads(servers[-1].stdout.readline())
        assert reply, "the process failed"
        return reply

    yield ask
    for server in servers:
        server.communicate()


@pytest.fixture(scope="module")
def alone(digests, new_cache):
    """Return what a process gives with an empty cache, and that cache when it has ended."""
    cache = new_cache()
    return digests(cache, SIZE), cache


@pytest.mark.thorough  # the same for many structures
def test_with_a_full_cache(alone, digests):
    expected, cache = alone
    assert digests(cache, SIZE) == expected


@pytest.fixture(scope="module")
def after_others(digests, new_cache):
    """Return what a process gives after runs of other sizes, and its cache."""
    cache = new_cache()
    return digests(cache, *OTHERS, SIZE), cache


def test_after_other_batch_sizes(alone, after_others):
    assert after_others[0] == alone[0]


@pytest.mark.thorough  # one more order
def test_with_the_cache_that_all_sizes_leave(alone, after_others, digests):
    assert digests(after_others[1], SIZE) == alone[0]


@pytest.mark.thorough  # one more order
def test_after_other_batch_sizes_of_another_process(alone, after_others, digests):
    assert digests(f"{after_others[1]} before {SIZE}", SIZE) == alone[0]


def test_with_two_threads(alone, digests, new_cache):
    assert digests(new_cache(), SIZE, threads=2) == alone[0]


@pytest.mark.thorough
def test_in_numpy_after_other_batch_sizes(digests, new_cache):
    cache = new_cache()
    expected = digests(cache, SIZE, engine="numpy")
    assert digests(cache, *OTHERS, SIZE, engine="numpy") == expected


X = np.random.default_rng(0).normal(size=(150, 7))
W = np.random.default_rng(1).normal(size=(7, 11))
FUNCTIONS = {
    "sums": lambda X: (np.mean(X @ W), np.sum(X, axis=0), np.tanh(X @ W).sum()),
    "weights first": lambda W, X: np.mean((X @ W) ** 2, axis=0),
    "weights last": lambda X, W: np.mean((X @ W) ** 2, axis=0),
    "a dict": lambda p, X: np.mean((X @ p["W"]) ** 2, axis=0),
    "labels": lambda W, X, y: np.mean(cr.functions.log_softmax(X @ W)[np.arange(len(y)), y]),
}


def bits(jitted, name, n):
    rows = X[:n]
    arguments = {
        "sums": (rows,), "weights first": (W, rows), "weights last": (rows, W),
        "a dict": ({"W": W}, rows), "labels": (W, rows, np.arange(n) % 11),
    }[name]  # fmt: skip
    found = jitted(*arguments)
    return [np.asarray(each).tobytes() for each in (found if type(found) is tuple else (found,))]


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("before", [(5, 6), (64, 7, 33)])
def test_of_a_jitted_function_after_other_numbers_of_rows(name, before):
    after = cr.jit(FUNCTIONS[name])
    for n in before:
        bits(after, name, n)
    for n in (1, 7, 8, 16, 33, 100, 150):  # 7 and 11 are sizes of other axes
        assert bits(after, name, n) == bits(cr.jit(FUNCTIONS[name]), name, n), n


def test_one_kernel_serves_all_numbers_of_rows_but_one(new_cache, monkeypatch):
    cache = new_cache()
    monkeypatch.setenv("CHAINRULE_CACHE", str(cache))
    weight = np.pi  # of no other test

    def f(X):
        return np.tanh(X * weight).sum(axis=1)

    for rows, kernels in ((8, 1), (150, 1), (2, 1), (1, 2)):
        cr.jit(f)(X[:rows])
        assert len([*cache.glob("*.kernel")]) == kernels
