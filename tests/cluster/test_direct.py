"""Files through the system's cache, or past it: what is read is the same."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule._src.cluster import direct as files
from chainrule._src.cluster import job
from chainrule._src.cluster.groups import groups_of
from chainrule._src.compile.running import steps

pytestmark = pytest.mark.portable

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder; where its file system knows no way past the cache, pages come through it."""
    made = tmp_path_factory.mktemp("maps")
    (made / "some").write_bytes(bytes(2 * files.PAGE))
    with pytest.MonkeyPatch.context() as patch:
        if not files._allows(str(made / "some"), 0):
            patch.setattr(files, "DIRECT", getattr(os, "O_CLOEXEC", None) or os.O_NOINHERIT)
        yield made


@pytest.fixture
def direct(monkeypatch):
    """Files of any size are read past the cache."""
    monkeypatch.setattr(files, "SHARE", 0.0)


def map_of(path):
    (group,) = groups_of(path, np.zeros(len(np.load(path, mmap_mode="r"))), None, 1)
    return group.arrays[0]


@given(
    st.integers(1, 3000), st.integers(1, 70), st.sampled_from(["f4", "f8", "i2", "u1"]), st.data()
)
@settings(max_examples=30, deadline=None)
def test_any_rows_are_those_of_the_file(folder, rows, columns, dtype, data):
    X = RNG.integers(0, 200, (rows, columns)).astype(dtype)
    np.save(folder / "X.npy", X)
    start = data.draw(st.integers(0, rows - 1))
    stop = data.draw(st.integers(start + 1, rows))
    made = map_of(folder / "X.npy")
    each, begin = X.itemsize * columns, made.offset + start * X.itemsize * columns
    for read in (files.through_the_cache, files.past_the_cache):
        found = read(made.path, begin, (stop - start) * each, np.empty)
        np.testing.assert_array_equal(found.view(dtype).reshape(-1, columns), X[start:stop])


def test_a_large_file_is_read_past_the_cache(folder, direct, monkeypatch):
    np.save(folder / "X.npy", X := RNG.random((5000, 30)))
    made, asked = map_of(folder / "X.npy"), []
    monkeypatch.setattr(
        files, "_fill", lambda *given, fill=files._fill: asked.append(given[2:]) or fill(*given)
    )
    assert made.is_direct
    assert not groups_of(folder / "X.npy", np.zeros(5000), None, 1)[0].takes_a_core
    np.testing.assert_array_equal(made.rows(7, 4321), X[7:4321])
    start, _, flags = asked[-1]
    assert start % files.PAGE == 0
    assert flags == files.DIRECT
    monkeypatch.setattr(files, "SHARE", 0.5)
    assert not made.is_direct


def test_what_is_not_aligned_or_not_allowed_goes_through_the_cache(folder, direct, monkeypatch):
    (folder / "odd").write_bytes(b"abc" + np.arange(100.0).tobytes())
    odd = np.memmap(folder / "odd", np.float64, "r", offset=3, shape=(20, 5))
    made = groups_of(odd, np.zeros(20), None, 1)[0].arrays[0]
    assert not made.is_direct
    np.testing.assert_array_equal(made.rows(3, 9), odd[3:9])
    np.save(folder / "X.npy", np.ones((9, 2)))
    files._allows.cache_clear()
    monkeypatch.setattr(os, "open", lambda *given: (_ for _ in ()).throw(OSError(22, "Invalid")))
    assert not map_of(folder / "X.npy").is_direct
    files._allows.cache_clear()


@pytest.mark.portable(quick="everywhere")
def test_a_file_that_became_shorter_is_said(folder, direct):
    np.save(folder / "X.npy", np.ones((3000, 5)))
    made = map_of(folder / "X.npy")
    os.truncate(folder / "X.npy", 9000)
    with pytest.raises(cr.errors.FileError, match=r"ends before row 3000"):
        made.rows(2000, 3000)


def test_training_is_the_same(folder, direct, monkeypatch):
    np.save(folder / "X.npy", RNG.random((2000, 12)))
    np.save(folder / "y.npy", np.arange(2000) % 3)

    def fitted():
        layers = [cr.layers.Dense(8, "tanh"), cr.layers.Dense(3, "softmax")]
        model = cr.Sequential(layers, seed=0)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(folder / "X.npy", folder / "y.npy", epochs=2, shards=2, seed=0, verbose=0)
        return model.get_weights()

    past = fitted()
    monkeypatch.setattr(files, "SHARE", 1.0)
    for one, other in zip(past, fitted(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("compression", ["none", "snappy"])
@pytest.mark.parametrize("dictionary", [False, True])
def test_row_groups_of_a_large_file_are_read_past_the_cache(
    folder, direct, monkeypatch, compression, dictionary
):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    lists = pa.FixedSizeListArray.from_arrays(RNG.random(9000).astype("f4"), 3)
    table = pa.table({"x": lists, "k": np.arange(3000) % 7, "y": np.arange(3000) % 2})
    parquet.write_table(
        table, folder / "a.parquet", row_group_size=1000, compression=compression,
        use_dictionary=dictionary,
    )  # fmt: skip
    read, count = files.past_the_cache, []
    groups = groups_of(folder / "a.parquet", "y", None, 1)
    assert files.is_direct(groups[0].path, groups[0].written, 1)
    monkeypatch.setattr(files, "past_the_cache", lambda *a: count.append(1) or read(*a))
    past = [group.read() for group in groups]
    assert len(count) == 3
    monkeypatch.setattr(files, "SHARE", 1.0)
    for (X, y), group in zip(past, groups, strict=True):
        other_X, other_y = group.read()
        np.testing.assert_array_equal(X, other_X)
        np.testing.assert_array_equal(y, other_y)
    assert len(count) == 3


def test_rounds_choose_their_engine_whatever_ran_before(folder, monkeypatch):
    """Workers that have trained other jobs must not run another engine than the others."""
    X, y = RNG.random((600, 5)).astype("f4"), np.arange(600) % 3
    runs = []
    made = job.make_run
    monkeypatch.setattr(job, "make_run", lambda *a, **k: runs.append(made(*a, **k)) or runs[-1])

    def fitted():
        layers = [cr.layers.Dense(8, "tanh"), cr.layers.Dense(3, "softmax")]
        model = cr.Sequential(layers, seed=0)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(X, y, epochs=2, shards=2, seed=0, verbose=0)
        return model.get_weights()

    monkeypatch.setattr(steps, "COMPILING", 0.0)
    monkeypatch.setattr(steps, "COMPILING_EQUATION", 1e-3)
    weights = [fitted() for _ in range(6)]
    assert len({run.engine.name for run in runs}) == 1
    for later in weights[1:]:
        for one, other in zip(weights[0], later, strict=True):
            np.testing.assert_array_equal(one, other)
