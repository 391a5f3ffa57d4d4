"""Where data come from: files, arrays, Dask's collections; and what is wrong with them."""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import chainrule as cr
from chainrule._src.cluster import groups, places, reading
from chainrule._src.cluster import parquet as row_groups
from chainrule._src.cluster.job import Ready
from tests.cluster.models import X, Y, assert_same, fitted, network

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
    with pytest.raises(cr.errors.FileError, match=r"no row group 4 of 100 rows any more"):
        last.read()
    with pytest.raises(cr.errors.FileError, match=r"ends before row 500"):
        rows.read()
    (tmp_path / "a.parquet").unlink()
    with pytest.raises(cr.errors.FileError, match=r"cannot be read: No such file"):
        last.read()


def test_columns_that_hold_no_numbers_are_said(tmp_path):
    for name, values in {
        "texts": pa.array(["a"] * 10),
        "uneven": pa.array([[1.0]] * 9 + [[1.0, 2.0]]),
        "missing": pa.array([[1.0, 2.0]] * 9 + [None], pa.list_(pa.float32(), 2)),
    }.items():
        parquet.write_table(pa.table({name: values, "y": [0] * 10}), tmp_path / "a.parquet")
        with pytest.raises(cr.errors.DataError, match=name):
            fitted(tmp_path / "a.parquet", "y")


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # Dask's own
@pytest.mark.parametrize("write", ["pandas", "named", "multi", "dask", "bare"])
def test_an_index_is_no_column_to_learn_from(tmp_path, write):
    """Not what pandas calls one, nor what is called as its own, wherever that was lost."""
    expected = fitted(X, Y, open_model(), shards=1)
    data = frame()
    if write == "dask":
        dd.from_pandas(data, npartitions=1).to_parquet(tmp_path / "a")
    else:
        index = {"named": pd.Index(Y, name="leak"),
                 "multi": pd.MultiIndex.from_arrays([Y, Y], names=["a", None])}  # fmt: skip
        data.index = index.get(write, pd.Index(Y[::-1]))
        table = pa.Table.from_pandas(data)
        assert table.num_columns > 7
        (tmp_path / "a").mkdir()
        table = table.replace_schema_metadata() if write == "bare" else table
        parquet.write_table(table, tmp_path / "a" / "a.parquet")
    groups_ = groups.groups_of(tmp_path / "a", "label", None, 1)
    assert [group.features for group in groups_] == [tuple(NAMES)]
    assert_same(expected, fitted(tmp_path / "a", "label", open_model(), shards=1))


def test_columns_in_the_names_of_folders_are_refused(tmp_path):
    data = frame().assign(region=np.arange(500) % 2)
    data.to_parquet(tmp_path / "a", partition_cols=["region"])
    for target in ("label", "region"):
        with pytest.raises(
            cr.errors.DataError, match=r"\['region'\], which the names of its folders"
        ):
            fitted(tmp_path / "a", target)
    one = next((tmp_path / "a").rglob("*.parquet"))
    assert fitted(one, "label").history.history["loss"]  # it was asked for by itself


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.large_list(pa.float64())])
def test_lists_that_happen_to_be_of_one_length_are_columns(tmp_path, monkeypatch, kind):
    table = pa.table({"x": pa.array(list(X), kind), "y": Y})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=100)
    write_parquet(tmp_path / "b.parquet")
    assert_same(fitted(tmp_path / "b.parquet", "label"), fitted(tmp_path / "a.parquet", "y"))
    rows = [[0.0, 1.0]] * 300 + [[0.0]] * 200
    parquet.write_table(pa.table({"x": pa.array(rows, kind), "y": Y}), tmp_path / "a.parquet")
    with pytest.raises(cr.errors.DataError, match=r"those of x have 1 to 2 entries"):
        fitted(tmp_path / "a.parquet", "y", open_model())
    monkeypatch.setattr(row_groups, "NEAR", 1)  # batches of some rows
    monkeypatch.setattr(row_groups, "MANY", 50)
    with pytest.raises(cr.errors.DataError, match="begins with 2 columns and goes on with 1"):
        fitted(tmp_path / "a.parquet", "y", open_model())


