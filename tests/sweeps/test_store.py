import errno
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pace import KNOWS_STARTS, SLOWNESS
from tests.sweeps.fakes import FakeFleet
from tests.sweeps.stored import CONDITIONS, SPACE, assert_same, swept, swept_slowly

import chainrule as cr
from chainrule._src.sweeps.journal import Journal, Journals, line_of, record_of
from chainrule._src.sweeps.leases import Leases, Workers, _started
from chainrule._src.sweeps.store import FolderStore
from chainrule.errors import DataError, FileError, InterruptedWarning, OptionError

pytestmark = pytest.mark.portable

ROOT = Path(__file__).parents[2]


of_posix = pytest.mark.skipif(sys.platform == "win32", reason="forks, and processes that stop")

others_live = pytest.mark.skipif(not KNOWS_STARTS, reason="qemu: see tests/pace.py")


@pytest.fixture(scope="module")
def expected():
    return swept(None)


def python(*arguments, **options):
    """Start another process."""
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, text=True, **options)


def wait_for(path, lines):
    """Wait until so many batches are written."""
    end = time.monotonic() + 60 * SLOWNESS
    while sum(file.read_bytes().count(b"\n") for file in path.glob("journal/*")) < lines:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_store_changes_nothing(tmp_path, expected):
    fleet = FakeFleet()
    assert_same(swept(tmp_path, fleet), expected)
    again = FakeFleet()
    assert_same(swept(tmp_path, again), expected)
    assert again.models == 0
    assert not any((tmp_path / "workers").iterdir())
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"0-2", "1-1", "2-0"}


@pytest.mark.thorough  # many kills
@of_posix
def test_what_is_killed_goes_on_to_the_same_bits():
    out, _ = python("tests.torture.sweeps", 3, stdout=subprocess.PIPE).communicate(
        timeout=60 * SLOWNESS
    )
    assert out.startswith("3 kills of ")


@pytest.mark.thorough  # processes
@others_live
def test_two_processes_share_the_work(tmp_path, expected):
    other = python("tests.sweeps.stored", tmp_path, 0.005)
    wait_for(tmp_path, 1)
    assert_same(swept_slowly(tmp_path, 0.001), expected)
    assert other.wait(60 * SLOWNESS) == 0
    again = FakeFleet()
    assert_same(swept(tmp_path, again), expected)
    assert again.models == 0
    records = [
        [record_of(line) for line in file.read_bytes().splitlines()]
        for file in tmp_path.glob("journal/*")
    ]
    counts = [sum(len(record["numbers"]) for record in each) for each in records]
    assert len(counts) == 2
    assert min(counts) > 0
    assert sum(counts) == sum(len(rung.candidates) for rung in expected.rungs)


@of_posix
@others_live
def test_the_work_of_a_dead_one_is_taken(tmp_path, expected):
    other = python("tests.sweeps.stored", tmp_path, 0.01)
    wait_for(tmp_path, 1)
    time.sleep(0.03)
    other.send_signal(signal.SIGSTOP)  # it is there, and holds what it has taken
    seen = []

    def wait(store, rung):
        seen.append(rung.name)
        if len(seen) == 2:
            other.kill()
            other.wait()
        store._read_journals()
        store._update(rung)

    with mock.patch("chainrule._src.sweeps.store.FolderStore.wait", wait):
        assert_same(swept(tmp_path), expected)
    assert seen[0] == seen[1]


@pytest.mark.parametrize("ends", [False, True])  # ... and may end the rung, too
def test_what_the_last_owner_of_a_lease_has_written_is_not_done_again(tmp_path, expected, ends):
    """It may write and end between a look at the journals and the moment the lease is taken."""
    take, fleet = Leases.take, FakeFleet()

    def late(leases, piece):
        with mock.patch.object(Leases, "take", take):
            swept(tmp_path)
        return take(leases, piece)

    stays = nullcontext() if ends else mock.patch.object(FolderStore, "end")
    with stays, mock.patch.object(Leases, "take", late):
        assert_same(swept(tmp_path, fleet), expected)
    assert fleet.models == 0


