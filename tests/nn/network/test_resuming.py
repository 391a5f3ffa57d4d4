"""A run that goes on from a checkpoint ends, to the bit, as if it had never been interrupted."""

import copy
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.data.storage.test_files import NOBODY, no_larger_file_than

import chainrule as cr
from chainrule import callbacks, layers
from chainrule.errors import DataError, FileError
from chainrule.storage import read_tensors, write_tensors

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5)).astype("f4")
Y = (X[:, 0] > 0) + (X[:, 1] > 0.3) * 1
HELD = (RNG.normal(size=(20, 5)).astype("f4"), RNG.integers(3, size=20))
EPOCHS = 6
PATHS = os.pathsep.join([str(Path(__file__).parents[3]), *sys.path])

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


@cache
def whole_run(watching, **options):
    return trained(model(), CALLBACKS[watching](), **options)


def uninterrupted(watching, **options):
    """Return a model that a run without interruption has trained, once for all tests."""
    return copy.deepcopy(whole_run(watching, **options))


def assert_same(a, b):
    assert a.history == b.history
    for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    states = a.optimizer_state, b.optimizer_state
    assert states[0].keys() == states[1].keys()
    np.testing.assert_equal(*states)
    assert a.rng.bit_generator.state == b.rng.bit_generator.state


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize(
    ("optimizer", "watching", "engine"),
    [(optimizer, "none", "numpy") for optimizer in OPTIMIZERS]
    + [("momentum", watching, "numpy") for watching in CALLBACKS if watching != "none"]
    + [("adam", "stopping", "compiled"), ("momentum", "plateau", "compiled")],
)
def test_from_every_epoch_on_a_run_ends_the_same(tmp_path, optimizer, watching, engine):
    saving = callbacks.ModelCheckpoint(tmp_path / "{epoch}")
    whole = trained(model(optimizer, engine), [*CALLBACKS[watching](), saving])
    saved = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    assert len(saved) == len(whole.history.epoch)
    for path in saved[:: 2 if watching == "none" else 1]:  # callbacks count epochs
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


def another_loss(made):
    """Compile with another loss, one of the user's own."""

    def squares(y_true, y_pred):
        return cr.losses.sparse_categorical_crossentropy(y_true, y_pred) ** 2

    made.compile(made.optimizer, squares, ["accuracy"])


def with_optimizer(optimizer):
    def compiled(made):
        made.compile(optimizer(), "sparse_categorical_crossentropy", ["accuracy"])

    return compiled


Adam, SGD, Schedule = cr.optimizers.Adam, cr.optimizers.SGD, cr.schedules.CosineDecay
WEIGHTS = np.linspace(0.5, 1.5, len(X))
ANOTHER_ROW = np.concatenate([X[:-1], X[-1:] + 1])
# What another run has: arguments of fit and a change of the model; and what is said of it.
DIFFERENT = {
    "data": ({"x": ANOTHER_ROW}, None, r"x is float32 of shape \(60, 5\) with digest \w+, it was "),
    "targets": ({"y": Y[::-1].copy()}, None, r"y is int64 of shape \(60,\) .*, it was int64"),
    "rows": ({"x": X[:50], "y": Y[:50]}, None, r"x is .*\(50, 5\).*, it was .*\(60, 5\)"),
    "held": ({"validation_data": (HELD[0] * 2, HELD[1])}, None, "validation x is .*, it was"),
    "none held": ({"validation_data": None}, None, "validation x is none, it was"),
    "weights": ({"sample_weight": WEIGHTS}, None, "sample_weight is .*, it was none"),
    "classes": ({"class_weight": {0: 1.0, 1: 2.0, 2: 3.0}}, None, "sample_weight is .*, it was"),
    "batch": ({"batch_size": 32}, None, "batch_size is 32, it was 16"),
    "steps": ({"steps_per_epoch": 2}, None, "steps_per_epoch is 2, it was 4"),
    "order": ({"shuffle": False}, None, "shuffle is False, it was True"),
    "loss": ({}, another_loss, "loss is .*squares.*, it was SparseCategoricalCrossentropy"),
    "optimizer": ({}, with_optimizer(SGD), "optimizer is SGD, it was Adam"),
    "rate": ({}, with_optimizer(lambda: Adam(0.5)), r"learning_rate is 0\.5, it was 0\.02"),
    "schedule": (
        {}, with_optimizer(lambda: Adam(Schedule(0.02, 9))),
        r"learning_rate is CosineDecay\(.*9.*\), it was 0\.02",
    ),
    "momentum": ({}, with_optimizer(lambda: Adam(0.02, 0.5)), r"beta_1 is 0\.5, it was 0\.9"),
    "clipping": ({}, with_optimizer(lambda: Adam(0.02, clipnorm=1)), "clipnorm is 1.0, it was"),
}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "last"
    trained(model("adam"), [callbacks.ModelCheckpoint(path)], epochs=2)
    return path


