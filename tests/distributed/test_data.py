"""Where data come from: files, arrays, Dask's collections; and what is wrong with them."""

import sys
import threading

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import chainrule as cr
from chainrule.distributed import groups, reading
from chainrule.distributed import parquet as row_groups
from tests.distributed.models import X, Y, assert_same, fitted, network

NAMES = [f"x{j}" for j in range(6)]
CHUNKS = (120, 0, 200, 1, 179)  # uneven, and one empty


def arrays(x=X, y=Y):
    return da.from_array(x, chunks=(CHUNKS, 6)), da.from_array(y, chunks=(CHUNKS,))


def frame():
    return pd.DataFrame(X, columns=NAMES).assign(label=Y)


def write_parquet(path, rows=100):
    parquet.write_table(pa.Table.from_pandas(frame()), path, row_group_size=rows)


@pytest.fixture(scope="module")
def expected():
    """What comes of partitions of these sizes, in this process."""
    return fitted(*arrays(), n_workers=0)


def test_partitions_empty_and_uneven(client, expected):
    assert_same(expected, fitted(*arrays(), client=client))


def test_frames_are_as_arrays(client, expected):
    parts = np.split(np.arange(500), np.cumsum(CHUNKS)[:-1])
    whole = dd.concat([dd.from_pandas(frame().iloc[part], npartitions=1) for part in parts])
    assert_same(expected, fitted(whole, "label", client=client))
    assert_same(expected, fitted(whole[NAMES], whole["label"], n_workers=0))


def test_columns_in_several_chunks_are_put_together(expected):
    x, y = arrays()
    assert_same(expected, fitted(x.rechunk((CHUNKS, 4)), y.rechunk(100), n_workers=0))


def test_parquet_files_and_npy_files_are_as_arrays(tmp_path, client):
    whole = fitted(da.from_array(X, chunks=(100, 6)), da.from_array(Y, chunks=100), n_workers=0)
    write_parquet(tmp_path / "all.parquet")
    assert_same(whole, fitted(tmp_path / "all.parquet", "label"))
    assert_same(whole, fitted(tmp_path / "all.parquet", "label", client=client))
    for number, part in enumerate(np.split(np.arange(500), 5)):
        (tmp_path / "parts").mkdir(exist_ok=True)
        frame().iloc[part].to_parquet(tmp_path / "parts" / f"{number}.parquet", index=False)
    assert_same(whole, fitted(str(tmp_path / "parts"), "label"))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", Y)
    split = fitted(shards=5)
    assert_same(split, fitted(tmp_path / "X.npy", tmp_path / "y.npy", shards=5))
    maps = [np.load(tmp_path / name, mmap_mode="r") for name in ("X.npy", "y.npy")]
    assert_same(split, fitted(*maps, shards=5, client=client))
    assert_same(fitted(X[100:], Y[100:], shards=2), fitted(*(m[100:] for m in maps), shards=2))


def test_lists_of_one_length_are_columns(tmp_path):
    lists = pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 6)
    parquet.write_table(pa.table({"x": lists, "y": Y}), tmp_path / "a.parquet", row_group_size=100)
    write_parquet(tmp_path / "b.parquet")
    assert_same(fitted(tmp_path / "b.parquet", "label"), fitted(tmp_path / "a.parquet", "y"))


def test_columns_of_all_kinds_of_numbers_come_side_by_side(tmp_path, monkeypatch):
    rng, rows = np.random.default_rng(1), 1500
    lists = rng.normal(size=(rows, 3)).astype("float32")
    late = pa.array([*range(1400), None, *range(99)], pa.int64())  # a NaN behind whole numbers
    columns = {f"a{j}": rng.normal(size=rows).astype("float32") for j in range(40)}
    columns |= {"l": pa.FixedSizeListArray.from_arrays(pa.array(lists.ravel()), 3)}
    columns |= {"late": late, "truth": rng.random(rows) < 0.5, "y": np.arange(rows) % 3}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=rows)
    monkeypatch.setattr(row_groups, "NEAR", 2**14)  # batches of some rows
    (group,) = groups.groups_of(tmp_path / "a.parquet", "y", None, 1)
    X, y = group.read()
    wide = [*(columns[f"a{j}"][:, np.newaxis] for j in range(40)), lists]
    wide += [late.to_numpy(zero_copy_only=False)[:, np.newaxis], columns["truth"][:, np.newaxis]]
    np.testing.assert_array_equal(X, np.concatenate(wide, axis=1))
    np.testing.assert_array_equal(y, columns["y"])
    assert (X.dtype, y.dtype) == (np.float64, np.int64)


def test_a_file_that_changes_while_it_is_read_is_said(tmp_path):
    write_parquet(tmp_path / "a.parquet")
    np.save(tmp_path / "X.npy", X)
    *_, last = groups.groups_of(tmp_path / "a.parquet", "label", None, 1)
    (rows,) = groups.groups_of(tmp_path / "X.npy", Y, None, 1)
    write_parquet(tmp_path / "a.parquet", rows=250)
    np.save(tmp_path / "X.npy", X[:100])
    with pytest.raises(cr.FileError, match=r"no row group 4 of 100 rows any more"):
        last.read()
    with pytest.raises(cr.FileError, match=r"ends before row 500"):
        rows.read()
    (tmp_path / "a.parquet").unlink()
    with pytest.raises(cr.FileError, match=r"cannot be read: No such file"):
        last.read()