def test_a_process_elsewhere_is_dead_when_nothing_changes(tmp_path):
    with mock.patch("chainrule._src.sweeps.leases._machine", return_value="another"):
        other = Workers(tmp_path, patience=0.15 * SLOWNESS, renewed=0.01)
    here = Workers(tmp_path, patience=0.15 * SLOWNESS, renewed=0.01)
    try:
        theirs, ours = (Leases(tmp_path / "leases", each) for each in (other, here))
        assert theirs.take(0)
        end = time.monotonic() + 0.3 * SLOWNESS
        while time.monotonic() < end:
            assert not ours.take(0)
            time.sleep(0.02)
        other._end.set()  # it dies
        other._thread.join()
        assert not ours.take(0)
        time.sleep(0.2 * SLOWNESS)
        assert ours.take(0)
        assert not theirs.take(0)
    finally:
        here.close()


@pytest.mark.parametrize("content", [b"", b"\0", b"../../x", b"x" * 999, b"7-0123456789zz"])
def test_a_damaged_lease_is_nobodys(tmp_path, content):
    here, other = (Workers(tmp_path, renewed=60) for _ in range(2))
    ours, theirs = (Leases(tmp_path / "leases", each) for each in (here, other))
    (tmp_path / "leases" / "0.0").write_bytes(content)
    assert ours.take(0)
    assert not theirs.take(0)
    for each in (here, other):
        each.close()
    assert {path.name for path in tmp_path.iterdir()} == {"leases"}


def test_leases_need_no_links(tmp_path):
    with mock.patch("os.link", side_effect=OSError("no links")):
        test_one_of_many_takes_a_piece(tmp_path)


@pytest.mark.portable(quick="everywhere")
def test_one_of_many_takes_a_piece(tmp_path):
    many = [Workers(tmp_path, renewed=60) for _ in range(4)]
    leases = [Leases(tmp_path / "leases", each) for each in many]
    taken = [[each.take(piece) for each in leases] for piece in range(20)]
    assert [row.count(True) for row in taken] == [1] * 20
    many[0].close()
    assert [leases[1].take(piece) for piece in range(20)] == [True] * 20
    for each in many[1:]:
        each.close()


VALUES = (
    st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.none() | st.integers(-9, 9)
)


@given(st.dictionaries(st.text(), st.lists(VALUES), min_size=1), st.integers(0, 10**6))
def test_a_line_is_whole_or_nothing(record, at):
    record = {key: value for key, value in record.items() if key != "crc"}
    line = line_of(record)[:-1]
    found = record_of(line)
    assert found is not None
    assert {key: value for key, value in found.items() if key != "crc"} == record
    assert json.loads(line)["crc"]
    at %= len(line)
    assert record_of(line[:at]) is None
    assert record_of(line[:at] + bytes([line[at] ^ 16]) + line[at + 1 :]) is None


def test_damaged_lines_are_skipped_counted_and_said(tmp_path, expected):
    swept(tmp_path)
    (journal,) = tmp_path.glob("journal/*")
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 4
    lines[0] = lines[0].replace(b"0.", b"1.", 1)
    lines[1] = b"\0" * 300 + b"\n"
    lines[2] = line_of({"rung": "0-0", "numbers": [1, 2], "scores": {"val_loss": [1]}})
    journal.write_bytes(b"".join(lines)[:-5])
    fleet = FakeFleet()
    with pytest.warns(UserWarning, match="3 damaged lines skipped and 1 line not written to the"):
        assert_same(swept(tmp_path, fleet), expected)
    assert fleet.models


def test_lost_checkpoints_are_trained_again(tmp_path, expected):
    with pytest.warns(InterruptedWarning):
        swept(tmp_path, FakeFleet(after=interrupting(100)))
    files = sorted(tmp_path.glob("checkpoints/0-0/*"))
    assert files
    content = bytearray(files[0].read_bytes())
    content[-3] ^= 1
    files[0].write_bytes(content)
    for file in files[1:]:
        file.unlink()
    assert_same(swept(tmp_path), expected)


def interrupting(after):
    seen = []

    def interrupt(outcome):
        seen.append(outcome)
        if len(seen) == after:
            raise KeyboardInterrupt

    return interrupt


def test_what_was_before_a_disk_was_full_is_kept(tmp_path, expected):
    writes, original = [], Journal.append

    def full(journal, records):
        writes.append(1)
        if len(writes) < 4:
            return original(journal, records)
        original(journal, records)
        os.truncate(journal.path, journal.path.stat().st_size - 20)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with mock.patch.object(Journal, "append", full), pytest.raises(OSError, match="No space"):
        swept(tmp_path)
    assert not any((tmp_path / "workers").iterdir())
    fleet = FakeFleet()
    with pytest.warns(UserWarning, match="1 line not written to the end; .* trained again"):
        assert_same(swept(tmp_path, fleet), expected)
    assert fleet.models < sum(len(rung.candidates) for rung in expected.rungs)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_disk_is_said(tmp_path):
    journal = Journal(tmp_path / "a")
    journal._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
    with pytest.raises(FileError, match="No space left on device; what was written before"):
        journal.append([{"a": 1}])
    journal.close()


