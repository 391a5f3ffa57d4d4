"""Training and prediction against the peers, all in one run: `make bench`.

A round trains every peer once, in turn; medians over the rounds are reported, and ratios within
each round. Writes `training.md` and `training.png` beside this file.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import argparse
import json
import statistics
import sys
import time
import timeit
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import chainrule as cr
import peers
from machine import measured_on, results
from workloads import LAB, WORKLOADS, Dense, Normalised, Numpy, Workload, loss_of

HERE = Path(__file__).parent
A, B, C, D, F, G, H, J = (WORKLOADS[letter] for letter in "ABCDFGHJ")
SUBJECTS = {
    "chainrule": peers.chainrule, "the lab's NumPy": peers.lab, "JAX, scan": peers.jax,
    "JAX, a call an update": peers.jax, "FANN": peers.fann, "scikit-learn": peers.scikit_learn,
    "PyTorch": peers.pytorch,
}  # fmt: skip
AWAKE = 0.1  # seconds of runs that are not timed
# The slow are trained for fewer epochs: their time an update is the same.
FEWER = {"the lab's NumPy": 5, "scikit-learn": 5, "PyTorch": 5}
FLOORS = {
    A: {"the lab's NumPy": 60, "JAX, scan": 5.2, "FANN": 3, "scikit-learn": 150, "PyTorch": 150},
    B: {"JAX, scan": 3.1, "scikit-learn": 25, "PyTorch": 35},
    C: {"JAX, scan": 1.2, "scikit-learn": 5, "PyTorch": 4},
    D: {"JAX, scan": 1.15, "scikit-learn": 3, "PyTorch": 1.5},
    F: {"JAX, scan": 1.2},
    G: {"JAX, scan": 1.1},
    H: {"JAX, a call an update": None, "PyTorch": 1.2},
    J: {"JAX, scan": 2.5},
}


def agree() -> None:
    """See that chainrule and JAX have the same losses, epoch by epoch, in a short training."""
    for workload in WORKLOADS.values():
        small = workload.small()
        # Dropout draws differ; else only rounding does.
        rtol = 0.1 if isinstance(small.network, Normalised) else 2e-5
        ours, theirs = (f(small, shuffle=False)(2) for f in (peers.chainrule, peers.jax))
        np.testing.assert_allclose(ours, theirs, rtol=rtol, err_msg=workload.title)


def peak(threads: int) -> float:
    """Return the machine's largest rate of a float32 matrix product, in 1e9 operations a second."""
    a = np.random.default_rng(0).random((2048, 2048), dtype=np.float32)
    out = np.empty_like(a)
    with threadpool_limits(threads):
        seconds = min(timeit.repeat(lambda: np.dot(a, a, out), number=1, repeat=5))
    return 2 * 2048**3 / seconds / 1e9


