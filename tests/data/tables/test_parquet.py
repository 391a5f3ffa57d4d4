import datetime
import decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chainrule._src.data.preprocessing.values import Writing, column_values
from chainrule.errors import ChainruleError, DataError
from chainrule.tables import Column, open_table


@pytest.fixture
def write(tmp_path):
    def write(columns, **options):
        path = tmp_path / "data.parquet"
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        pq.write_table(table, path, **options)
        return path

    return write


@pytest.mark.parametrize(("array", "expected"), [
    (pa.array([1, None, 3]), [1.0, None, 3.0]),
    (pa.array([1.5, None], pa.float32()), [1.5, None]),
    (pa.array([decimal.Decimal("1.25"), None]), [1.25, None]),
    (pa.array([2**63, 1], pa.uint64()), [2.0**63, 1.0]),
    (pa.array([None, None]), [None, None]),
], ids=["int", "float32", "decimal", "uint64", "null"])  # fmt: skip
def test_numbers_of_any_type(write, array, expected):
    (chunk,) = open_table(write({"a": array})).chunks()
    assert chunk["a"].dtype == np.float64
    assert [None if v != v else v for v in chunk["a"].tolist()] == expected


@pytest.mark.parametrize(("array", "expected"), [
    (pa.array(["x", None, " y "]), ["x", None, "y"]),
    (pa.array(["x", None], pa.large_string()), ["x", None]),
    (pa.array(["x", None, "x"]).dictionary_encode(), ["x", None, "x"]),
    (pa.array([True, None, False]), ["True", None, "False"]),
], ids=["text", "large text", "dictionary", "bool"])  # fmt: skip
def test_categories_of_any_type(write, array, expected):
    (chunk,) = open_table(write({"a": array})).chunks()
    assert chunk["a"].tolist() == expected


DAY, NOON = datetime.date(2024, 1, 31), datetime.datetime(2024, 1, 31, 12)
ZURICH = NOON.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=1)))


@pytest.mark.parametrize(("array", "expected"), [
    (pa.array([DAY, None]), "2024-01-31T00:00:00"),
    (pa.array([DAY, None], pa.date64()), "2024-01-31T00:00:00"),
    (pa.array([NOON, None], pa.timestamp("ns")), "2024-01-31T12:00:00"),
    (pa.array([ZURICH, None], pa.timestamp("ms", "+01:00")), "2024-01-31T12:00:00"),
    (pa.array([NOON.time(), None], pa.time32("s")), "1970-01-01T12:00:00"),
], ids=["date32", "date64", "timestamp", "zone", "time"])  # fmt: skip
def test_times_of_any_type(write, array, expected):
    table = open_table(write({"a": array}))
    (chunk,) = table.chunks()
    assert table.columns == (Column("a", "time"),)
    assert chunk["a"].dtype == "datetime64[s]"
    assert chunk["a"].astype(str).tolist() == [expected, "NaT"]


def test_times_that_were_categories_stay_so(write):
    (chunk,) = open_table(write({"a": pa.array([DAY])}), [Column("a", "category")]).chunks()
    assert chunk["a"].tolist() == ["2024-01-31"]


