"""Run a program written for Keras, in Keras or in chainrule, from the same weights.

What Keras computes is kept in `programs/answers.json.xz`: of long arrays some entries.
``python -m tests.peers.program_runs`` asks Keras for all of it anew, with ``--new`` for what is
not kept yet.
"""

import hashlib
import json
import lzma
import os
import random
import re
import sys
import tempfile
import warnings
from collections import Counter
from functools import partial, wraps
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("MPLBACKEND", "agg")

import keras
import numpy as np
import pytest
from keras.src.backend.common.stateless_scope import in_stateless_scope
from keras.src.initializers import random_initializers

from chainrule._src.nn.initializers import random as own_initializers
from chainrule._src.nn.layers.symbols import SymbolicTensor
from chainrule._src.nn.network.fitting import Trainable

FOLDER = Path(__file__).parent / "programs"
PROGRAMS = sorted(FOLDER.glob("*.py"))
KEPT = FOLDER / "answers.json.xz"
LONGEST = 64  # entries of an array that are kept
RUNS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")


def for_keras(text):
    """Return a program with TensorFlow's ways to import Keras replaced by Keras's own."""
    text = re.sub(r"^from tensorflow import keras$", "import keras", text, flags=re.M)
    return re.sub(r"^(from|import) tensorflow\.keras\b", r"\1 keras", text, flags=re.M)


def for_chainrule(text):
    """Return a program with its import lines changed, and nothing else."""
    text = re.sub(r"^import keras$", "from chainrule import keras", for_keras(text), flags=re.M)
    return re.sub(r"^(from|import) keras\b", r"\1 chainrule.keras", text, flags=re.M)


def in_keras(text, name, folder):
    """Return what Keras computes."""
    return run(for_keras(text), name, keras.Model, folder)


def kept():
    """Return what Keras computed, by the text of the program."""
    return json.loads(lzma.decompress(KEPT.read_bytes()))


def key_of(text):
    """Return what a program's answers are kept under."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def in_chainrule(text, name, folder):
    """Return what chainrule computes."""
    return run(for_chainrule(text), name, Trainable, folder)


def run(text, name, model, folder):
    """Return what a program computes: what its models are asked for, all it names, its weights."""
    log, names = [], {"__name__": "__main__"}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.chdir(folder)
        watch(model, log, patch)
        patch.setattr(keras.layers.RNN, "build", with_states_kept(keras.layers.RNN.build))
        draw = drawn()
        patch.setattr(own_initializers._RandomInitializer, "draw", draw)
        for of in vars(random_initializers).values():
            if isinstance(of, type) and "__call__" in vars(of):
                patch.setattr(of, "__call__", draw)
        np.random.seed(0)  # noqa: NPY002 - what programs draw their data from
        random.seed(0)
        keras.backend.clear_session(free_memory=False)  # to look for garbage takes half a second
        exec(compile(text, name, "exec"), names)
        named = {key: value for key, value in names.items() if not key.startswith("__")}
        return plain({"calls": log, "names": named, "weights": weights(named)})


def with_states_kept(build):
    """Have Keras keep a layer's states on JAX as elsewhere: as variables that are no weights."""

    @wraps(build)
    def built(self, *args, **options):
        build(self, *args, **options)
        states = keras.tree.flatten(self.states or [])
        self._seed_generators += [SimpleNamespace(state=each) for each in states]

    return built


def drawn():
    """Return a function that draws the same weights in both: by shape and how often it came."""
    times = Counter()

    def draw(self, shape, *others, **options):
        shape = tuple(map(int, shape))
        if in_stateless_scope():  # Keras looks at shapes; it draws again afterwards
            return np.zeros(shape)
        rng = np.random.default_rng([*shape, times[shape]])
        times[shape] += 1
        return rng.normal(size=shape) / np.sqrt(max(np.prod(shape[:-1]), 4))

    return draw


def watch(model, log, patch):
    """Write down what a model's runs return; samples are taken in the order in which they come."""
    depth = 0

    def watched(method):
        def outermost(self, *args, **options):
            nonlocal depth
            if method.__name__ == "fit":
                options.setdefault("shuffle", False)
            depth += 1
            try:
                result = method(self, *args, **options)
            finally:
                depth -= 1
            if not depth:
                log.append({method.__name__: result})
            return result

        return outermost

    for name in filter(partial(hasattr, model), RUNS):
        patch.setattr(model, name, watched(getattr(model, name)))


def weights(named):
    """Return the weights of the models that a program leaves."""
    return {
        name: value.get_weights()
        for name, value in named.items()
        if isinstance(value, keras.Model | Trainable) and value.built
    }


def plain(value):
    """Return what can be compared: numbers, texts, arrays, and what holds such."""
    if isinstance(value, bool | str | type(None)):
        return value
    if hasattr(value, "history") and hasattr(value, "epoch"):
        return plain(value.history)
    if isinstance(value, dict):
        parts = {str(key): plain(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part is not plain}
    if isinstance(value, list | tuple | range):
        return [part for part in map(plain, value) if part is not plain]
    if isinstance(value, keras.KerasTensor | SymbolicTensor):
        return plain
    if isinstance(value, int | float) or hasattr(value, "__array__"):
        array = np.asarray(value)
        return thinned(array) if array.dtype.kind in "biuf" else plain
    return plain  # a class, a function, a layer


def thinned(array):
    """Return an array's shape, and some of its entries."""
    step = -(-array.size // LONGEST) or 1
    entries = [float(f"{entry:.8g}") for entry in array.ravel()[::step].astype(float)]
    return {"shape": list(array.shape), "entries": entries}


def main():
    """Ask Keras for the answers to all programs, or with ``--new`` to those without."""
    known = kept() if "--new" in sys.argv else {}
    answers = {}
    for program in PROGRAMS:
        text = program.read_text(encoding="utf-8")
        if key_of(text) in known:
            answers[key_of(text)] = known[key_of(text)]
            continue
        with tempfile.TemporaryDirectory() as folder:
            answers[key_of(text)] = in_keras(text, program.name, Path(folder))
        print(program.stem, flush=True)
    KEPT.write_bytes(lzma.compress(json.dumps(answers).encode()))


if __name__ == "__main__":
    main()