def train(workload: Workload, rounds: int, budget: float, quick: bool) -> dict[str, list[float]]:
    """Return the seconds an update of every subject, round by round, at least one."""
    until = time.monotonic() + budget
    ready: dict[str, Any] = {}
    names, workload = ["chainrule", *FLOORS[workload]], workload.small() if quick else workload
    for name in names:
        subject = SUBJECTS[name](workload)
        if subject is not None:
            ready[name] = subject
    found: dict[str, list[float]] = {name: [] for name in ready}
    for turn in range(rounds + 1):
        if turn > 1 and time.monotonic() > until:
            break
        for name, subject in ready.items():
            epochs = max(1, workload.epochs // FEWER.get(name, 1))
            time.sleep(0.3)  # until the threads of the one before have gone to sleep
            began = time.perf_counter()
            while name not in FEWER and time.perf_counter() - began < AWAKE:
                subject(epochs)  # the processor and its caches awake again
            began = time.perf_counter()
            subject(epochs)
            seconds = (time.perf_counter() - began) / (epochs * workload.updates)
            if turn:  # the first is for warming up
                found[name].append(seconds)
    return found


def operations(workload: Workload) -> int:
    """Return how many operations the matrix products of an update take."""
    pairs = list(zip(workload.network.sizes, workload.network.sizes[1:], strict=False))
    forward = sum(a * b for a, b in pairs)
    return 2 * workload.batch_size * (3 * forward - pairs[0][0] * pairs[0][1])


def many(rounds: int) -> float:
    """Return how many times faster two threads train 64 copies of A than one."""
    loss, params, (X, y) = loss_of(LAB, Numpy), LAB.params(), A.data()

    def one(rate: float) -> Any:
        return cr.minimize(
            loss, params, X, y, optimizer=cr.optimizers.SGD(rate), epochs=A.epochs, batch_size=1,
            seed=0, engine="compiled",
        )  # fmt: skip

    rates = list(np.geomspace(0.001, 0.5, 64))
    ratios = []
    for _ in range(rounds):
        began = time.perf_counter()
        for rate in rates:
            one(rate)
        alone = time.perf_counter() - began
        with ThreadPoolExecutor(2) as threads:
            began = time.perf_counter()
            list(threads.map(one, rates))
            ratios.append(alone / (time.perf_counter() - began))
    return statistics.median(ratios)


def predict() -> list[tuple[str, float]]:
    """Return the microseconds of one prediction, subject by subject."""
    x = A.data()[0][:1].copy()
    subjects = peers.predictors(LAB.params(), x)
    expected = subjects["chainrule, cr.jit"]()
    for name, f in subjects.items():
        np.testing.assert_allclose(np.asarray(f()), expected, atol=1e-5, err_msg=name)
    found = []
    for name, f in subjects.items():
        number = max(20, int(0.05 / (timeit.timeit(f, number=20) / 20)))
        found.append((name, statistics.median(timeit.repeat(f, number=number, repeat=7)) / number))
    return [(name, seconds * 1e6) for name, seconds in found]


def growth() -> dict[str, tuple[list[float], list[float]]]:
    """Return the seconds of training as rows, epochs and width² grow."""
    found = {}
    base = {"rows": 1527, "epochs": 15, "width": 32}
    steps = {"rows": [2000, 4000, 8000, 16000], "epochs": [15, 30, 60, 120],
             "width": [64, 96, 128, 192, 256]}  # fmt: skip
    for axis, sizes in steps.items():
        xs, ys = [], []
        for size in sizes:
            given = {**base, axis: size}
            wide = axis == "width"
            shape = (given["width"],) * 3 if wide else (64, 10, 10)
            rng = np.random.default_rng(0)
            X = rng.random((512 if wide else given["rows"], shape[0]), dtype=np.float32)
            y = rng.integers(0, shape[-1], len(X))
            network = Dense(shape, "sigmoid")
            loss, params = loss_of(network, Numpy), network.params()
            times = []
            for turn in range(6):
                began = time.perf_counter()
                cr.minimize(loss, params, X, y, batch_size=32, epochs=given["epochs"], seed=0,
                            engine="compiled")  # fmt: skip
                if turn:
                    times.append(time.perf_counter() - began)
            xs.append(float(size**2 if wide else size))
            ys.append(statistics.median(times))
        found[axis] = xs, ys
    return found


def draw(ratios: dict[str, dict[str, float]], lines: Any, path: Path) -> None:
    """Draw the ratios and the growth."""
    import matplotlib.pyplot as plt

    figure, (bars, *plots) = plt.subplots(1, 4, figsize=(17, 4), width_ratios=[2.4, 1, 1, 1])
    labels = [f"{key}: {name}" for key, row in ratios.items() for name in row]
    values = [value for row in ratios.values() for value in row.values()]
    shades = [f"C{i}" for i, row in enumerate(ratios.values()) for _ in row]
    bars.barh(labels[::-1], values[::-1], color=shades[::-1])
    bars.set_xscale("log")
    bars.axvline(1, color="grey", linewidth=1)
    bars.set_title("how many times longer an update takes than in chainrule", fontsize=10)
    for spot, value in enumerate(values[::-1]):
        bars.text(value, spot, f" {value:.3g}", va="center", fontsize=8)
    bars.set_xlim(0.5, max(values) * 3)
    names = {"rows": "rows", "epochs": "epochs", "width": "width²"}
    for ax, (axis, (xs, ys)) in zip(plots, lines.items(), strict=True):
        slope, offset = np.polyfit(xs, ys, 1)
        ax.plot(xs, ys, "o")
        ax.plot([0, *xs], [offset + slope * x for x in [0, *xs]], color="grey", linewidth=1)
        ax.set_xlabel(names[axis])
        ax.set_ylabel("seconds")
        ax.set_xlim(0)
        ax.set_ylim(0)
    for ax in (bars, *plots):
        ax.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def training_table(
    raw: dict[str, dict[str, list[float]]], rounds: int, budget: float, quick: bool, rate: float
) -> tuple[list[str], dict[str, dict[str, float]]]:
    """Return the table's lines and the ratios that are drawn; put every round's seconds in raw."""
    lines = ["| workload | subject | µs an update | × chainrule | at least |",
             "|---|---|---|---|---|"]  # fmt: skip
    ratios: dict[str, dict[str, float]] = {}
    for workload in FLOORS:
        print(f"{workload.title} ...", file=sys.stderr, flush=True)
        found = raw[workload.title] = train(workload, rounds, budget / len(FLOORS), quick)
        row = ratios.setdefault(workload.title[0], {})
        for name, seconds in found.items():
            ratio = statistics.median(
                s / c for s, c in zip(seconds, found["chainrule"], strict=True)
            )
            title = workload.title if name == "chainrule" else ""
            floor = FLOORS[workload].get(name) or ""
            us = statistics.median(seconds) * 1e6
            shown = f"{us:.0f}" if us >= 100 else f"{us:.3g}"
            lines.append(f"| {title} | {name} | {shown} | {ratio:.3g} | {floor} |")
            if name != "chainrule":
                row[name] = ratio
        if workload is D:
            reached = operations(D) / statistics.median(found["chainrule"]) / 1e9
            share = reached / rate * 100
            lines.append(
                f"| | share of the peak rate | {reached:.0f} GFLOP/s | {share:.0f} % | 55 % |"
            )
    return lines, ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=160, help="after which no round begins")
    parser.add_argument("--quick", action="store_true", help="small and once: does it run?")
    parser.add_argument("--out", type=Path, help="folder for the results")
    given = parser.parse_args()
    rounds = 1 if given.quick else given.rounds
    out = given.out or results(given.quick)
    agree()
    both, one = peak(2), peak(1)
    packages = "numpy", "llvmlite", "jax", "scikit-learn", "torch", "keras", "onnxruntime"
    measured = (
        f"{measured_on(*packages)}; up to {rounds} rounds. The largest rate of a float32 matrix "
        f"product (2048³) here: {both:.0f} GFLOP/s with two threads, {one:.0f} with one."
    )
    raw: dict[str, dict[str, list[float]]] = {}
    lines, ratios = training_table(raw, rounds, given.seconds, given.quick, both)
    print("E and the rest ...", file=sys.stderr, flush=True)
    lines.append(f"| E. 64 copies of A | two threads over one | | {many(rounds):.2f} | 1.85 |")
    lines += ["", "| one prediction, 64-10-10, one row | µs | × chainrule |", "|---|---|---|"]
    predicted = predict()
    for name, us in predicted:
        lines.append(f"| {name} | {us:.3g} | {us / predicted[0][1]:.3g} |")
    text = "\n".join([measured, "", *lines]) + "\n"
    print(text)
    (out / "training.md").write_text(text, encoding="utf-8")
    told = json.dumps({"machine": measured, "seconds an update": raw}, indent=1, ensure_ascii=False)
    (out / "training.json").write_text(told + "\n", encoding="utf-8")
    if not given.quick:
        draw(ratios, growth(), out / "training.png")


if __name__ == "__main__":
    main()