def test_columns_that_hold_no_numbers_are_said(tmp_path):
    for name, values in {
        "texts": pa.array(["a"] * 10),
        "uneven": pa.array([[1.0]] * 9 + [[1.0, 2.0]]),
        "missing": pa.array([[1.0, 2.0]] * 9 + [None], pa.list_(pa.float32(), 2)),
    }.items():
        parquet.write_table(pa.table({name: values, "y": [0] * 10}), tmp_path / "a.parquet")
        with pytest.raises(cr.DataError, match=name):
            fitted(tmp_path / "a.parquet", "y")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_is_read_into_again_and_groups_once_an_epoch(tmp_path, monkeypatch, dtype):
    x = np.random.default_rng(0).normal(size=(4000, 6)).astype(dtype)
    np.save(tmp_path / "X.npy", x)
    np.save(tmp_path / "y.npy", np.arange(4000) % 3)
    monkeypatch.setattr(groups, "GROUP_BYTES", x.nbytes // 20)
    monkeypatch.setattr(reading, "KEPT", 0)
    taken, read = [], []
    blocks, rows = reading.Blocks.taken, groups.Slice.read

    def noted(self, size):
        taken.append(blocks(self, size))
        return taken[-1]

    def noting(self, *given, **how):
        read.append(self.start)
        return rows(self, *given, **how)

    monkeypatch.setattr(reading.Blocks, "taken", noted)
    monkeypatch.setattr(groups.Slice, "read", noting)
    model = fitted(tmp_path / "X.npy", tmp_path / "y.npy", shards=1, epochs=3)
    assert len(read) == 1 + 3 * 20  # the first rows tell what to record
    assert len({id(block) for block in taken}) <= 12  # of samples and targets, a few groups each
    plain = fitted(x, np.arange(4000) % 3, shards=1, epochs=3)
    assert_same(plain, model)


def test_weights_of_samples_and_classes(client):
    weight, by_class = np.linspace(0.1, 2, 500), {0: 2.0, 1: 0.5}
    x, y = da.from_array(X, chunks=(100, 6)), da.from_array(Y, chunks=100)
    w = da.from_array(weight, chunks=100)
    a = fitted(X, Y, sample_weight=weight, class_weight=by_class, shards=5)
    b = fitted(x, y, sample_weight=w, class_weight=by_class, client=client, shards=5)
    assert_same(a, b)
    plain = fitted(X, Y, sample_weight=weight * np.array([2.0, 0.5, 1.0])[Y], shards=5)
    for one, other in zip(a.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_file_that_was_written_anew_is_read_anew(tmp_path):
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", Y)
    paths = tmp_path / "X.npy", tmp_path / "y.npy"
    before = fitted(*paths)
    np.save(tmp_path / "X.npy", -X)
    assert not np.array_equal(before.get_weights()[0], fitted(*paths).get_weights()[0])


@pytest.mark.parametrize("where", ["here", "cluster"])
def test_nan_is_refused_with_the_number_of_the_partition(client, where):
    x = X.copy()
    x[130, 2] = np.nan
    how = {"n_workers": 0} if where == "here" else {"client": client}
    model = network()
    before = model.get_weights()
    with pytest.raises(cr.DataError, match=r"partition 2: x holds NaN .* x\[10, 2\] = nan"):
        fitted(*arrays(x), model=model, **how)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_does_not_belong_together_is_refused(tmp_path):
    write_parquet(tmp_path / "a.parquet")
    for given, match in [
        ((da.from_array(X), Y), "y and sample_weight must be such too"),
        ((da.from_array(X, chunks=(100, 6))[X[:, 0] > 0], da.from_array(Y, chunks=50)),
         "the same partitions"),
        ((tmp_path / "a.parquet", None), "the name of a column"),
        ((tmp_path / "a.parquet", "nothing"), "no column 'nothing'"),
        ((tmp_path / "none.parquet", "label"), "no Parquet file"),
        ((X[:0], Y[:0]), "no samples"),
        (arrays(y=np.where(np.arange(500) == 499, 3, Y)), "partition 4: labels"),
    ]:  # fmt: skip
        with pytest.raises(cr.ChainruleError, match=match):
            fitted(*given, n_workers=0)
    with pytest.raises(cr.DataError, match="validation_split has no counterpart"):
        fitted(tmp_path / "a.parquet", "label", validation_split=0.1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'shard'"):
        fitted(shard=3)


def test_concurrent_fits_on_one_cluster(client, expected):
    found = [None] * 3

    def fit(number):
        found[number] = fitted(*arrays(), client=client)

    threads = [threading.Thread(target=fit, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for model in found:
        assert_same(expected, model)


def test_the_memory_that_groups_take_is_bounded(monkeypatch):
    monkeypatch.setattr(groups, "GROUP_BYTES", 4800)
    found = groups.groups_of(X, Y, None, 1)
    assert [group.rows for group in found] == [100] * 5


def test_nothing_of_dask_is_loaded_before_it_is_asked_for(tmp_path):
    import subprocess

    write_parquet(tmp_path / "a.parquet")
    code = (
        "import sys, chainrule as cr; m = cr.Sequential([cr.layers.Dense(3, 'softmax')]);"
        "m.compile('sgd', 'sparse_categorical_crossentropy'); cr.DaskMLPClassifier();"
        f"m.fit({str(tmp_path / 'a.parquet')!r}, 'label', verbose=0);"
        "print({n.split('.')[0] for n in sys.modules} & {'dask', 'distributed'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
