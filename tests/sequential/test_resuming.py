"""A run that goes on from a checkpoint ends, to the bit, as if it had never been interrupted."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from tests.storage.test_files import NOBODY

import chainrule as cr
from chainrule import callbacks, layers
from chainrule.errors import DataError, FileError
from chainrule.storage import read_tensors, write_tensors

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5)).astype("f4")
Y = (X[:, 0] > 0) + (X[:, 1] > 0.3) * 1
HELD = (RNG.normal(size=(20, 5)).astype("f4"), RNG.integers(3, size=20))
EPOCHS = 6
N_KILLS = 40

OPTIMIZERS = {
    "adam": lambda: cr.optimizers.Adam(0.02),
    "momentum": lambda: cr.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "schedule": lambda: cr.optimizers.RMSprop(cr.schedules.CosineDecay(0.05, 12)),
    "average": lambda: cr.optimizers.Adam(
        0.02, use_ema=True, ema_momentum=0.8, gradient_accumulation_steps=2, clipnorm=0.5
    ),
}
CALLBACKS = {
    "none": list,
    "stopping": lambda: [
        callbacks.EarlyStopping(patience=2, restore_best_weights=True, start_from_epoch=1)
    ],
    "plateau": lambda: [
        callbacks.ReduceLROnPlateau("loss", patience=1, factor=0.5, min_delta=0.05, cooldown=1)
    ],
    "scheduler": lambda: [callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.8)],
}


def model(optimizer="adam", engine="numpy"):
    made = cr.Sequential(
        [
            layers.Input((5,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(momentum=0.8),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ],
        seed=0,
    )
    made.compile(
        OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy", metrics=["accuracy"],
        engine=engine,
    )  # fmt: skip
    return made


def trained(made, watching=(), **options):
    arguments = {"epochs": EPOCHS, "batch_size": 16, "validation_data": HELD, "verbose": 0}
    made.fit(X, Y, callbacks=list(watching), **{**arguments, **options})
    return made


def assert_same(a, b):
    assert a.history == b.history
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    states = a.optimizer_state, b.optimizer_state
    assert states[0].keys() == states[1].keys()
    np.testing.assert_equal(*states)
    assert a.rng.bit_generator.state == b.rng.bit_generator.state


@pytest.mark.parametrize(
    ("optimizer", "watching", "engine"),
    [(optimizer, "none", "numpy") for optimizer in OPTIMIZERS]
    + [("momentum", watching, "numpy") for watching in CALLBACKS]
    + [("adam", "stopping", "compiled"), ("momentum", "plateau", "compiled")],
)
def test_from_every_epoch_on_a_run_ends_the_same(tmp_path, optimizer, watching, engine):
    saving = callbacks.ModelCheckpoint(tmp_path / "{epoch}")
    whole = trained(model(optimizer, engine), [*CALLBACKS[watching](), saving])
    saved = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    assert len(saved) == len(whole.history.epoch)
    for path in saved:
        other = model(optimizer, engine)
        assert_same(trained(other, CALLBACKS[watching](), resume_from=path), whole)


def test_callbacks_that_show_progress_may_come_and_go(tmp_path):
    stopping = CALLBACKS["stopping"]
    saving = callbacks.ModelCheckpoint(tmp_path / "{epoch}")
    whole = trained(model(), [*stopping(), saving])
    other = trained(model(), [lambda *_: None, *stopping()], resume_from=tmp_path / "2", verbose=2)
    assert_same(other, whole)


def test_a_run_that_was_told_to_stop_has_ended(tmp_path):
    def stop(epoch, logs):
        return epoch == 1

    saving = callbacks.ModelCheckpoint(tmp_path / "last")
    whole = trained(model(), [stop, saving])
    again = trained(model(), [saving], resume_from=tmp_path / "last")
    assert_same(again, whole)


def test_rows_that_a_killed_run_wrote_after_its_checkpoint_are_written_once(tmp_path):
    def run(**options):
        saving = callbacks.ModelCheckpoint(tmp_path / "{epoch}")
        trained(model(), [callbacks.CSVLogger(tmp_path / "log"), saving], **options)

    run()
    expected = (tmp_path / "log").read_bytes()
    run(resume_from=tmp_path / "3")
    assert (tmp_path / "log").read_bytes() == expected


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    made = trained(model(), epochs=1)
    made.save(tmp_path / "model")
    other = cr.Sequential([layers.Dense(3)], seed=0)
    other.compile("sgd", "mse")
    with pytest.raises(DataError, match="another architecture"):
        other.fit(X, Y, verbose=0, resume_from=tmp_path / "model")


def test_a_model_saved_without_training_is_refused_and_nothing_changes(tmp_path):
    made = trained(model(), epochs=1)
    made.save(tmp_path / "model", training=False)
    history, weights = made.history, made.get_weights()
    with pytest.raises(DataError, match="without what training needs"):
        trained(made, resume_from=tmp_path / "model")
    with pytest.raises(FileError, match="No such file"):
        trained(made, resume_from=tmp_path / "nowhere")
    assert made.history is history
    for a, b in zip(made.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


# Interrupted for good


def killed(run, after):
    """Run in a process that is killed after some seconds, if it has not ended; say how it went."""
    child = os.fork()
    if not child:
        signal.alarm(60)
        code = 1
        try:
            run()
            code = 0
        finally:
            os._exit(code)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def killed_again_and_again(path):
    """Train, killed at random moments, until the end; hold it against a run in peace."""
    epochs = 400

    def run():
        watching = [*CALLBACKS["plateau"](), callbacks.ModelCheckpoint(path)]
        start = {"resume_from": path} if path.exists() else {}
        return trained(model("momentum"), watching, epochs=epochs, **start)

    seconds, n_killed, rng = 0.3, 0, np.random.default_rng(0)
    while n_killed < N_KILLS:
        status = killed(run, rng.uniform(0, seconds))
        n_killed += status == signal.SIGKILL
        assert status in (0, signal.SIGKILL)
        if path.exists():
            reached = cr.load_model(path).history.epoch[-1]
            if reached > epochs - 50:  # there is to be something left to interrupt
                epochs += 50
    end = run()
    assert n_killed == N_KILLS
    assert_same(end, trained(model("momentum"), CALLBACKS["plateau"](), epochs=epochs))


def test_however_often_it_is_killed_a_run_ends_the_same(tmp_path):
    # In a process of its own, without the threads of other tests: it can be forked.
    program = "import sys; from tests.sequential import test_resuming as t; t." + (
        f"{killed_again_and_again.__name__}(t.Path(sys.argv[1]))"
    )
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "last"],
        capture_output=True,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr


# Nowhere to write to


def full(folder):
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, USUAL[1]))


def read_only(folder):
    folder.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)


USUAL, USER = resource.getrlimit(resource.RLIMIT_FSIZE), os.geteuid()


@pytest.mark.parametrize("spoil", [full, read_only])
def test_where_nothing_can_be_written_the_last_checkpoint_stays(spoil):
    folder, made, saved = Path(tempfile.mkdtemp(dir="/tmp")), model(), []
    folder.chmod(0o755)
    path = folder / "last"

    def in_the_third_epoch(epoch, logs):
        if epoch == 2:
            saved.append(path.read_bytes())
            spoil(folder)

    try:
        with pytest.raises(FileError, match="cannot write"):
            trained(made, [in_the_third_epoch, callbacks.ModelCheckpoint(path)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, USUAL)
        os.seteuid(USER)
        folder.chmod(0o755)
    assert [path.read_bytes()] == saved
    assert [file.name for file in folder.iterdir()] == ["last"]
    assert made.history.epoch == [0, 1, 2]  # the third epoch is trained, though not saved
    for a, b in zip(made.get_weights(), trained(model(), epochs=3).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert_same(trained(model(), resume_from=path), trained(model()))
    shutil.rmtree(folder)


def test_a_checkpoint_with_damaged_states_of_callbacks_is_refused(tmp_path):
    watching = [*CALLBACKS["plateau"](), callbacks.ModelCheckpoint(tmp_path / "last")]
    trained(model(), watching, epochs=1)
    arrays, document = read_tensors(tmp_path / "last")
    del document["training"]["callbacks"][0]["wait"]
    write_tensors(tmp_path / "last", arrays, document)
    with pytest.raises(FileError, match=r"ReduceLROnPlateau.*'wait'"):
        trained(model(), watching, resume_from=tmp_path / "last")