@pytest.mark.parametrize("difference", list(DIFFERENT))
def test_what_would_make_it_another_run_is_refused_by_name(checkpoint, difference):
    arguments, change, message = DIFFERENT[difference]
    other = model("adam")
    if change is not None:
        change(other)
    before = other.get_weights(), other.optimizer.learning_rate, other.rng.bit_generator.state
    options = {"x": X, "y": Y, "epochs": EPOCHS, "batch_size": 16, "validation_data": HELD}
    with pytest.raises(DataError, match=message):
        other.fit(**{**options, **arguments}, verbose=0, resume_from=checkpoint)
    assert other.optimizer.learning_rate == before[1]
    assert other.rng.bit_generator.state == before[2]
    for a, b in zip(other.get_weights(), before[0], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", list(cr.optimizers.OPTIMIZERS))
def test_the_first_argument_of_every_optimizer_is_compared(tmp_path, name):
    kind = cr.optimizers.OPTIMIZERS[name]
    made = cr.Sequential([layers.Input((5,)), layers.Dense(3)], seed=0)
    made.compile(kind(0.25), "sparse_categorical_crossentropy")
    assert made.optimizer.learning_rate == 0.25
    made.fit(X, Y, verbose=0)
    made.save(tmp_path / "last")
    made.compile(kind(0.5), "sparse_categorical_crossentropy")
    with pytest.raises(DataError, match=r"learning_rate is 0\.5, it was 0\.25"):
        made.fit(X, Y, verbose=0, epochs=2, resume_from=tmp_path / "last")


def test_more_than_one_difference_is_told_at_once(checkpoint):
    other = model("momentum")
    with pytest.raises(DataError, match=r"batch_size is 8.*shuffle is False.*optimizer is SGD"):
        trained(other, batch_size=8, shuffle=False, resume_from=checkpoint)


def test_a_batch_size_that_comes_to_the_same_is_the_same(tmp_path):
    made = trained(model(), epochs=1, batch_size=60)
    made.save(tmp_path / "last")
    other = trained(model(), epochs=2, batch_size=1000, resume_from=tmp_path / "last")
    assert other.history.epoch == [0, 1]


def test_a_run_may_go_on_as_the_rate_was_and_as_it_became(tmp_path):
    def halving():
        return callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)

    saving = callbacks.ModelCheckpoint(tmp_path / "{epoch}")
    whole = trained(model("momentum"), [halving(), saving])
    again = model("momentum")
    assert_same(trained(again, [halving()], resume_from=tmp_path / "3"), whole)
    read = cr.load_model(tmp_path / "3")
    assert read.optimizer.learning_rate == 0.1 / 8
    assert_same(trained(read, [halving(), saving], resume_from=tmp_path / "3"), whole)
    third = model("momentum")  # a checkpoint of that run still knows how the first began
    assert_same(trained(third, [halving()], resume_from=tmp_path / "5"), whole)
    with pytest.warns(UserWarning, match=r"goes on with 0\.0125, as in .*3; it was set to 0\.0015"):
        trained(again, [halving()], resume_from=tmp_path / "3")


def test_an_engine_that_was_asked_for_gives_way_and_that_is_said(checkpoint):
    other = model("adam", "compiled")
    with pytest.warns(UserWarning, match="the engine goes on to be 'numpy'"):
        trained(other, resume_from=checkpoint)
    assert_same(other, trained(model("adam")))


