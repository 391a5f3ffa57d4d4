"""Training and inference in Node and in Chromium against libraries for web pages: `make bench-web`.

The subjects take turns, each run in a process or a page of its own, on one thread. Native code runs
in the same rounds. Writes `web.md` and `web.json` beside this file.
"""

from __future__ import annotations

import argparse
import http.server
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import chainrule as cr
from chainrule._src.core.trees import leaves, map_leaves
from machine import measured_on, results
from peers import OPTIMIZERS, chainrule
from workloads import WORKLOADS, Numpy, loss_of

HERE = Path(__file__).parent
PEERS = HERE.parent / "build" / "web-peers"
PACKAGES = {
    "@tensorflow/tfjs": "4.22.0", "@tensorflow/tfjs-backend-wasm": "4.22.0", "brain.js": "1.6.1",
    "@jax-js/jax": "0.1.25", "onnxruntime-web": "1.30.0",
}  # fmt: skip
# By workload: epochs of a call of `train`, and how many times as fast as TensorFlow.js it must be.
EPOCHS = {"A": 200, "B": 400, "C": 100, "M": 20, "J": 40}
LEAST = {"A": 10, "B": 10, "C": 1, "M": 1, "J": 1}
INFERENCE, DIGITS, CHECKED = 3, 1e-3, 15  # least ratio; relative, after so many epochs
# Multiplications and additions in one step, which newer Nodes have without the option.
NODE = ["node", "--experimental-wasm-relaxed-simd"]
SECONDS = 0.7  # that a subject is timed, at least
Round = dict[tuple[str, str, str], dict[str, Any]]  # by workload, subject and host


def installed() -> None:
    """Install the peers into `build/web-peers`, once."""
    wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
    stamp = PEERS / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8").split() == wanted:
        return
    PEERS.mkdir(parents=True, exist_ok=True)
    (PEERS / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    # No scripts: they would load binaries from other places.
    subprocess.run(
        ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error",
         *wanted],
        cwd=PEERS, check=True,
    )  # fmt: skip
    stamp.write_text("\n".join(wanted), encoding="utf-8")


def exported(key: str, folder: Path) -> None:
    """Write a workload's module, its ONNX file and its data."""
    workload = WORKLOADS[key]
    network, (X, y) = workload.network, workload.data()
    params = network.params()
    cr.export_web(
        loss_of(network, Numpy), params, X, y, path=folder / f"{key}.mjs",
        optimizer=OPTIMIZERS[workload.optimizer](), batch_size=workload.batch_size,
        predict=lambda p, X: Numpy.softmax(network.outputs(Numpy, p, X)),
    )  # fmt: skip
    named = {
        "/".join(map(str, path)): {"shape": leaf.shape, "values": leaf.ravel().tolist()}
        for path, leaf in leaves(params)
    }
    document = {
        "X": X.ravel().tolist(), "y": y.tolist(), "rows": len(X), "sample": X.shape[1:],
        "params": named,
    }  # fmt: skip
    (folder / f"{key}.json").write_text(json.dumps(document), encoding="utf-8")
    if key == "A":
        model = cr.Sequential([
            cr.layers.Input((64,)), cr.layers.Dense(10, "sigmoid"), cr.layers.Dense(10, "softmax"),
        ])  # fmt: skip
        model.set_weights([part for layer in params for part in layer])
        model.export(folder / "A.onnx")


def job_of(key: str, subject: str, root: str, peers: str, seconds: float) -> dict[str, Any]:
    """Return what `web_peers.mjs` reads."""
    workload = WORKLOADS[key]
    name, _, backend = subject.partition(" ")
    network = workload.network
    params = network.params()
    about = {
        "kind": type(network).__name__, "activation": getattr(network, "activation", ""),
        "depth": len(params), "hidden": getattr(network, "hidden", 0), "rows": workload.rows,
        "batchSize": workload.batch_size, "optimizer": workload.optimizer,
        "classes": network.classes,
    }  # fmt: skip
    return {
        "subject": name, "backend": backend, "workload": about, "epochs": EPOCHS[key],
        "seconds": seconds, "module": f"{root}/{key}.mjs",
        "urls": {"root": peers, "data": f"{root}/{key}.json", "onnx": f"{root}/{key}.onnx"},
    }  # fmt: skip


Host = Callable[[str, str], dict[str, Any]]


def node(folder: Path, seconds: float) -> Host:
    """Return a function that runs a subject in a process of Node."""

    def run(key: str, subject: str) -> dict[str, Any]:
        job = job_of(key, subject, folder.as_uri(), PEERS.as_uri(), seconds)
        done = subprocess.run(
            [*NODE, str(HERE / "web_peers.mjs")], input=json.dumps(job), capture_output=True,
            text=True, timeout=300,
        )  # fmt: skip
        if not done.stdout.strip():
            return {"error": done.stderr[-300:]}
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    return run


