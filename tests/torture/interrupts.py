"""Ctrl-C again and again, at random moments: ``python -m tests.torture.interrupts COUNT SEED``.

Every run trains in threads without end, or scores, and is interrupted once or twice. It must end
with what it trained, to the bit, and leave everything else as it was. One in ten is a process of
the command line, which must end with code 130 and a whole model, or none; one in ten is one that
imports a heavy library, see `tests.torture.imports`.
"""

import contextlib
import faulthandler
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numpy as np
from tests.pace import SLOWNESS
from tests.torture import imports

import chainrule as cr
from chainrule import callbacks, layers
from chainrule._src.base import interrupts
from chainrule._src.compile.running import threads
from chainrule._src.nn.training.trainer import Trainer
from chainrule.errors import InterruptedWarning

BATCH, WIDTH, RATE = 32, 256, 2.0**-10
RNG = np.random.default_rng(0)
X = RNG.normal(size=(16 * BATCH, WIDTH)).astype("f4")
Y = RNG.integers(10, size=len(X))
START = {
    "W": RNG.normal(size=(WIDTH, WIDTH)).astype("f4") / 16,
    "V": RNG.normal(size=(WIDTH, WIDTH)).astype("f4") / 16,
    "updates": np.zeros(1, "f4"),
}
WATCHDOG = 60 * SLOWNESS  # seconds that a run may take before it counts as a hang
FOREVER = 10**9


def loss(params, X):
    h = np.tanh(np.tanh(X @ params["W"]) @ params["V"])
    return np.mean(h**2) - np.sum(params["updates"]) / RATE  # whose gradient counts updates


def minimized(params=START, X=X, epochs=FOREVER, engine="compiled", watching=()):
    options = {"optimizer": cr.optimizers.SGD(RATE), "batch_size": BATCH, "shuffle": False}
    return cr.minimize(
        loss, params, X, epochs=epochs, engine=engine, callbacks=watching, **options
    )[0]


