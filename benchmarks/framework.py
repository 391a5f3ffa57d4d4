"""`fit` of the same program against Keras on JAX and on PyTorch: `make bench`.

A program is written once for Keras and run with the import line changed. Every run has a process
and, for chainrule, an empty cache of its own: *cold* is the first epoch with all that comes before
it, *warm* the median of the last five of twenty, or of six where they take long. Every epoch is a
`fit`. Writes `framework.md` beside this file.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from machine import empty_cache, measured_on

HERE = Path(__file__).parent
SUBJECTS = {
    "chainrule": ("chainrule.keras", "jax"),
    "Keras on JAX": ("keras", "jax"),
    "Keras on PyTorch": ("keras", "torch"),
}
WARM, MOST, LONG = 5, 20, 2.0  # epochs that count, and that there are; seconds


def convnet(keras: Any) -> tuple[Any, Any, Any]:
    """Return Keras's example for MNIST, on images of the same shape."""
    layers, rng = keras.layers, np.random.default_rng(0)
    model = keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, rng.random((2048, 28, 28, 1), np.float32), rng.integers(0, 10, 2048)


def embedding(keras: Any) -> tuple[Any, Any, Any]:
    """Return a bag of words: embedding and pooling over sequences of 80."""
    layers, rng = keras.layers, np.random.default_rng(0)
    model = keras.Sequential([
        keras.Input((80,), dtype="int32"),
        layers.Embedding(5000, 32),
        layers.GlobalAveragePooling1D(),
        layers.Dense(32, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, rng.integers(0, 5000, (4096, 80)), rng.integers(0, 2, 4096).astype("f4")


def lstm(keras: Any) -> tuple[Any, Any, Any]:
    """Return an LSTM of 80 steps and 64 units over embedded words."""
    layers, rng = keras.layers, np.random.default_rng(0)
    model = keras.Sequential([
        keras.Input((80,), dtype="int32"),
        layers.Embedding(5000, 64),
        layers.LSTM(64),
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, rng.integers(0, 5000, (1024, 80)), rng.integers(0, 2, 1024).astype("f4")


def autoencoder(keras: Any) -> tuple[Any, Any, Any]:
    """Return a dense autoencoder as a chain."""
    layers, rng = keras.layers, np.random.default_rng(0)
    model = keras.Sequential([
        keras.Input((784,)),
        layers.Dense(128, activation="relu"),
        layers.Dense(32, activation="relu"),
        layers.Dense(128, activation="relu"),
        layers.Dense(784, activation="sigmoid"),
    ])  # fmt: skip
    model.compile("adam", "binary_crossentropy")
    x = rng.random((4096, 784), np.float32)
    return model, x, x


PROGRAMS = {
    "MNIST convnet": (convnet, 128),
    "embedding + pooling": (embedding, 32),
    "LSTM, 80 steps × 64": (lstm, 32),
    "dense autoencoder": (autoencoder, 256),
}


def timed(program: str, module: str) -> dict[str, Any]:
    """Return the seconds of the first epoch, and the median of the last ones."""
    build, batch_size = PROGRAMS[program]
    keras = importlib.import_module(module)
    began = time.perf_counter()
    model, x, y = build(keras)
    seconds: list[float] = []
    while len(seconds) <= WARM or (len(seconds) < MOST and sum(seconds) < LONG):
        history = model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0)
        now = time.perf_counter()
        seconds.append(now - began)
        began = now
    loss = float(history.history["loss"][-1])
    return {"cold": seconds[0], "warm": statistics.median(seconds[-WARM:]), "loss": loss}


def run(program: str, subject: str) -> dict[str, Any]:
    """Return what a process of its own measures."""
    module, backend = SUBJECTS[subject]
    with empty_cache() as cache:
        environment = {**os.environ, "KERAS_BACKEND": backend, "CHAINRULE_CACHE": cache}
        found = subprocess.run(
            [sys.executable, __file__, "--one", program, module],
            env=environment, capture_output=True, text=True, check=True, timeout=600,
        )  # fmt: skip
    result: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Measure all, in rounds, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(timed(*options.one)))
        return
    compileall.compile_dir(HERE.parent / "src", quiet=2)  # as pip does
    rows = []
    for program in PROGRAMS:
        rounds = [
            {subject: run(program, subject) for subject in SUBJECTS} for _ in range(options.rounds)
        ]
        for kind in ("warm", "cold"):
            median = {s: statistics.median(each[s][kind] for each in rounds) for s in SUBJECTS}
            best = min(seconds for s, seconds in median.items() if s != "chainrule")
            cells = [f"{seconds:.3f}" for seconds in median.values()]
            ratio = f"{best / median['chainrule']:.2f} ×"
            rows.append([f"{program}, {kind}", *cells, ratio])
            print(*rows[-1], sep=" | ", flush=True)
    head = ["", *(f"{subject}, s" for subject in SUBJECTS), "against the better backend"]
    table = "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
    measured = measured_on("keras", "jax", "torch")
    (HERE / "framework.md").write_text(f"{measured}\n\n{table}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
