"""The same calls give the same bits, whatever was compiled before, by this process or another."""

import os
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr

SIZE, OTHERS = 32, (8, 64, 150, 1)  # 150 rows: batches of 32 and of 64 leave the same rest
RUN = """
import hashlib, sys, warnings
import numpy as np, chainrule as cr

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
    model = cr.estimators.MLPClassifier((11,), **options)
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


ENGINE, *sizes = sys.argv[1:]
for run in minimize, sequential, estimator, jit:
    for n in map(int, sizes):
        arrays = run(n)
    whole = b"".join(np.asarray(array).tobytes() for array in arrays)
    print(run.__name__, hashlib.sha256(whole).hexdigest())
"""


def digests(cache, *sizes, threads=1, engine="compiled"):
    """Return digests of what runs of the last batch size give, in a process of its own."""
    environment = os.environ | {
        "CHAINRULE_CACHE": str(cache), "CHAINRULE_NUM_THREADS": str(threads),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    command = [sys.executable, "-c", RUN, engine, *map(str, sizes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Return what a process gives with an empty cache, and that cache."""
    cache = tmp_path_factory.mktemp("alone")
    return digests(cache, SIZE), cache


def test_with_a_full_cache(alone):
    expected, cache = alone
    assert digests(cache, SIZE) == expected


def test_after_other_batch_sizes(alone, tmp_path):
    assert digests(tmp_path, *OTHERS, SIZE) == alone[0]
    assert digests(tmp_path, SIZE) == alone[0]  # with the cache that they leave


def test_after_other_batch_sizes_of_another_process(alone, tmp_path):
    digests(tmp_path, *OTHERS)
    assert digests(tmp_path, SIZE) == alone[0]


def test_with_two_threads(alone, tmp_path):
    assert digests(tmp_path, SIZE, threads=2) == alone[0]


def test_in_numpy_after_other_batch_sizes(tmp_path):
    expected = digests(tmp_path, SIZE, engine="numpy")
    assert digests(tmp_path, *OTHERS, SIZE, engine="numpy") == expected


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


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("before", [(5, 6), (64, 7, 33)])
def test_of_a_jitted_function_after_other_numbers_of_rows(name, before):
    after = cr.jit(FUNCTIONS[name])
    for n in before:
        bits(after, name, n)
    for n in (1, 7, 8, 16, 33, 100, 150):  # 7 and 11 are sizes of other axes
        assert bits(after, name, n) == bits(cr.jit(FUNCTIONS[name]), name, n), n


def test_one_kernel_serves_all_numbers_of_rows_but_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path))
    weight = np.pi  # of no other test

    def f(X):
        return np.tanh(X * weight).sum(axis=1)

    for rows, kernels in ((8, 1), (150, 1), (2, 1), (1, 2)):
        cr.jit(f)(X[:rows])
        assert len([*tmp_path.glob("*.kernel")]) == kernels
