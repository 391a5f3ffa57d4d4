"""Training from files of any size in flat memory, against the same rows in memory.

``python benchmarks/outofcore.py --gigabytes 4`` makes a Parquet file and a ``.npy`` file of that
size, a row group at a time, trains an epoch from each, and an epoch in memory on as many rows as a
tenth of that; prints rows a second, their ratio, and how much memory training took.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr

FEATURES, GROUP = 256, 32_768  # columns; rows of a group, 32 MB
MEMORY = 16  # groups that are trained on in memory


def model() -> Any:
    """Return the network that is trained."""
    made = cr.Sequential(
        [cr.layers.Input((FEATURES,)), cr.layers.Dense(256, "relu"), cr.layers.Dense(128, "relu"),
         cr.layers.Dense(10, "softmax")], seed=0,
    )  # fmt: skip
    made.compile("adam", "sparse_categorical_crossentropy", engine="compiled")
    return made


def rows(number: int) -> tuple[Any, Any]:
    """Return a group of rows."""
    rng = np.random.default_rng(number)
    X = rng.random((GROUP, FEATURES), dtype=np.float32)
    return X, (X[:, :10].argmax(axis=1)).astype(np.int64)


def write(folder: Path, groups: int, kind: str) -> tuple[Any, Any]:
    """Write a file, a group at a time; return what `fit` takes."""
    if kind == "npy":
        shapes = {"X": (groups * GROUP, FEATURES), "y": (groups * GROUP,)}
        for name, dtype in (("X", np.float32), ("y", np.int64)):
            with (folder / f"{name}.npy").open("wb") as file:
                about = {"descr": np.dtype(dtype).str, "fortran_order": False}
                np.lib.format.write_array_header_1_0(file, {**about, "shape": shapes[name]})
                for number in range(groups):
                    file.write(rows(number)[name == "y"].tobytes())
        return folder / "X.npy", folder / "y.npy"
    import pyarrow as pa
    from pyarrow import parquet

    lists = pa.list_(pa.field("element", pa.float32(), nullable=False), FEATURES)
    kinds = pa.schema([pa.field("x", lists, nullable=False), pa.field("y", pa.int64())])
    path = folder / "rows.parquet"
    with parquet.ParquetWriter(path, kinds, compression="none", use_dictionary=False) as file:
        for number in range(groups):
            X, y = rows(number)
            x = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), type=lists)
            file.write_table(pa.table({"x": x, "y": y}, schema=kinds), row_group_size=GROUP)
    return path, "y"


def trained(x: Any, y: Any, rows: int, **how: Any) -> dict[str, float]:
    """Return how fast an epoch is, after a few updates that compile, and the memory it took."""
    network = model()
    warm = np.zeros((512, FEATURES), np.float32), np.zeros(512, np.int64)
    network.fit(*warm, batch_size=256, verbose=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    network.fit(x, y, batch_size=256, verbose=0, **how)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "rate": rows / wall,
        "cpu": rows / cpu,
        "peak": after / 1e6,
        "more": (after - before) / 1e6,
    }


def one(kind: str, groups: int, folder: str) -> None:
    """Train from what is there, in this process alone; print the figures."""
    if kind == "memory":
        parts = [rows(number) for number in range(MEMORY)]
        X, y = (np.concatenate(each) for each in zip(*parts, strict=True))
        print(json.dumps(trained(X, y, len(X))))
        return
    path = Path(folder)
    given = (path / "X.npy", path / "y.npy") if kind == "npy" else (path / "rows.parquet", "y")
    print(json.dumps(trained(*given, groups * GROUP, shards=1)))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--gigabytes", type=float, default=4.0)
    options.add_argument("--folder", help="where the file is made; by default a temporary folder")
    options.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one:
        one(given.one[0], int(given.one[1]), given.one[2])
        return
    groups = max(MEMORY, round(given.gigabytes * 1e9 / (GROUP * FEATURES * 4)))
    size = groups * GROUP * FEATURES * 4 / 1e9
    base = run("memory", groups, "")
    print(f"in memory: {base['rate']:,.0f} rows/s")
    for kind in ("npy", "parquet"):
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            write(Path(folder), groups, kind)
            found = run(kind, groups, folder)
        print(
            f"{kind}, {size:.1f} GB: {found['rate']:,.0f} rows/s, "
            f"{found['rate'] / base['rate']:.0%} of that in memory; "
            f"{found['peak']:.2f} GB at most, {found['more']:.2f} of it by training; "
            f"processor time {base['cpu'] / found['cpu']:.2f} of that in memory"
        )


def run(kind: str, groups: int, folder: str) -> dict[str, float]:
    """Return the figures of a process of its own."""
    command = [sys.executable, __file__, "--one", kind, str(groups), folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=3600)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