def after(updates, engine):
    """Return what so many updates train when nothing interrupts them."""
    epochs, rest = divmod(updates, len(X) // BATCH)
    params = minimized(epochs=epochs, engine=engine) if epochs else START
    return minimized(params, X[: rest * BATCH], 1, engine) if rest else params


def network():
    made = cr.Sequential(
        [layers.Input((WIDTH,)), layers.Dense(WIDTH, "tanh"), layers.Dense(10, "softmax")], seed=0
    )
    made.compile("adam", "sparse_categorical_crossentropy", ["accuracy"], engine="compiled")
    return made


def fitted(made, epochs, watching=()):
    made.fit(X, Y, BATCH, epochs, verbose=0, shuffle=False, callbacks=watching)


# Each trains until it is interrupted and returns how many updates were made, checked.


def run_minimize(engine="compiled", watching=()):
    params = minimized(engine=engine, watching=watching)
    updates = round(float(params["updates"][0]))
    assert updates == params["updates"][0]
    return updates, lambda: assert_same(params, after(updates, engine))


def run_numpy():
    return run_minimize("numpy")


def run_watched():
    return run_minimize(watching=[callbacks.LambdaCallback(on_progress=lambda *_: None)])


def run_fit():
    made = network()
    fitted(made, FOREVER)
    updates = int(made.optimizer_state["iteration"])

    def check():
        other, epochs = network(), updates // (len(X) // BATCH)
        if epochs:
            fitted(other, epochs)
        rest = updates % (len(X) // BATCH) * BATCH
        if rest:
            other.fit(X[:rest], Y[:rest], BATCH, 1, verbose=0, shuffle=False)
        assert_same(made.network.weights, other.network.weights)

    return updates, check


def run_evaluate():
    made = network()
    while True:
        made.evaluate(X, Y)


RUNS = [run_minimize, run_numpy, run_watched, run_fit, run_evaluate]


def assert_same(one, other):
    for name in one:
        np.testing.assert_array_equal(one[name], other[name])


def keeps_small_numbers():
    """Whether this thread computes with numbers below the smallest normal one."""
    small = np.full(1, 1e-42, "f4")
    return bool((small * np.float32(0.5))[0] > 0)


class CheckedExecutor(ThreadPoolExecutor):
    """Sees that its threads are left as they were."""

    submitted = spoiled = 0

    def submit(self, call, *args):
        CheckedExecutor.submitted += 1  # one of them when it starts

        def checked():
            result = call(*args)
            CheckedExecutor.spoiled += not keeps_small_numbers()
            return result

        return super().submit(checked)


def assert_nothing_left():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert interrupts._desk is None
    assert not threads._runs
    assert keeps_small_numbers()
    assert not CheckedExecutor.spoiled
    helping = [t for t in threading.enumerate() if t.name.startswith("chainrule")]
    for thread in helping:  # LLVM finishes a module that it has begun
        thread.join(10)
    assert not any(thread.is_alive() for thread in helping)


def send(pauses):
    """Interrupt this process after each of some pauses."""
    for pause in pauses:
        time.sleep(pause)
        os.kill(os.getpid(), signal.SIGINT)


def interrupted(run, pauses):
    """Return how a run ended: with what it trained, or before it had begun, or scoring."""
    begun = []
    original = Trainer._epochs

    def epochs(trainer, wanted):
        begun.append(trainer)
        original(trainer, wanted)

    sender = threading.Thread(target=send, args=(pauses,))
    outcome = check = None
    with mock.patch.object(Trainer, "_epochs", epochs), warnings.catch_warnings():
        warnings.simplefilter("ignore", InterruptedWarning)
        try:
            sender.start()
            updates, check = run()
            outcome = "trained" if updates else "at the start"
            sender.join()
        except KeyboardInterrupt:
            if outcome is None:
                outcome = "scoring" if run is run_evaluate else "before"
                assert not begun or run is run_evaluate, "what was trained is lost"
    while sender.is_alive():
        with contextlib.suppress(KeyboardInterrupt):
            sender.join()
    if check is not None:
        check()
    return outcome


def interrupted_command(folder, pauses, training):
    """Return how a command ended that is interrupted from its start on, or once it trains."""
    table, model = os.path.join(folder, "table.npz"), os.path.join(folder, "model")
    if not os.path.exists(table):
        np.savez(table, X=X, y=Y)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(model)
    command = ["train", table, "--hidden", "256", "--epochs", "100000", "-o", model]
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", *command], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    while training and not process.stdout.readline().startswith("epoch 1/"):
        assert process.poll() is None
    for pause in pauses:
        time.sleep(pause)
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WATCHDOG)
    if not training and not out and process.returncode == -signal.SIGINT:  # Python was starting
        return "command at its start"
    assert process.returncode == 130, (process.returncode, err)
    if training or os.path.exists(model):
        assert cr.load_model(model).history.epoch is not None
        return "command with a model"
    return "command without a model"


def main(count, seed):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chance = random.Random(seed)
    os.environ["CHAINRULE_NUM_THREADS"] = "2"
    outcomes = Counter()
    with (
        mock.patch("concurrent.futures.ThreadPoolExecutor", CheckedExecutor),
        tempfile.TemporaryDirectory() as folder,
    ):
        minimized(epochs=1)  # compile
        fitted(network(), 1)
        network().evaluate(X, Y)
        imports.tables(folder)
        for number in range(count):
            faulthandler.dump_traceback_later(WATCHDOG, exit=True)
            if number % 10 == 9:
                training = chance.random() < 0.7
                first = chance.uniform(0, 0.3) if training else chance.uniform(0.2, 3)
                pauses = [first, *[chance.uniform(0, 0.1)] * chance.randint(0, 1)]
                outcomes[interrupted_command(folder, pauses, training)] += 1
                continue
            if number % 10 == 4:
                library = list(imports.FIRST)[number // 10 % len(imports.FIRST)]
                pause = chance.uniform(0, imports.MOMENTS)
                outcomes[imports.interrupted_import(folder, library, pause)] += 1
                continue
            run = RUNS[number % len(RUNS)]
            first = chance.choice([chance.uniform(0, 0.01), chance.uniform(0, 0.2)])
            pauses = [first, *[chance.choice([0, chance.uniform(0, 0.02)])] * chance.randint(0, 1)]
            outcomes[interrupted(run, pauses)] += 1
            outcomes["twice"] += len(pauses) > 1
            assert_nothing_left()
        faulthandler.cancel_dump_traceback_later()
    assert CheckedExecutor.submitted > count
    print(f"{count} interrupts:", ", ".join(f"{n} {what}" for what, n in outcomes.most_common()))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