def test_large_data_are_compared_here_and_there(tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule._src.nn.network.conditions.READ", 12 * X[0].nbytes)
    trained(model(), [callbacks.ModelCheckpoint(tmp_path / "last")], epochs=1)
    trained(model(), resume_from=tmp_path / "last")
    for at in (0, 59):
        other = X.copy()
        other[at] += 1
        with pytest.raises(DataError, match=r"x is .*, it was"):
            model().fit(
                other, Y, 16, 2, verbose=0, validation_data=HELD, resume_from=tmp_path / "last"
            )


@pytest.mark.parametrize("damage", [5, {}, {"settings": 5}, {"settings": {}, "data": 5}])
def test_a_checkpoint_with_damaged_conditions_is_refused(checkpoint, tmp_path, damage):
    arrays, document = read_tensors(checkpoint)
    document["training"]["conditions"] = damage
    write_tensors(tmp_path / "last", arrays, document)
    with pytest.raises(FileError, match="the conditions of the run"):
        trained(model("adam"), resume_from=tmp_path / "last")


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


@pytest.mark.thorough  # many kills
def test_however_often_it_is_killed_a_run_ends_the_same():
    # In a process of its own, without the threads of other tests: it can be forked.
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.kills", "3"],
        capture_output=True,
        text=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": PATHS},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("3 kills of") == 2


@pytest.mark.thorough  # processes
def test_whatever_a_checkpoint_says_a_run_goes_on_or_refuses_it():
    done = subprocess.run(
        [sys.executable, "-m", "tests.torture.hostile", "15"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": PATHS},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("15 hostile") == 2


# Nowhere to write to


def full(folder, undone):
    undone.enter_context(no_larger_file_than(100))


def read_only(folder, undone):
    undone.callback(folder.chmod, 0o755)
    folder.chmod(0o555)
    undone.callback(os.seteuid, os.geteuid())
    if os.geteuid() == 0:
        os.seteuid(NOBODY)


@pytest.mark.parametrize("spoil", [full, read_only])
def test_where_nothing_can_be_written_the_last_checkpoint_stays(spoil):
    folder, made, saved = Path(tempfile.mkdtemp(dir="/tmp")), model(), []
    folder.chmod(0o755)
    path = folder / "last"

    def in_the_third_epoch(epoch, logs):
        if epoch == 2:
            saved.append(path.read_bytes())
            spoil(folder, undone)

    with ExitStack() as undone, pytest.raises(FileError, match="cannot write"):
        trained(made, [in_the_third_epoch, callbacks.ModelCheckpoint(path)])
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


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("stop", [1, 2, 3, 5])
def test_a_pass_that_takes_several_epochs_goes_on_where_it_was(tmp_path, stop, shuffle):
    options = {"steps_per_epoch": 3, "batch_size": 8, "shuffle": shuffle}  # 8 batches: 3, 3, 2
    whole = uninterrupted("none", **options)
    path = tmp_path / "m"
    trained(model(), [callbacks.ModelCheckpoint(path)], epochs=stop, **options)
    assert_same(trained(model(), resume_from=path, **options), whole)


# In the middle of an epoch


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"steps_per_epoch": 3}])
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_from_every_batch_on_the_weights_end_the_same(tmp_path, options, engine):
    saving = callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_freq=1)
    whole = trained(model(engine=engine), [saving], epochs=2, **options)
    saved = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert len(saved) == int(whole.optimizer.iterations)
    assert saved[1].name == "1-2"
    for path in saved if engine == "numpy" else saved[1::3]:
        other = trained(model(engine=engine), epochs=2, resume_from=path, **options)
        for one, two in zip(other.get_weights(), whole.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)
        assert other.history.val_loss[-1] == whole.history.val_loss[-1]


def test_models_are_saved_after_so_many_batches_over_epochs(tmp_path):
    saving = callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_freq=6)
    trained(model(), [saving], epochs=4)  # of 4 batches each
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2-2", "3-4"]


# Again and again


class Failing(callbacks.Callback):
    def __init__(self, event, at, error=RuntimeError):
        self.left, self.error = at, error
        setattr(self, event, self.fail)

    def fail(self, *_):
        self.left -= 1
        if self.left == 0:
            raise self.error


def assert_goes_on_as(again, whole, first):
    """Hold a run that went on from a backup against a whole one, scores from an epoch on."""
    assert again.history.epoch == whole.history.epoch[first:]
    for name, scores in whole.history.history.items():
        assert again.history.history[name] == scores[first:]
    again.history = whole.history
    assert_same(again, whole)


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("at", [1, 4, 5, 9, 24])
@pytest.mark.parametrize(("freq", "watching"), [("epoch", "plateau"), (2, "none")])
def test_a_program_run_again_goes_on_from_its_backup(tmp_path, at, freq, watching):
    def run(*more):
        back = callbacks.BackupAndRestore(tmp_path / "backup", freq)
        return trained(model(), [back, *CALLBACKS[watching](), *more])

    whole = uninterrupted(watching)
    with pytest.raises(RuntimeError):
        run(Failing("on_train_batch_end", at))
    again = run()
    assert not (tmp_path / "backup").exists()
    if freq != "epoch":  # scores of an epoch are those of its remaining batches
        whole.history.history = again.history.history = {}
    batches = -(-len(X) // 16)
    assert_goes_on_as(again, whole, (at - 1) // batches)


def test_a_run_that_was_interrupted_keeps_its_backup(tmp_path):
    back = callbacks.BackupAndRestore(tmp_path)
    with pytest.warns(cr.errors.InterruptedWarning):
        trained(model(), [back, Failing("on_epoch_begin", 3, KeyboardInterrupt)])
    again = trained(model(), [callbacks.BackupAndRestore(tmp_path)])
    assert_goes_on_as(again, trained(model()), 2)


def test_a_backup_stays_where_that_is_wished_and_is_not_taken_for_another_run(tmp_path):
    back = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    trained(model(), [back], epochs=2)
    with pytest.raises(DataError, match="remove the backup"):
        trained(model(), [back], epochs=3, batch_size=5)
    assert_goes_on_as(trained(model(), [back], epochs=3), trained(model(), epochs=3), 2)