@contextmanager
def chromium(folder: Path, seconds: float) -> Iterator[Host]:
    """Context manager of a function that runs a subject in a page of Chromium."""
    from playwright.sync_api import sync_playwright

    class Handler(http.server.SimpleHTTPRequestHandler):
        extensions_map: ClassVar = {".mjs": "text/javascript", ".js": "text/javascript",
                          ".wasm": "application/wasm", "": "application/octet-stream"}  # fmt: skip

        def translate_path(self, path: str) -> str:
            for prefix, root in (("/run/", folder), ("/peers/", PEERS), ("/bench/", HERE)):
                if path.startswith(prefix):
                    return str(root / path.removeprefix(prefix).partition("?")[0])
            return str(HERE / "nothing")

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

        def do_GET(self) -> None:
            if self.path == "/":
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>bench</title>")
            else:
                super().do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}"
    with sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )

        def run(key: str, subject: str) -> dict[str, Any]:
            job = job_of(key, subject, f"{home}/run", f"{home}/peers", seconds)
            page = browser.new_page()
            try:
                page.goto(home)
                page.set_default_timeout(300_000)
                answer: dict[str, Any] = page.evaluate(
                    "async (job) => (await import('/bench/web_peers.mjs')).answer(job)", job
                )
                return answer
            finally:
                page.close()

        yield run
        browser.close()
    server.shutdown()


def native(key: str, seconds: float) -> Callable[[], dict[str, Any]]:
    """Return a function that times `cr.minimize` in machine code, on one thread."""
    workload = WORKLOADS[key]
    train, epochs = chainrule(workload), EPOCHS[key]
    train(2)

    def run() -> dict[str, Any]:
        took: list[float] = []
        while sum(took) < seconds:
            began = time.perf_counter()
            train(epochs)
            took.append(time.perf_counter() - began)
        updates = epochs * workload.updates
        return {"us": 1e6 * statistics.median(took) / updates}

    return run


def native_weights(key: str, dtype: str) -> dict[str, Any]:
    """Return the weights after fifteen epochs in machine code, by name."""
    workload = WORKLOADS[key]
    network, (X, y) = workload.network, workload.data()
    start = map_leaves(lambda leaf: leaf.astype(dtype), network.params())
    params, _ = cr.minimize(
        loss_of(network, Numpy), start, X, y, epochs=CHECKED, engine="compiled", seed=0,
        optimizer=OPTIMIZERS[workload.optimizer](), batch_size=workload.batch_size,
    )  # fmt: skip
    return {"/".join(map(str, path)): leaf for path, leaf in leaves(params)}


def subjects_of(key: str, host: str) -> list[str]:
    """Return what trains a workload in a host."""
    peers = ["chainrule", "tfjs cpu", "tfjs wasm"]
    if host == "Chromium":
        peers.append("tfjs webgl")
    if type(WORKLOADS[key].network).__name__ == "Dense":
        peers.append("jaxjs")
    return [*peers, *(["brainjs"] if key == "A" else [])]


def measure(rounds: int, seconds: float, folder: Path) -> list[Round]:
    """Return what is measured, round by round."""
    machine = {key: native(key, seconds) for key in EPOCHS}
    rows: list[Round] = []
    with chromium(folder, seconds) as page:
        hosts: dict[str, Host] = {"Node": node(folder, seconds), "Chromium": page}
        for turn in range(rounds):
            answers: Round = {}
            for key in EPOCHS:
                print(f"round {turn + 1}: {key} ...", file=sys.stderr, flush=True)
                answers[key, "native", ""] = machine[key]()
                for host, run in hosts.items():
                    for subject in subjects_of(key, host):
                        answers[key, subject, host] = run(key, subject)
            for host, run in hosts.items():
                for subject in ("predictions", "onnxruntime", "cold"):
                    answers["A", subject, host] = run("A", subject)
            rows.append(answers)
    return rows


# Tables


def figure(rows: list[Round], name: str, *place: str) -> float | None:
    """Return the median of a figure over the rounds; None if it never ran."""
    found = [row[place][name] for row in rows if name in row.get(place, {})]  # type: ignore[index]
    return statistics.median(found) if found else None


def titles(subject: str) -> str:
    name, _, backend = subject.partition(" ")
    names = {"tfjs": "TensorFlow.js", "jaxjs": "jax-js", "brainjs": "brain.js"}
    return f"{names.get(name, name)}{f', {backend}' if backend else ''}"


def training_table(rows: list[Round]) -> Iterator[str]:
    """Yield the lines about training."""
    yield "| workload | host | subject | µs an update | × chainrule | × native | at least |"
    yield "|---|---|---|---|---|---|---|"
    for key in EPOCHS:
        base = figure(rows, "us", key, "native", "")
        assert base is not None
        yield f"| {WORKLOADS[key].title} | | native code | {base:.3g} | | 1 | |"
        for host in ("Node", "Chromium"):
            own = figure(rows, "us", key, "chainrule", host)
            assert own is not None, rows[0][key, "chainrule", host]
            times = {s: figure(rows, "us", key, s, host) for s in subjects_of(key, host)}
            known = {s: t for s, t in times.items() if t is not None and s.startswith("tfjs")}
            fastest = min(known, key=lambda s: known[s])
            for subject, us in times.items():
                if us is None:
                    why = "does not run"
                    yield f"| | {host} | {titles(subject)} | {why} | | | |"
                    continue
                least = f"{LEAST[key]}" if subject == fastest else ""
                yield (
                    f"| | {host} | {titles(subject)} | {us:.3g} | {us / own:.3g} "
                    f"| {us / base:.3g} | {least} |"
                )