def test_files_without_anything_to_learn_from_are_refused(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"y": Y}), path)
    with pytest.raises(cr.errors.DataError, match="no column to learn from"):
        fitted(path, "y")
    parquet.write_table(pa.table([pa.array(X[:, 0])] * 2 + [pa.array(Y)], ["a", "a", "y"]), path)
    with pytest.raises(cr.errors.DataError, match="each column needs a name of its own"):
        fitted(path, "y")
    write_parquet(path)
    for given in (path, dd.from_pandas(frame(), npartitions=1)):
        with pytest.raises(
            cr.errors.DataError, match="'label' cannot be both the target and the weights"
        ):
            fitted(given, "label", sample_weight="label", n_workers=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_is_read_into_again_and_groups_once_an_epoch(tmp_path, monkeypatch, dtype):
    x = np.random.default_rng(0).normal(size=(4000, 6)).astype(dtype)
    np.save(tmp_path / "X.npy", x)
    np.save(tmp_path / "y.npy", np.arange(4000) % 3)
    monkeypatch.setattr(groups, "GROUP_BYTES", x.nbytes // 20)
    monkeypatch.setattr(reading, "KEPT", 0)
    taken, read = [], []
    blocks, rows = reading.MemoryPool.taken, groups.Slice.read

    def noted(self, size):
        taken.append(blocks(self, size))
        return taken[-1]

    def noting(self, *given, **how):
        read.append(self.start)
        return rows(self, *given, **how)

    monkeypatch.setattr(reading.MemoryPool, "taken", noted)
    monkeypatch.setattr(groups.Slice, "read", noting)
    model = fitted(tmp_path / "X.npy", tmp_path / "y.npy", shards=1, epochs=3)
    assert len(read) == 1 + 3 * 20  # the first rows tell what to record
    assert len({id(block) for block in taken}) <= 12  # of samples and targets, a few groups each
    plain = fitted(x, np.arange(4000) % 3, shards=1, epochs=3)
    assert_same(plain, model)


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("x_is_file", [False, True])
def test_arrays_in_memory_go_to_workers_once(tmp_path, client, monkeypatch, x_is_file):
    """Tasks name the rows; a file is read by the workers themselves."""
    sent, sizes = [], []
    submit, asked = places.Cluster.submit, places.Cluster._submit_round

    def noting(self, function, *args):
        sent.extend(part.nbytes for part in args if isinstance(part, np.ndarray))
        return submit(self, function, *args)

    def measuring(self, job, start, works, number):
        sizes.append(len(pickle.dumps(works)))
        return asked(self, job, start, works, number)

    monkeypatch.setattr(places.Cluster, "submit", noting)
    monkeypatch.setattr(places.Cluster, "_submit_round", measuring)
    x = np.random.default_rng(0).normal(size=(8000, 6))
    y = (x[:, 0] > 0).astype(int)
    weight = np.linspace(0.5, 1.5, len(x))
    np.save(tmp_path / "x.npy", x)
    given = (tmp_path / "x.npy" if x_is_file else x), y
    how = {"sample_weight": weight, "epochs": 2, "round_steps": 20, "shards": 4}
    assert_same(fitted(*given, **how), fitted(*given, client=client, **how))
    assert sum(sent) == y.nbytes + weight.nbytes + (0 if x_is_file else x.nbytes)
    assert len(sizes) > 10
    assert max(sizes) < 5000


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize(
    ("kept", "least", "most"),
    [(2**28, 4, 4), (2 * 32 * 1000, 5, 12), (0, 13, 200)],  # bytes; how often partitions are made
)
def test_partitions_are_made_once_a_run_or_an_epoch(monkeypatch, kept, least, most):
    """As long as those that a round has begun with fit into what may be kept."""
    monkeypatch.setattr(reading, "KEPT", kept)
    computed, made = [], []
    data = Ready.data

    def chunk(block_info=None):
        computed.append(1)
        return np.random.default_rng(len(computed)).normal(size=(1000, 6))

    def noting(self, rows, where, *more):
        made.append(where)
        return data(self, rows, where, *more)

    monkeypatch.setattr(Ready, "data", noting)
    x = da.map_blocks(chunk, chunks=((1000,) * 4, (6,)), dtype=float)
    y = da.from_array(np.arange(4000) % 3, chunks=1000)
    for shards in (1, 2):
        computed.clear()
        made.clear()
        fitted(x, y, n_workers=0, epochs=3, shards=shards, round_steps=8)
        assert least <= len(made) <= most
        assert len(computed) == 1 + len(made)  # the first rows tell what to record
    assert not reading.reader()._cache._rows


def test_what_is_kept_makes_room_for_what_is_asked_for_again(monkeypatch):
    monkeypatch.setattr(reading, "KEPT", 250)
    kept, made = reading.RowCache(), []

    class Rows:
        inputs = ()

        def read(self):
            return (np.zeros(100, np.uint8),)

    a, b, c = Rows(), Rows(), Rows()

    def rows(group, left, run="one"):
        before = len(made)
        kept.rows(reading.ReadRequest(run, group, (), lambda r, _: made.append(1) or r, left))
        return len(made) > before  # whether it was made anew

    soon, later = reading.NextUse.SOON, reading.NextUse.NEXT_EPOCH
    assert [rows(a, soon), rows(b, soon), rows(c, soon)] == [True] * 3
    assert [rows(c, soon), rows(a, soon), rows(b, later)] == [True, False, False]
    assert [rows(c, soon), rows(c, soon), rows(a, soon)] == [True, False, False]
    assert [rows(b, later), rows(a, reading.NextUse.NOTHING), rows(b, later)] == [True, False, True]
    assert [rows(a, later), rows(c, later), rows(b, later)] == [True, False, False]
    assert [rows(b, later), rows(a, soon, "two"), rows(c, soon, "two")] == [False, True, True]
    assert len(kept._rows) == 2


def open_model():
    """A network that takes any number of columns."""
    made = cr.Sequential([cr.layers.Dense(3, "softmax")], seed=0)
    made.compile("adam", "sparse_categorical_crossentropy", engine="numpy")
    return made


KINDS = {
    "bool": pd.array([True, False] * 20), "Int64": pd.array([1, 2] * 20, "Int64"),
    "boolean": pd.array([True, False] * 20, "boolean"),
    "Float32": pd.array([0.5, 1.5] * 20, "Float32"), "int8": np.tile(np.int8([1, 3]), 20),
}  # fmt: skip


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_all_kinds_of_numbers_are_trained_on(tmp_path, client, kind):
    """In a frame of Dask's, in one of pandas and in a file, features and targets."""
    plain = pd.DataFrame({"a": np.linspace(-1, 1, 40), "b": np.asarray(KINDS[kind], float)})
    mixed = plain.assign(b=KINDS[kind])
    y = np.arange(40) % 3

    expected = fitted(plain, y, open_model(), shards=1)
    assert_same(expected, fitted(mixed, y, open_model(), shards=1))
    parts = dd.from_pandas(mixed.assign(y=pd.array(y, "Int64")), npartitions=1)
    assert_same(expected, fitted(parts, "y", open_model(), n_workers=0, shards=1))
    assert_same(expected, fitted(parts, "y", open_model(), client=client, shards=1))
    mixed.assign(y=y).to_parquet(tmp_path / "a.parquet")
    assert_same(expected, fitted(tmp_path / "a.parquet", "y", open_model(), shards=1))


def test_columns_that_hold_no_numbers_or_miss_some_are_named(tmp_path):
    y = np.arange(40) % 3
    for column, match in [
        (np.tile(["u", "v"], 20), "'late' holds str"),
        (pd.Categorical(["u", "v"] * 20), "late.*(category|dictionary)"),
        (pd.array([True] * 39 + [None], "boolean"), r"x\[\d+, 1\] = nan.*column 'late'"),
        (pd.array([1] * 39 + [None], "Int64"), r"x\[\d+, 1\] = nan.*column 'late'"),
        (np.where(np.arange(40) == 33, np.nan, 1.0), r"x\[\d+, 1\] = nan.*column 'late'"),
    ]:
        whole = pd.DataFrame({"a": np.linspace(-1, 1, 40), "late": column, "y": y})
        whole.to_parquet(tmp_path / "a.parquet")
        parts = dd.from_pandas(whole, npartitions=2)
        for given in [(whole[["a", "late"]], y), (parts, "y"), (tmp_path / "a.parquet", "y")]:
            pattern = match.replace("'late' holds str", "'?late'? holds (str|object|string|large)")
            with pytest.raises(cr.errors.DataError, match=pattern):
                fitted(*given, open_model(), n_workers=0)


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
    with pytest.raises(cr.errors.DataError, match=r"partition 2: x holds NaN .* x\[10, 2\] = nan"):
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
    with pytest.raises(cr.errors.DataError, match="validation_split has no counterpart"):
        fitted(tmp_path / "a.parquet", "label", validation_split=0.1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'shard'"):
        fitted(shard=3)


def test_what_names_no_data_is_refused(tmp_path):
    write_parquet(tmp_path / "a.parquet")
    path = str(tmp_path / "a.parquet")
    for given, match in [
        (([path], "label"), "one path is expected, received 1 texts"),
        (([path, path], Y), "received 2 texts"),
        ((tmp_path / "*.parquet", "label"), "neither a pattern nor a URL"),
        ((f"file://{path}", "label"), "neither a pattern nor a URL"),
        ((frame(), "label"), "'label' can name a column only where"),
        ((X, "label"), "'label' can name a column only where"),
        ((None, Y), "x and y are needed"),
        ((dd.from_pandas(frame()[["label"]], npartitions=1), "label"), "no column to learn from"),
    ]:
        with pytest.raises(cr.ChainruleError, match=match):
            fitted(*given, n_workers=0)
    with pytest.raises(cr.errors.DataError, match="one path is expected"):
        network().fit([path], "label")
    classifier = cr.estimators.DaskMLPClassifier(max_iter=1).fit(path, "label")
    predicted = classifier.predict(path).compute(scheduler="synchronous")
    assert predicted.tolist() == classifier.predict(frame()[classifier.feature_names_in_]).tolist()


def test_concurrent_fits_on_one_cluster(client, expected):
    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(fitted, *arrays(), client=client) for _ in range(3)]
        for each in found:
            assert_same(expected, each.result(120))


def test_the_memory_that_groups_take_is_bounded(monkeypatch):
    monkeypatch.setattr(groups, "GROUP_BYTES", 4800)
    found = groups.groups_of(X, Y, None, 1)
    assert [group.rows for group in found] == [100] * 5


@pytest.mark.thorough  # every module in a process
def test_nothing_of_dask_is_loaded_before_it_is_asked_for(tmp_path):
    import subprocess

    write_parquet(tmp_path / "a.parquet")
    code = (
        "import sys, chainrule as cr; m = cr.Sequential([cr.layers.Dense(3, 'softmax')]);"
        "m.compile('sgd', 'sparse_categorical_crossentropy'); cr.estimators.DaskMLPClassifier();"
        f"m.fit({str(tmp_path / 'a.parquet')!r}, 'label', verbose=0);"
        "print({n.split('.')[0] for n in sys.modules} & {'dask', 'distributed'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