class Frame:
    """What any library's frame offers to Arrow."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("wrap", [Frame, lambda table: table], ids=["stream", "pyarrow"])
def test_frames_are_tables(wrap):
    frame = wrap(pa.table({"n": [1, None, 3], "t": ["x", "y", None], "d": [DAY] * 3}))
    table = open_table(frame)
    assert [column.kind for column in table.columns] == ["number", "category", "time"]
    first, second = table.chunks(rows=2)
    assert (first["t"].tolist(), second["n"].tolist()) == (["x", "y"], [3.0])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_other_libraries_are_tables(library):
    module = pytest.importorskip(library)
    table = open_table(module.DataFrame({"n": [1.5, 2], "t": ["x", "y"], "d": [NOON, NOON]}))
    assert [column.kind for column in table.columns] == ["number", "category", "time"]
    (chunk,) = table.chunks()
    assert chunk["d"].astype(str).tolist() == ["2024-01-31T12:00:00"] * 2


def test_a_query_of_duckdb_is_a_table():
    duckdb = pytest.importorskip("duckdb")
    table = open_table(duckdb.sql("select 1.5 as n, 'x' as t, date '2024-01-31' as d"))
    assert [column.kind for column in table.columns] == ["number", "category", "time"]


def test_the_number_of_rows_is_known_and_chunks_are_no_larger_than_asked(write):
    table = open_table(write({"a": list(range(100))}, row_group_size=30))
    assert table.rows == 100
    chunks = [chunk["a"] for chunk in table.chunks(rows=8)]
    assert max(map(len, chunks)) == 8
    assert np.concatenate(chunks).tolist() == list(range(100))


def test_lists_are_left_out_with_a_note(write):
    table = open_table(write({"a": [1], "b": [[1, 2]]}))
    assert [column.name for column in table.columns] == ["a"]
    assert table.notes == ("left out, as they hold neither numbers, text nor times: 'b'",)


def test_durations_are_seconds(write):
    table = open_table(write({"a": [datetime.timedelta(minutes=1, microseconds=5), None]}))
    (chunk,) = table.chunks()
    np.testing.assert_array_equal(chunk["a"], [60.000005, np.nan])
    assert table.notes == ("column 'a' holds durations, read as seconds",)


def test_the_row_labels_of_pandas_are_left_out(write):
    table = open_table(write({"a": [1], "__index_level_0__": [0]}))
    assert [column.name for column in table.columns] == ["a"]


def test_what_cannot_be_read_is_refused(write, tmp_path):
    path = tmp_path / "text.parquet"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="is no Parquet file"):
        open_table(path)
    with pytest.raises(DataError, match="holds no rows"):
        open_table(write({"a": pa.array([], pa.int64())}))
    two = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(DataError, match="a name of its own"):
        open_table(write(two))


def test_a_damaged_file_is_refused_while_it_is_read(write):
    path = write({"a": np.random.default_rng(0).normal(size=10_000)}, compression="zstd")
    data = bytearray(path.read_bytes())
    data[4:2000] = bytes(1996)
    path.write_bytes(data)
    with pytest.raises(ChainruleError, match=r"data\.parquet"):
        list(open_table(path).chunks())


ODD = {
    "price": ["1,234.50", "€ 12", None, "n/a"],
    "comma": ["1.234,5", "0,5", "2,25", "3"],
    "plain": ["1", "2.5", "NA", "4"],
    "day": ["31.01.2024", "01.02.2024", "29.02.2024", "1.3.2024"],
    "zip": ["00501", "10001", "94105", "02134"],
    "words": ["a", "b", "a", "1"],
}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("source", ["file", "frame"])
def test_texts_are_understood_as_in_a_csv_file(write, kind, source):
    data = pa.table({name: pa.array(texts, kind) for name, texts in ODD.items()})
    table = open_table(write(data) if source == "file" else Frame(data))
    found = {column.name: column.kind for column in table.columns}
    assert found == {"price": "number", "comma": "number", "plain": "number", "day": "time",
                     "zip": "category", "words": "category"}  # fmt: skip
    chunk = {name: np.concatenate([c[name] for c in table.chunks(rows=3)]) for name in ODD}
    np.testing.assert_array_equal(chunk["price"], [1234.5, 12, np.nan, np.nan])
    np.testing.assert_array_equal(chunk["comma"], [1234.5, 0.5, 2.25, 3])
    np.testing.assert_array_equal(chunk["plain"], [1, 2.5, np.nan, 4])
    assert chunk["day"].astype(str).tolist()[2] == "2024-02-29T00:00:00"
    assert chunk["zip"].tolist() == ODD["zip"]
    notes = "\n".join(table.notes)
    assert "column 'price' holds numbers with decimal points: row 1 holds '1,234.50'" in notes
    assert "column 'zip' is taken as text: row 1 holds '00501', a code" in notes
    assert "column 'plain': texts that are all numbers, read as such" in notes
    again = open_table(write(data), like=[Column("plain", "category"), Column("zip", "number")])
    kinds = {column.name: column.kind for column in again.columns}
    assert (kinds["plain"], kinds["zip"]) == ("category", "number")
    with pytest.raises(DataError, match="column 'words' must hold numbers, but row 1 holds 'a'"):
        open_table(write(data), like=[Column("words", "number")])


def test_categories_of_a_dictionary_stay_so(write):
    data = pa.table({"a": pa.array(["1", "2", "1"]).dictionary_encode()})
    assert open_table(write(data)).columns == (Column("a", "category"),)


NUMBERED = [pa.array([7, None, 12], kind) for kind in ("int64", "float64", "float32")]


@pytest.mark.parametrize("source", ["file", "frame"])
@pytest.mark.parametrize("numbers", NUMBERED, ids=["int", "float", "float32"])
def test_categories_that_are_numbers_are_texts(write, numbers, source):
    data = pa.table({"a": numbers.dictionary_encode()})
    table = open_table(write(data) if source == "file" else Frame(data))
    (chunk,) = table.chunks()
    assert table.columns == (Column("a", "category"),)
    assert chunk["a"].tolist() == ["7", None, "12"]
    (chunk,) = open_table(write(data), like=[Column("a", "number")]).chunks()
    np.testing.assert_array_equal(chunk["a"], [7, np.nan, 12])


@pytest.mark.parametrize("value", [DAY, NOON, True, decimal.Decimal("1.50"), "00501"])
def test_categories_are_called_alike_wherever_they_lie(write, value):
    data = pa.table({"a": pa.array([value, None, value]).dictionary_encode()})
    found = [next(open_table(s).chunks())["a"].tolist() for s in (write(data), Frame(data))]
    assert found == [column_values(data["a"], "a", "test").tolist()] * 2
    assert found[0] == [str(value), None, str(value)]


def test_booleans_that_were_numbers_are_0_and_1(write):
    (chunk,) = open_table(write({"a": [True, None, False]}), [Column("a", "number")]).chunks()
    np.testing.assert_array_equal(chunk["a"], [1, np.nan, 0])


def test_texts_are_read_as_in_training():
    like = [
        Column("day", "time", written=Writing("month first")),
        Column("price", "number", written=Writing("with decimal commas")),
    ]
    frame = pa.table({"day": ["07/08/2021"], "price": ["2.500"]})
    table = open_table(frame, like)
    (chunk,) = table.chunks()
    assert chunk["day"] == np.datetime64("2021-07-08")
    assert chunk["price"] == 2500
    assert [column.written for column in table.columns] == [column.written for column in like]


def latin(values):
    """Return texts whose bytes are Latin-1, which Arrow does not look at."""
    stored = pa.array([v if v is None else v.encode("latin-1") for v in values], pa.binary())
    return pa.Array.from_buffers(pa.string(), len(stored), stored.buffers())


@pytest.mark.parametrize("values", [["Bern", None, "Zürich"], ["1", None, "2 ½"]])
@pytest.mark.parametrize("kept", [lambda a: a, lambda a: a.dictionary_encode()])
@pytest.mark.parametrize("in_memory", [False, True])
def test_text_that_is_not_utf8_is_named(write, values, kept, in_memory):
    data = pa.table({"x": [1.0, 2.0, 3.0], "a city": kept(latin(values))})
    with pytest.raises(DataError, match=r"column 'a city' in row 3 is not UTF-8\. Write the data"):
        [*open_table(data if in_memory else write(data)).chunks(rows=2)]


def test_a_name_that_is_not_utf8_is_named(write):
    schema = pa.schema([pa.field(b"\xfc", pa.float64())])
    with pytest.raises(DataError, match=r"name of a column is not UTF-8 \(b'\\xfc'\); rename it"):
        open_table(write(pa.table([pa.array([1.0, 2.0])], schema=schema)))


def test_row_groups_are_read_one_after_the_other_so_that_memory_holds_one(tmp_path):
    path = tmp_path / "rows.parquet"
    n, group = 200_000, 10_000
    table = pa.table({f"x{i}": np.random.default_rng(i).random(n) for i in range(8)})
    pq.write_table(table, path, row_group_size=group, use_dictionary=False)
    opened, before = open_table(path), pa.total_allocated_bytes()
    peaks = [pa.total_allocated_bytes() - before for _ in opened.chunks(rows=group)]
    assert len(peaks) == n // group
    assert max(peaks) < 8 * 8 * 8 * group  # some groups of 8 columns of 8 bytes