def inference_table(rows: list[Round]) -> Iterator[str]:
    """Yield the lines about one row."""
    yield "| one prediction, 64-10-10, one row | host | µs | × chainrule | at least |"
    yield "|---|---|---|---|---|"
    for host in ("Node", "Chromium"):
        own = figure(rows, "us", "A", "predictions", host)
        other = figure(rows, "us", "A", "onnxruntime", host)
        assert own is not None
        yield f"| chainrule | {host} | {own:.3g} | 1 | |"
        if other is not None:
            yield f"| ONNX Runtime | {host} | {other:.3g} | {other / own:.3g} | {INFERENCE} |"


def cold_table(rows: list[Round]) -> Iterator[str]:
    """Yield the lines about the first run in a page."""
    yield "| from nothing, milliseconds | module loaded | first prediction | then 15 epochs of A |"
    yield "|---|---|---|---|"
    for host in ("Node", "Chromium"):
        names = ("load", "prediction", "training")
        cells = [figure(rows, name, "A", "cold", host) for name in names]
        yield f"| {host} | {' | '.join(f'{cell:.3g}' for cell in cells if cell is not None)} |"


def weights_table(rows: list[Round]) -> Iterator[str]:
    """Yield the lines about the weights after fifteen epochs."""
    yield (
        f"| weights after {CHECKED} epochs, apart from native's | Node | Chromium "
        "| native in float64 | at most |"
    )
    yield "|---|---|---|---|---|"
    for key in EPOCHS:
        expected = native_weights(key, "float32")
        others = [rows[0][key, "chainrule", host]["weights"] for host in ("Node", "Chromium")]
        cells = [f"{apart(each, expected):.1e}" for each in others]
        limit = apart(native_weights(key, "float64"), expected)
        yield f"| {WORKLOADS[key].title} | {' | '.join(cells)} | {limit:.1e} | {DIGITS:g} |"


def apart(weights: Any, expected: Any) -> float:
    """Return the largest distance of two arrays relative to the length of one, as vectors."""
    return max(
        float(np.linalg.norm(np.ravel(weights[name]) - np.ravel(array)) / np.linalg.norm(array))
        for name, array in expected.items()
    )


def versions() -> str:
    """Return a line about the hosts and the peers."""
    asked = [["node", "--version"], ["chromium", "--version"]]
    said = [subprocess.run(each, capture_output=True, text=True).stdout.strip() for each in asked]
    hosts = f"Node {said[0].removeprefix('v')}, {' '.join(said[1].split()[:2])}"
    return ", ".join([hosts, *(f"{name} {version}" for name, version in PACKAGES.items())])


NOTE = f"""\
`train()` is timed whole, with the start of its worker and the random order of the samples in each
epoch; batches of the peers are tensors before the clock starts and keep their order. TensorFlow.js
trains by `optimizer.minimize`, brain.js one sample at a time with its own loss and momentum, jax-js
by one compiled function an update. Weights are apart by the length of the difference of an array,
relative to the array's. Node 20 runs with the option {NODE[1]}, which newer ones do not need: A
trains in single samples, which amplify each rounding, and without fused multiplications it ends
1.1e-03 apart in it. "Does not run": the backend lacks a gradient, or the library an
operation. tfjs-node loads its binary from elsewhere than npm and is left out; webgl has no graphics
processor here."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="that a subject is timed")
    parser.add_argument("--quick", action="store_true", help="small and once: does it run?")
    parser.add_argument("--only", nargs="+", choices=[*EPOCHS], help="workloads; A is always timed")
    given = parser.parse_args()
    for key in {*EPOCHS} - {"A", *(given.only or EPOCHS)}:
        del EPOCHS[key]
    installed()
    rounds, seconds = (1, 0.05) if given.quick else (given.rounds, given.seconds)
    if given.quick:
        EPOCHS.update(dict.fromkeys(EPOCHS, 4))
    with tempfile.TemporaryDirectory() as folder:
        for key in EPOCHS:
            exported(key, Path(folder))
        rows = measure(rounds, seconds, Path(folder))
    out = results(given.quick or bool(given.only))
    raw = [
        {" | ".join(place): {n: v for n, v in answer.items() if n != "weights"}
         for place, answer in row.items()}
        for row in rows
    ]  # fmt: skip
    (out / "web.json").write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    tables = [training_table, inference_table, cold_table, weights_table]
    measured = f"{measured_on('numpy', 'llvmlite')}, {versions()}; medians of {rounds} rounds."
    text = "\n\n".join([measured, *("\n".join(table(rows)) for table in tables), NOTE]) + "\n"
    print(text)
    (out / "web.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
