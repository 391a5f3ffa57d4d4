"""Time short scripts of scikit-learn's network, with ``python -m chainrule.accel`` and without.

``python benchmarks/accel.py [rounds]`` runs each script in turns, as it is and accelerated, with
one thread of the BLAS, and prints the medians of the processor's time, their ratio, and whether
both print the same. Short scripts must not take longer than 1.05 times as long.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

START = """
import warnings; warnings.filterwarnings("ignore")
import numpy as np
from sklearn.datasets import *
from sklearn.neural_network import MLPClassifier, MLPRegressor
"""
SCRIPTS = {
    "iris, 20 epochs": """
X, y = load_iris(return_X_y=True)
print(MLPClassifier(max_iter=20, random_state=0).fit(X, y).score(X, y))
""",
    "wine, scaled, 60 epochs": """
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
X, y = load_wine(return_X_y=True)
model = make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=60, random_state=0))
print(model.fit(X, y).score(X, y))
""",
    "digits, 3 epochs": """
X, y = load_digits(return_X_y=True)
print(MLPClassifier((50,), max_iter=3, random_state=0).fit(X, y).loss_)
""",
    "breast cancer, L-BFGS": """
X, y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
model = MLPClassifier((20,), solver="lbfgs", max_iter=200, random_state=0).fit(X, y)
print(model.loss_, model.n_iter_, model.predict_proba(X[:3]).round(6).tolist())
""",
    "digits, L-BFGS": """
X, y = load_digits(return_X_y=True)
model = MLPClassifier((64,), solver="lbfgs", max_iter=100, random_state=0).fit(X / 16, y)
print(model.loss_, model.n_iter_)
""",
    "diabetes, L-BFGS": """
X, y = load_diabetes(return_X_y=True)
model = MLPRegressor(hidden_layer_sizes=(20,), solver="lbfgs", max_iter=300, random_state=0)
model.fit(X, y)
print(model.loss_, model.n_iter_)
""",
    "moons, SGD": """
X, y = make_moons(200, noise=0.2, random_state=0)
print(MLPClassifier((8,), solver="sgd", max_iter=100, random_state=0).fit(X, y).score(X, y))
""",
    "parts of a stream": """
X, y = load_digits(return_X_y=True)
model = MLPClassifier((20,), random_state=0)
for start in range(0, 1700, 100):
    model.partial_fit(X[start : start + 100], y[start : start + 100], classes=range(10))
print(model.score(X, y))
""",
    "a small grid": """
from sklearn.model_selection import GridSearchCV
X, y = load_iris(return_X_y=True)
grid = GridSearchCV(MLPClassifier(max_iter=15, random_state=0), {"alpha": [1e-4, 1e-2]}, cv=3)
print(grid.fit(X, y).best_score_)
""",
    "no network": """
from sklearn.linear_model import LogisticRegression
X, y = load_breast_cancer(return_X_y=True)
print(LogisticRegression(max_iter=50).fit(X, y).score(X, y))
""",
}


def main(rounds: int) -> None:
    """Print a row for each script."""
    print(
        "| script | scikit-learn, s | accelerated, s | ratio | same print |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, text) in enumerate(SCRIPTS.items()):
            script = Path(folder, f"script{number}.py")
            script.write_text(START + text, encoding="utf-8")
            timed(script, True)  # fills the caches
            pairs = [(timed(script, False), timed(script, True)) for _ in range(rounds)]
            plain, ours = (statistics.median(each[i][0] for each in pairs) for i in (0, 1))
            ratio = statistics.median(b[0] / a[0] for a, b in pairs)
            same = "yes" if len({printed for pair in pairs for _, printed in pair}) == 1 else "no"
            print(f"| {name} | {plain:.2f} | {ours:.2f} | {ratio:.3f} | {same} |", flush=True)


def timed(script: Path, accelerated: bool) -> tuple[float, str]:
    """Return the seconds of the processor that a script takes, and the text that it prints."""
    command = [sys.executable, *(["-m", "chainrule.accel"] if accelerated else []), str(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    after = os.times()
    seconds = after.children_user + after.children_system
    return seconds - before.children_user - before.children_system, done.stdout


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
