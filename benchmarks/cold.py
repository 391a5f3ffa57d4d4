"""First runs against warm ones, each in a process of its own with an empty cache: `make bench`.

Also what the default engine takes against the better of both, and how compiling grows with depth.
The subjects take turns. Writes `cold.md`, `cold.json` and `depth.png` beside this file.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from machine import empty_cache, measured_on, results, self_check_seconds

HERE = Path(__file__).parent
# By workload: seconds that a first run may take beyond a warm one; all but the last also 1.5 × JAX.
LIMITS = {**dict.fromkeys("ABKFLMJN", 1.5), "P": 2.0}
COLD = "ABCDFGHJKLMNP"
DEFAULT = [*"ABCDFGJKLMNP", "B, one epoch", "K, one epoch", "N, one epoch"]
DEPTHS = (2, 4, 8, 16, 32)
Runs = dict[str, dict[str, list[dict[str, float]]]]  # workload → subject → rounds


def workload_of(key: str) -> Any:
    """Return a workload: by its letter, for one epoch, or of a depth such as "layers 8"."""
    import workloads

    kind, _, depth = key.partition(" ")
    if kind in ("layers", "steps"):
        return getattr(workloads, kind)(int(depth))
    found = workloads.WORKLOADS[key[0]]
    return replace(found, epochs=1) if key.endswith("one epoch") else found


def run_here(key: str, subject: str, quick: bool) -> dict[str, float]:
    """Return seconds: to import chainrule, of the first run, of a warm one."""
    began = time.perf_counter()
    import chainrule  # noqa: F401

    imported = time.perf_counter() - began
    import peers

    workload = workload_of(key).small() if quick else workload_of(key)
    train = peers.jax(workload) if subject == "JAX" else peers.chainrule(workload, subject)
    seconds: list[float] = []
    while len(seconds) < 2 or (len(seconds) < 4 and sum(seconds[1:]) < 0.5):
        began = time.perf_counter()
        train(workload.epochs)
        seconds.append(time.perf_counter() - began)
    warm = statistics.median(seconds[1:])
    return {"import": imported, "first": seconds[0], "warm": warm}


def run(key: str, subject: str, folder: str, quick: bool) -> dict[str, float]:
    """Return the same from a new process with a folder for machine code.

    Python keeps what it makes of sources, as it does for users.
    """
    env = {**os.environ, "CHAINRULE_CACHE": folder, "JAX_ENABLE_COMPILATION_CACHE": "false"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, __file__, "--run", key, subject, *(["--quick"] if quick else [])],
        env=env,
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def subjects_of(key: str) -> list[str]:
    """Return what runs a workload, in turn; "disk" comes after "compiled" and has its folder."""
    found = ["compiled", "disk"] if key in COLD else ["compiled"]
    if key in COLD or key not in DEFAULT:
        found.append("JAX")
    return [*found, "auto", "numpy"] if key in DEFAULT else found


def measure(keys: Iterable[str], rounds: int, budget: float, quick: bool) -> Runs:
    """Return runs of every workload, round by round; the first round is always whole."""
    keys, until = list(keys), time.monotonic() + budget
    compileall.compile_dir(HERE.parent / "src", quiet=2)
    found: Runs = {key: {subject: [] for subject in subjects_of(key)} for key in keys}
    for turn in range(rounds):
        for key in keys:
            if turn and time.monotonic() > until:
                return found
            print(f"round {turn + 1}: {key} ...", file=sys.stderr, flush=True)
            with empty_cache() as filled:
                for subject, runs in found[key].items():
                    with empty_cache() as empty:
                        disk = subject in ("compiled", "disk")
                        engine = "compiled" if disk else subject
                        runs.append(run(key, engine, filled if disk else empty, quick))
    return found


def least(found: Runs) -> int:
    """Return how many rounds there were of everything: time may have been up."""
    return min(len(runs) for row in found.values() for runs in row.values())


def median(runs: list[dict[str, float]], of: Callable[[dict[str, float]], float]) -> float:
    """Return the median of a figure over the rounds."""
    return statistics.median(map(of, runs))


def beyond(run: dict[str, float]) -> float:
    """Return how much longer the first run takes."""
    return run["first"] - run["warm"]


def cold_table(found: Runs) -> Iterator[str]:
    """Yield the lines about first runs."""
    yield "| first run minus a warm one, seconds | chainrule | JAX | × JAX | from disk | at most |"
    yield "|---|---|---|---|---|---|"
    for key in (key for key in found if key in COLD):
        ours, theirs, disk = (median(found[key][s], beyond) for s in ("compiled", "JAX", "disk"))
        limit = f"{LIMITS[key]:g}" if key in LIMITS else ""
        if limit and key != "P":
            limit += "; 1.5 × JAX"
        title = workload_of(key).title
        yield (
            f"| {title} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} | {disk:.2f} | {limit} |"
        )
    imported = [run for row in found.values() for runs in row.values() for run in runs]
    yield f"| `import chainrule` | {median(imported, lambda r: r['import']):.2f} | | | | 0.1 |"
    yield f"| the self-check, once on a machine | {self_check_seconds():.2f} | | | | |"


def default_table(found: Runs) -> Iterator[str]:
    """Yield the lines about the default engine."""
    yield (
        "| a whole run, seconds: first, warm | NumPy | compiled | by default | × the better, first "
        "| × the better, warm | at most |"
    )
    yield "|---|---|---|---|---|---|---|"
    for key in (key for key in found if key in DEFAULT):
        times = {
            subject: [median(found[key][subject], lambda r, k=k: r[k]) for k in ("first", "warm")]
            for subject in ("numpy", "compiled", "auto")
        }
        cells = " | ".join(f"{first:.3g}, {warm:.3g}" for first, warm in times.values())
        ratios = [a / min(n, c) for n, c, a in zip(*times.values(), strict=True)]
        short = "one epoch" in key
        title = workload_of(key).title + (", one epoch" if short else "")
        yield f"| {title} | {cells} | {ratios[0]:.2f} | {ratios[1]:.2f} | 1.15 |"


def depth_table(found: Runs, depths: Iterable[int]) -> Iterator[str]:
    """Yield the lines about depth."""
    depths = list(depths)
    yield f"| compiling by depth, seconds | {' | '.join(map(str, depths))} |"
    yield f"|---|{'---|' * len(depths)}"
    for kind, subject, seconds in lines(found, depths):
        cells = " | ".join(f"{s:.2f}" for s in seconds)
        yield f"| {kind}, {subject} | {cells} |"


def lines(found: Runs, depths: Iterable[int]) -> Iterator[tuple[str, str, list[float]]]:
    """Yield what is deep, who compiles it, and the seconds by depth."""
    for kind in ("layers", "steps"):
        for subject, name in (("compiled", "chainrule"), ("JAX", "JAX")):
            yield kind, name, [median(found[f"{kind} {d}"][subject], beyond) for d in depths]


def draw(found: Runs, depths: Iterable[int], path: Path) -> None:
    """Draw how compiling grows with depth."""
    import matplotlib.pyplot as plt

    titles = {"layers": "equal dense layers", "steps": "steps of a recurrent network"}
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    plots = dict(zip(titles, axes, strict=True))
    for kind, subject, seconds in lines(found, depths):
        color = "C0" if subject == "chainrule" else "grey"
        plots[kind].plot(list(depths), seconds, "o-", color=color, label=subject)
    for kind, ax in plots.items():
        ax.set_xlabel(titles[kind])
        ax.set_ylabel("first run minus a warm one, seconds")
        ax.set_xlim(0)
        ax.set_ylim(0)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=210, help="after which no round begins")
    parser.add_argument("--quick", action="store_true", help="small and once: does it run?")
    parser.add_argument("--out", type=Path, help="folder for the results")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(run_here(*given.run, given.quick)))
        return
    out = given.out or results(given.quick)
    rounds, depths = (1, DEPTHS[:2]) if given.quick else (given.rounds, DEPTHS)
    deep = [f"{kind} {depth}" for depth in depths for kind in ("layers", "steps")]
    share = 0.7 * given.seconds  # for the workloads
    found = measure(dict.fromkeys([*COLD, *DEFAULT]), rounds, share, given.quick)
    found |= measure(deep, rounds, given.seconds - share, given.quick)
    tables = (cold_table(found), default_table(found), depth_table(found, depths))
    measured = (
        measured_on("numpy", "llvmlite", "jax") + f"; medians of {least(found)} to {rounds} rounds."
    )
    picture = "![How compiling grows with depth](depth.png)"
    text = "\n\n".join([measured, *("\n".join(table) for table in tables), picture]) + "\n"
    print(text)
    (out / "cold.md").write_text(text, encoding="utf-8")
    raw = json.dumps({"machine": measured, "runs": found}, indent=1, ensure_ascii=False)
    (out / "cold.json").write_text(raw + "\n", encoding="utf-8")
    draw(found, depths, out / "depth.png")


if __name__ == "__main__":
    main()