def test_journals_grow_while_they_are_read(tmp_path):
    one, reader = Journal(tmp_path / "a.jsonl"), Journals(tmp_path)
    one.append([{"a": 1}, {"a": 2}])
    assert [record["a"] for _, record in reader.new()] == [1, 2]
    line = line_of({"a": 3})
    with (tmp_path / "b.jsonl").open("ab", buffering=0) as file:
        for byte in line:
            assert not list(reader.new())
            file.write(bytes([byte]))
    assert [record["a"] for _, record in reader.new()] == [3]
    assert (reader.damaged, reader.unfinished) == (0, 0)
    one.close()


def test_more_models_from_a_wider_space_are_welcome(tmp_path):
    first = swept(tmp_path, models=60)
    fleet, wider = (
        FakeFleet(),
        SPACE | {"lr": cr.sweeps.LogUniform(1e-4, 1e-1), "hidden": [8, *SPACE["hidden"]]},
    )
    more = swept(tmp_path, fleet, models=100, space=wider)
    assert [more.candidates.settings(n) for n in range(60)] == [
        first.candidates.settings(n) for n in range(60)
    ]
    assert min(number for number, _ in fleet.begun) == 60
    rungs = len(first.rungs)
    for rung, there in zip(first.rungs, more.rungs[:rungs], strict=True):
        np.testing.assert_array_equal(rung.score(), there.score())
    assert {more.candidates.settings(n)["hidden"] for n in range(60, 100)} == {
        8, 4, (3, 2), "raises"
    }  # fmt: skip
    again = FakeFleet()
    assert_same(swept(tmp_path, again, models=100, space=wider), more)
    assert again.models == 0


def test_a_sweep_that_grows_has_the_members_of_a_larger_one(tmp_path):
    for models in (7, 20, 30):
        grown = swept(tmp_path, models=models)
    whole = swept(None, models=30)
    assert [grown.candidates.member(n) for n in range(30)] == [
        whole.candidates.member(n) for n in range(30)
    ]


def test_what_contradicts_is_refused(tmp_path):
    swept(tmp_path, models=20)
    with pytest.raises(DataError, match=r"another sweep; here epochs is 27, it was 9\. Give"):
        swept(tmp_path, models=20, conditions=CONDITIONS | {"epochs": 27})
    with pytest.raises(
        DataError,
        match=r"lr is LogUniform\(0.01, 0.1\), it was LogUniform\(0.001, 0.1\)$",
    ):
        swept(tmp_path, models=40, space=SPACE | {"lr": cr.sweeps.LogUniform(1e-2, 1e-1)})
    with pytest.raises(OptionError, match="has 20 already, received 10"):
        swept(tmp_path, models=10)
    with pytest.raises(OptionError, match="models=40 draws as many"):
        swept(tmp_path, models=20, space=SPACE | {"lr": cr.sweeps.LogUniform(1e-4, 1)})


@pytest.mark.parametrize("name", ["sweep.json", "members-0.json"])
def test_documents_of_a_store_that_are_damaged_are_told(tmp_path, name):
    swept(tmp_path, models=20)
    content = (tmp_path / name).read_bytes()
    for at in range(len(content) - 1):  # but for the line's end
        changed = bytearray(content)
        changed[at] ^= 1
        (tmp_path / name).write_bytes(changed)
        with pytest.raises(FileError, match=rf"cannot read .*{name}"):
            swept(tmp_path, models=20)
    (tmp_path / name).write_text("{")
    with pytest.raises(FileError, match=f"cannot read .*{name}"):
        swept(tmp_path, models=20)


def test_the_store_of_another_version_is_refused(tmp_path):
    (tmp_path / "sweep.json").write_text('{"format": 1, "build": "fake", "epochs": 9, "seed": 0}')
    with pytest.raises(FileError, match=r"another version of chainrule.*give another store"):
        swept(tmp_path, models=20)


@pytest.mark.skipif(sys.platform != "linux", reason="names of processes in /proc")
def test_a_process_of_any_name_has_a_start():
    code = "import sys; open('/proc/self/comm', 'wb').write(b'\\xff)'); print(flush=True); input()"
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **options) as process:
        process.stdout.readline()
        assert _started(process.pid).isdecimal()
