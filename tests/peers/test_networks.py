"""A fixed set of random networks, judged by Keras on PyTorch; `make fuzz` judges any number."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Keras has one backend a process, and here it is to be PyTorch.
SCRIPT = """
from tests.fuzz.networks.configuration import Call, Configuration, quiet
quiet()
import keras
import torch
from tests.fuzz.networks.drawing import drawn
from tests.fuzz.networks.roads import judge
from tests.fuzz.programs import Failure
from chainrule import optimizers

for seed in {seeds}:
    assert judge(drawn(seed))["judged"], seed
small = Configuration(
    (Call("layers.Input", {{"shape": (2,)}}), Call("layers.Dense", {{"units": 1}})),
    Call("losses.MeanSquaredError", {{}}), Call("optimizers.Adagrad", {{}}), "numbers",
)
right = optimizers.Adagrad.step
def longer(self, w, *others, **slots):
    new, kept = right(self, w, *others, **slots)
    return new + 1e-9 * (new - w), kept
optimizers.Adagrad.step = longer
try:
    judge(small)
except Failure as failure:
    print(failure)
"""
SEEDS = [3, 4, 5, 6, 8, 3600193]  # the last has windows of equal numbers, of which a pool takes one


def test_networks_agree_on_every_road_and_a_step_a_billionth_too_long_is_found():
    paths = [str(ROOT / "src"), str(ROOT), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(seeds=SEEDS)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("float64: other ")
