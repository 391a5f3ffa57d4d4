"""Ctrl-C while a heavy library is imported: ``python -m tests.torture.imports COUNT SEED``.

Each run is a process that does what imports a library first, is interrupted while that goes on, and
must end, whatever the library catches. `tests.torture.interrupts` does the same now and then.
"""

import os
import random
import subprocess
import sys
import tempfile
from collections import Counter

import numpy as np
from tests.pace import SLOWNESS

WATCHDOG = 60 * SLOWNESS  # seconds
MOMENTS = 0.6  # seconds after the import has begun, at most
# What imports each library first; all of it stands in functions of chainrule.
FIRST = {
    "cloudpickle": "from chainrule._src.cluster.job import pickled; pickled(1, 'one')",
    "dask": "from chainrule._src.cluster.places import dask; dask()",
    "distributed": "from chainrule._src.cluster.places import dask; dask('distributed')",
    "jinja2": "from chainrule._src.base.pages import SHARED, page; page(SHARED / 'page.css')",
    "jupytext": "from chainrule._src.teach.source import sources; "
    "from chainrule._src.teach.learn.handout import handout; handout(sources()[0], '.py')",
    "keras": "network().to_keras()",
    "llvmlite": "cr.jit(np.tanh)(np.ones(3))",
    "matplotlib": "from chainrule import plots; plots.to_svg(lambda ax: None, (4, 3), 'a')",
    "nbformat": "from chainrule._src.teach.source import sources; "
    "sources()[0].notebook(solved=False)",
    "onnx": "network().export('model.onnx')",
    "optuna": "from chainrule._src.sweeps.optuna import optuna; optuna()",
    "pandas": "network(3).fit('table.parquet', 'y', epochs=10**9, batch_size=8, verbose=0)",
    "pyarrow": "from chainrule.tables import open_table; open_table('table.csv')",
    "rich": "network().summary(print_fn=len)",
    "scipy": "from chainrule import activations as a; cr.jit(a.gelu)(np.ones(3))",
    "sklearn": "cr.estimators.MLPClassifier()",
    "starlette": (
        "from chainrule._src.base import interrupts; "
        "interrupts.load('chainrule._src.blackboard.server')"
    ),
    "typer": "import chainrule.__main__ as m; sys.argv[1:] = ['--help']; m.main()",
    "watchfiles": "from chainrule._src.teach.learn.saves import saves; saves('.', '', '', '')",
}
CHILD = """
import os, signal, sys, threading, time, warnings
library, pause, code = sys.argv[1:]
signal.signal(signal.SIGINT, signal.default_int_handler)
begun = []

def interrupt():
    time.sleep(float(pause))
    os.kill(os.getpid(), signal.SIGINT)

def hook(event, args):
    main = threading.current_thread() is threading.main_thread()
    if event == "import" and args[0].split(".")[0] == library and main and not begun:
        begun.append(threading.Thread(target=interrupt, daemon=True))
        begun[0].start()

import numpy as np
import chainrule as cr

def network(size=4):
    made = cr.Sequential([cr.layers.Input((size,)), cr.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made

warnings.simplefilter("error", cr.errors.InterruptedWarning)
sys.addaudithook(hook)
try:
    exec(compile(code, library, "exec"))  # a text would set the end of the process
    assert begun, "nobody has imported " + library
    begun[0].join()
    time.sleep(0.5)  # an interrupt that has come is raised here at the latest
except KeyboardInterrupt:
    print("interrupted")
except SystemExit as end:
    print({130: "interrupted", 0: "done before"}.get(end.code, f"ended with {end.code}"))
except cr.errors.InterruptedWarning:
    print("interrupted")
else:
    print("went on")
"""


def tables(folder):
    """Write what the children read."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    columns = {name: np.arange(2000, dtype="f4") % 7 for name in "abcy"}
    parquet.write_table(pa.table(columns), os.path.join(folder, "table.parquet"))
    csv.write_csv(pa.table(columns), os.path.join(folder, "table.csv"))


def interrupted_import(folder, library, pause):
    """Return how a process ended that was interrupted within an import."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, library, str(pause), FIRST[library]],
        cwd=folder, capture_output=True, text=True, timeout=WATCHDOG,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, (library, pause, done.returncode, done.stdout, done.stderr)
    ended = done.stdout.split("\n")[-2]
    assert ended in ("interrupted", "done before"), (library, pause, done.stdout, done.stderr)
    return f"{ended}, importing"


def main(count, seed):
    chance, outcomes = random.Random(seed), Counter()
    with tempfile.TemporaryDirectory() as folder:
        tables(folder)
        for number in range(count):
            library = list(FIRST)[number % len(FIRST)]
            outcomes[interrupted_import(folder, library, chance.uniform(0, MOMENTS))] += 1
    print(f"{count} interrupts:", ", ".join(f"{n} {what}" for what, n in outcomes.most_common()))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
