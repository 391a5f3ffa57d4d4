import csv
import datetime as dt
import io
import string
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule._src.data.preprocessing.values import MISSING, Writing
from chainrule._src.data.tables import delimited, fields, spilled
from chainrule.errors import ChainruleError, DataError
from chainrule.tables import Column, open_table

pytestmark = pytest.mark.portable


@pytest.fixture
def write(tmp_path):
    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(path, like=(), rows=None):
    chunks = list(open_table(path, like).chunks(rows))
    return {name: np.concatenate([chunk[name] for chunk in chunks]).tolist() for name in chunks[0]}


def nan_as_none(column):
    return [None if value != value else value for value in column]


def test_numbers_become_float64_and_text_objects(write):
    path = write("age,city\n30,Bern\n41.5,Chur\n")
    (chunk,) = open_table(path).chunks()
    assert chunk["age"].dtype == np.float64
    assert chunk["city"].dtype == object
    assert read(path) == {"age": [30.0, 41.5], "city": ["Bern", "Chur"]}


def test_columns_have_kinds_and_the_rows_are_counted(write):
    table = open_table(write("age,city\n30,Bern\n41,Chur\n"))
    assert table.columns == (Column("age", "number"), Column("city", "category"))
    assert table.rows == 2


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_in_the_first_line(write, separator):
    path = write(f"a{separator}b{separator}c\n1{separator}2{separator}x\n")
    assert read(path) == {"a": [1.0], "b": [2.0], "c": ["x"]}


def test_a_quoted_name_does_not_mislead_the_separator(write):
    assert read(write('"a;b;c;d",e\n1,2\n')) == {"a;b;c;d": [1.0], "e": [2.0]}


def test_quoted_fields_hold_separators_quotes_and_lines(write):
    assert read(write('a,b\n"x, ""y""\nz",1\n')) == {"a": ['x, "y"\nz'], "b": [1.0]}


def test_lines_within_quotes_may_lie_across_blocks(write, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 64)
    texts = [f"line\n{i}\n" + "x\n" * (i % 9) for i in range(200)]
    path = write("a,b\n" + "".join(f'{i},"{text}."\n' for i, text in enumerate(texts)))
    assert read(path)["b"] == [f"{text}." for text in texts]


def test_a_header_of_several_lines_is_one(write):
    assert read(write('"a\nb",c\n1,2\n')) == {"a\nb": [1.0], "c": [2.0]}


@pytest.mark.parametrize("content", [
    "\ufeffa,b\n1,x\n", "a,b\r\n1,x\r\n", "\n\na,b\n1,x\n", " a , b \n 1 , x \n", "a,b\n1,x"
], ids=["BOM", "CRLF", "blank lines", "spaces", "no newline at the end"])  # fmt: skip
def test_ways_to_write_the_same(write, content):
    assert read(write(content)) == {"a": [1.0], "b": ["x"]}


@pytest.mark.parametrize("spelling", [*sorted(MISSING), " ?", '""'])
def test_missing_values(write, spelling):
    found = read(write(f"a,b\n1,x\n{spelling},{spelling}\n"))
    assert nan_as_none(found["a"]) == [1.0, None]
    assert found["b"] == ["x", None]


def test_true_and_false_are_categories_spelled_alike(write):
    assert read(write("a,b\ntrue,TRUE\nFalse,false\n")) == {
        "a": ["True", "False"],
        "b": ["True", "False"],
    }


@pytest.mark.parametrize("texts", [
    ["2024-01-31", "2024-02-01 12:30:05"],
    ["2024-1-31", "2024/02/01T12:30:05.25Z"],
    ["31.01.2024", "1.2.2024 12:30:05"],
    ["1/31/2024", "2/1/2024 12:30:05"],
])  # fmt: skip
def test_times_are_told_from_the_whole_column(write, texts):
    found = read(write("day\n" + "\n".join(texts) + "\n"))["day"]
    assert [f"{time:%Y-%m-%d %H:%M:%S}" for time in found] == [
        "2024-01-31 00:00:00", "2024-02-01 12:30:05"
    ]  # fmt: skip


def test_a_day_that_is_none_is_no_time(write):
    table = open_table(write("day\n2024-02-30\n2024-02-01\n"))
    assert table.columns[0].kind == "category"
    assert "row 1 holds '2024-02-30', though 1 of 2 values look like a time" in table.notes[0]


def test_numbers_are_no_times(write):
    with pytest.raises(DataError, match="column 'a' must hold times, but row 1 holds '2007'"):
        open_table(write("a\n2007\n2008\n"), like=[Column("a", "time")])


def test_numbers_of_both_notations_are_told(write):
    table = open_table(write('a\n1.5\n"1,7"\n"2,5"\n'))
    assert "'1.5', though 2 of 3 values look like a number with decimal commas;" in table.notes[0]


def test_times_of_day_are_times(write):
    (first, second) = read(write("at\n7:30\n18:05:30\n"))["at"]
    assert (first.hour, first.minute, second.hour, second.second) == (7, 30, 18, 30)


@pytest.mark.parametrize(("texts", "numbers"), [
    (["1,234.50", "-7", "1,234,567"], [1234.5, -7, 1234567]),
    (["1.234,50", "-7", "0,5"], [1234.5, -7, 0.5]),
    (["1'234.5", "12"], [1234.5, 12]),
    (["1 234,5", "12"], [1234.5, 12]),
    (["$1,200", "-$3.50", "($1.00)", "7"], [1200, -3.5, -1, 7]),
    (["1.200 €", "3,50 €"], [1200, 3.5]),
    (["CHF 1'200", "Fr. 3"], None),
    (["12 %", "3.5%"], [12, 3.5]),
    (["12 %", "0.5"], None),
    (["$5", "€5"], None),
    (["1,23,4", "1,2"], None),
    (["12 kg", "3.5 kg"], None),
    (["A1", "B2"], None),
])  # fmt: skip
def test_numbers_as_people_write_them(write, texts, numbers):
    table = open_table(write("a;b\n" + "".join(f"{text};x\n" for text in texts)))
    assert table.columns[0].kind == ("number" if numbers else "category")
    if numbers:
        assert next(table.chunks())["a"].tolist() == numbers
        assert "read as" in table.notes[0]
    elif texts[0] != "A1":
        assert table.notes[0].startswith("column 'a' is taken as text: ")


def test_what_a_comma_means_is_told_by_the_separator_and_said(write):
    table = open_table(write('a,b\n"1,234",x\n"2,500",y\n'))
    assert next(table.chunks())["a"].tolist() == [1234, 2500]
    assert table.notes == (
        "column 'a' holds numbers with decimal points: row 1 holds '1,234', read as 1234",
    )
    assert next(open_table(write("a;b\n1,234;x\n")).chunks())["a"].tolist() == [1.234]


def test_a_few_odd_cells_count_as_missing_and_are_said(write, monkeypatch):
    monkeypatch.setattr(delimited, "SMALL", 0)
    monkeypatch.setattr(delimited, "BLOCK", 1000)
    rows = [f"{i}.5,{i}" for i in range(1200)]
    rows[1121] = "oops,7"
    table = open_table(write("\n".join(["a,b", *rows])))
    assert [column.kind for column in table.columns] == ["number", "number"]
    assert table.notes == (
        "column 'a': 1 of 1,200 values are no number and count as missing; the first, in row "
        "1,122, is 'oops'",
    )
    found = np.concatenate([chunk["a"] for chunk in table.chunks()])
    assert np.flatnonzero(np.isnan(found)).tolist() == [1121]


def test_blocks_and_a_file_read_whole_agree(write, monkeypatch):
    rng = np.random.default_rng(0)
    kinds = [
        lambda i: f"{i},5",
        lambda i: f"{i % 28 + 1}.{i % 12 + 1}.2024",
        str,
        lambda i: f"t{i}",
    ]
    text = "a;b;c;d\n" + "".join(
        ";".join("" if rng.random() < 0.1 else kind(i) for kind in kinds) + "\n" for i in range(100)
    )
    whole, notes = read(write(text)), open_table(write(text)).notes
    monkeypatch.setattr(delimited, "SMALL", 0)
    monkeypatch.setattr(delimited, "BLOCK", 500)
    assert repr(read(write(text))) == repr(whole)
    assert open_table(write(text)).notes == notes


def test_a_column_without_a_value_is_of_numbers(write):
    table = open_table(write("a,b\n1,\n2,\n"))
    assert table.columns[1].kind == "number"


def test_decimal_commas_are_understood_beside_semicolons(write):
    assert read(write("a;b\n1,5;x\n-2,25;y\n3;z\n")) == {
        "a": [1.5, -2.25, 3.0],
        "b": ["x", "y", "z"],
    }


def test_text_among_numbers_makes_the_column_text_and_is_said(write):
    rows = [f"{i},{i}" for i in range(70)] + ["oops,7"] * 30
    table = open_table(write("\n".join(["a,b", *rows])))
    assert [column.kind for column in table.columns] == ["category", "number"]
    assert table.notes == (
        "column 'a' is taken as text: row 71 holds 'oops', though 70 of 100 values look like a "
        "number; mend or empty the others to have it so",
    )


def test_known_numbers_that_are_none_are_refused_with_row_and_column(write):
    path = write("a\n1\n2\noops\n")
    with pytest.raises(DataError, match="column 'a' must hold numbers, but row 3 holds 'oops'"):
        open_table(path, like=[Column("a", "number")])


def test_known_text_stays_text(write):
    path = write("code\n01\n2\n")
    assert read(path, like=[Column("code", "category")]) == {"code": ["01", "2"]}


def test_columns_without_a_name_are_left_out_with_a_note(write):
    table = open_table(write(",a,\n0,5,\n1,6,\n"))
    assert [column.name for column in table.columns] == ["a"]
    assert table.notes == ("columns without a name are left out; the first line can name them",)


@pytest.mark.parametrize("small", [delimited.SMALL, 0], ids=["whole", "in blocks"])
def test_chunks_hold_so_many_rows_at_most(write, monkeypatch, small):
    monkeypatch.setattr(delimited, "BLOCK", 200)
    monkeypatch.setattr(delimited, "SMALL", small)
    path = write("a\n" + "\n".join(map(str, range(500))))
    chunks = list(open_table(path).chunks(7))
    assert max(len(chunk["a"]) for chunk in chunks) == 7
    assert np.concatenate([chunk["a"] for chunk in chunks]).tolist() == list(range(500))


def test_some_columns_can_be_read_in_another_order(write):
    (chunk,) = open_table(write("a,b,c\n1,2,x\n")).chunks(columns=["c", "a"])
    assert {name: values.tolist() for name, values in chunk.items()} == {"c": ["x"], "a": [1.0]}


@pytest.mark.portable(quick="here")
@pytest.mark.parametrize(("content", "message"), [
    ("", "is empty; expected a line of column names"),
    ("\n \n", "names no column"),
    ("a,b\n", "holds a line of column names, but no rows"),
    ("a,b,a\n1,2,3\n", "more than once: 'a'"),
    ("5.1,3.5,setosa\n4.9,3.0,setosa\n", "looks like data .'5.1', '3.5'."),
    ("39,State-gov,13\n50,Private,9\n", "looks like data"),
    ("x" * 200_000 + ",b\n1,2\n", "the first line does not name columns: field larger than"),
    ("a,b\n1,2\n3\n", "line 3 has 1 field, but the header names 2 columns"),
    ("a,b\n1,2\n\n3,4,5\n", "line 4 has 3 fields, but the header names 2 columns"),
    (b"a,b\n1,x\n2,caf\xe9\n", "line 3 is not UTF-8 .byte 0xe9."),
])  # fmt: skip
def test_what_cannot_be_read_is_refused(write, content, message):
    with pytest.raises(DataError, match=message):
        open_table(write(content))


def test_a_quote_that_is_not_closed_is_told(write, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 100)
    with pytest.raises(DataError, match="longer than 100 bytes; is a quote not closed"):
        open_table(write('a,b\n1,"x\n' + "2,y\n" * 200))


def test_bytes_that_are_no_utf8_far_behind_are_found(write, monkeypatch):
    monkeypatch.setattr("chainrule._src.data.tables.dialect.HEAD", 100)
    with pytest.raises(DataError, match="line 1,002 is not UTF-8"):
        open_table(write(b"a,b\n" + b"1,x\n" * 1000 + b"1,\xff\n"))


def test_a_field_of_any_length_is_read(write):
    long = "x" * 1_000_000
    assert read(write(f"a,b\n{long},1\ny,2\n")) == {"a": [long, "y"], "b": [1.0, 2.0]}


@pytest.mark.parametrize("header", ["0,1,2,label", "2021,2022,2023,label"])
def test_ascending_whole_numbers_may_be_names(write, header):
    assert [c.name for c in open_table(write(f"{header}\n5,6,7,x\n")).columns] == header.split(",")


TEXTS = st.text(string.printable + "äß€😀", min_size=1, max_size=8).map(str.strip).filter(
    lambda text: text not in MISSING and text.lower() not in ("true", "false") and "\r" not in text
)  # fmt: skip
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@given(
    rows=st.lists(st.tuples(NUMBERS, st.none() | TEXTS), min_size=1, max_size=30),
    separator=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    chunk=st.integers(1, 40),
)
def test_what_was_written_reads_back(tmp_path_factory, rows, separator, end, chunk):
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end)
    writer.writerows([("number", "text"), *rows])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    like = [Column("number", "number"), Column("text", "category")]
    found = read(path, like, chunk)
    assert nan_as_none(found["number"]) == [number for number, _ in rows]
    assert found["text"] == [text for _, text in rows]


@pytest.mark.parametrize(("texts", "expected"), [
    (["31.12.99", "1.2.24", "5.6.68"], ["1999-12-31", "2024-02-01", "2068-06-05"]),
    (["12/31/69", "2/1/24", "6/5/2001"], ["1969-12-31", "2024-02-01", "2001-06-05"]),
    (["1-Mar-2023", "2 May 71", "31. Dez. 1999"], ["2023-03-01", "1971-05-02", "1999-12-31"]),
    (["3. März 2024 18:30", "1 october, 2001", "2.Mai 2000"],
     ["2024-03-03T18:30:00", "2001-10-01", "2000-05-02"]),
    (["Jan 1, 2024", "February 29 2024", "Dec 3 1999"],
     ["2024-01-01", "2024-02-29", "1999-12-03"]),
    (["06/14/2023 10:51 PM", "06/14/2023 12:05 am", "6/4/2023 1:05:09 p.m."],
     ["2023-06-14T22:51:00", "2023-06-14T00:05:00", "2023-06-04T13:05:09"]),
    (["1:05 PM", "12:00 AM", "11:59am"],
     ["1970-01-01T13:05", "1970-01-01T00:00", "1970-01-01T11:59"]),
], ids=["short years", "month first", "names", "German", "names first", "half days",
        "clocks"])  # fmt: skip
def test_dates_in_many_ways(tmp_path, texts, expected):
    path = tmp_path / "d.csv"
    path.write_text("d;x\n" + "".join(f"{text};1\n" for text in texts), encoding="utf-8")
    table = open_table(path)
    assert table.columns[0].kind == "time"
    found = next(table.chunks())["d"]
    np.testing.assert_array_equal(found, np.array(expected, "datetime64[s]"))


@pytest.mark.parametrize(
    "texts", [["1 Foo 2024", "2 Bar 2023"], ["30 Feb 2024", "31 Apr 2023"], ["13:05 PM", "0:05 AM"]]
)
def test_what_is_no_date_stays_text(tmp_path, texts):
    path = tmp_path / "d.csv"
    path.write_text("d;x\n" + "".join(f"{text};1\n" for text in texts))
    assert open_table(path).columns[0].kind == "category"


def test_a_quote_that_is_not_closed_is_guessed(tmp_path):
    path = tmp_path / "q.csv"
    path.write_text('a,y\n1,2\n"3,4\n5,6\n')
    with pytest.raises(DataError, match="has 1 field, but the header names 2 columns; is a quote"):
        open_table(path)


def test_codes_stay_text_and_it_is_said(tmp_path):
    path = tmp_path / "z.csv"
    path.write_text("zip,share,n\n10001,0.5,0\n00501,0,10\n")
    table = open_table(path)
    assert [column.kind for column in table.columns] == ["category", "number", "number"]
    assert next(table.chunks())["zip"].tolist() == ["10001", "00501"]
    assert table.notes == ("column 'zip' is taken as text: row 2 holds '00501', a code",)
    assert open_table(path, like=[Column("zip", "number")]).columns[0].kind == "number"


def column_of(write, texts, like=()):
    """Return a table of one column, and its values."""
    table = open_table(write("a;b\n" + "".join(f"{text};x\n" for text in texts)), like)
    return table, next(table.chunks())["a"]


def learned(kind, reading, unit=""):
    return [Column("a", kind, written=Writing(reading, unit))]


@given(
    days=st.lists(st.dates(), min_size=1, max_size=20),
    how=st.sampled_from(["day first", "month first"]),
)
@settings(max_examples=15)
def test_dates_are_read_as_in_training(tmp_path_factory, days, how):
    form = "%d/%m/%Y" if how == "day first" else "%m/%d/%Y"
    days = [day.replace(year=max(day.year, 1700)) for day in days]
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_text("a;b\n" + "".join(f"{day:{form}};x\n" for day in days))
    found = next(open_table(path, learned("time", how)).chunks())["a"]
    assert [time.date() for time in found.tolist()] == days


@given(
    numbers=st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=20),
    decimals=st.integers(0, 2),
    signs=st.sampled_from([(",", "."), (".", ",")]),
    groups=st.booleans(),
)
@settings(max_examples=15)
def test_numbers_are_read_as_in_training(tmp_path_factory, numbers, decimals, signs, groups):
    thousands, point = signs
    texts = [f"{number / 10**decimals:{',' * groups}.{decimals}f}" for number in numbers]
    texts = [text.translate(str.maketrans({",": thousands, ".": point})) for text in texts]
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_text("a;b\n" + "".join(f"{text};x\n" for text in texts))
    how = "with decimal points" if point == "." else "with decimal commas"
    found = next(open_table(path, learned("number", how)).chunks())["a"]
    assert found.tolist() == [number / 10**decimals for number in numbers]


@pytest.mark.parametrize(("texts", "like", "message"), [
    (["07/08/2021", "19/08/2021"], learned("time", "month first"),
     "times month first, as in training, but row 2 holds '19/08/2021'; write all values as"),
    (["2,50", "7,250"], learned("number", "with decimal points"),
     "numbers with decimal points, as in training, but row 1 holds '2,50'"),
    (["7.250", "2.50"], learned("number", "with decimal commas"),
     "numbers with decimal commas, as in training, but row 2 holds '2.50'"),
    (["0.9", "0.5"], learned("number", "with decimal points", "%"),
     "numbers with '%', as in training, but row 1 holds '0.9'"),
    (["0.9", "90%"], learned("number", "with decimal points"),
     "numbers without '%', as in training, but row 2 holds '90%'"),
    (["5", "5€"], learned("number", "", "$"),
     r"numbers with '\$', as in training, but row 2 holds '5€'"),
    (["0.9", "90%", "0.8"], [Column("a", "number")],
     "numbers, but row 2 holds '90%'; the column holds numbers with '%' and without"),
    (["oops"], learned("number", "with decimal commas"), "numbers, but row 1 holds 'oops'"),
])  # fmt: skip
def test_what_contradicts_training_is_refused_with_its_cell(write, texts, like, message):
    with pytest.raises(DataError, match=f"column 'a' must hold {message}"):
        column_of(write, texts, like)


@pytest.mark.parametrize(("texts", "like", "first", "note"), [
    (["19/08/2021"], learned("time", "month first"), "2021-08-19",
     "times day first, unlike training, which had them month first"),
    (["2021-08-19"], learned("time", "day first"), "2021-08-19",
     "times year first, unlike training, which had them day first"),
    (["07/08/2021"], learned("time", "year first"), "2021-08-07",
     "unlike training, which had them year first, but could all be month first"),
    (["07/08/2021"], (), "2021-08-07", "times day first, but could all be month first"),
    (["07/08/2021"] * 99 + ["19/08/2021"], learned("time", "month first"), "2021-07-08",
     "1 of 100 values are no time month first, as in training, and count as missing; the first, in "
     "row 100, is '19/08/2021'"),
    (["2,5", "0,125"], learned("number", "with decimal points"), 2.5,
     "numbers with decimal commas, unlike training, which had them with decimal points"),
    (["2.500"], learned("number", "with decimal commas"), 2500, "row 1 holds '2.500', read as"),
    (["7", "$5"], learned("number", "", "$"), 7, "row 2 holds '$5', read as 5"),
    (["7", "2.500"], learned("number", ""), 7, "whole numbers in training: row 2 holds '2.500'"),
])  # fmt: skip
def test_what_is_read_otherwise_than_plainly_is_said(write, texts, like, first, note):
    table, found = column_of(write, texts, like)
    assert found[0] == (first if like and like[0].kind == "number" else np.datetime64(first))
    assert any(note in told for told in table.notes)


def test_missing_values_alone_fit_any_way_to_write(write):
    assert np.isnat(column_of(write, ["", ""], learned("time", "month first"))[1]).all()
    assert np.isnan(column_of(write, ["", ""], learned("number", "", "%"))[1]).all()


def test_an_unknown_way_to_write_is_refused(write):
    with pytest.raises(ChainruleError, match="unknown way to write 'a' 'upside down'"):
        column_of(write, ["1"], learned("number", "upside down"))


@pytest.mark.parametrize(("texts", "odd", "number"), [
    (["5.123"] * 119, "1.234,50", 5.123),
    (["5,123"] * 119, "1,234.50", 5.123),
])  # fmt: skip
def test_an_odd_cell_does_not_change_what_the_others_mean(write, texts, odd, number):
    table, found = column_of(write, [*texts, odd])
    assert found[:-1].tolist() == [number] * 119
    assert np.isnan(found[-1])
    assert f"no number and count as missing; the first, in row 120, is {odd!r}" in table.notes[-1]


def test_how_many_values_decide_is_said_where_they_are_few(write):
    table, found = column_of(write, ["2.500"] * 95 + ["7.599,80"] * 5)
    assert (found[0], found[-1]) == (2500, 7599.8)
    assert "with decimal commas, as 5 of 100 values can only be read so" in table.notes[0]
    table, found = column_of(write, ["07/08/2021"] * 99 + ["08/19/2021"])
    assert found[0] == np.datetime64("2021-07-08")
    assert "month first, as 1 of 100 values can only be read so" in table.notes[0]


@pytest.mark.parametrize(("texts", "kind"), [
    ([str(i) for i in range(1, 120)] + ["007"], "number"),
    ([str(i) for i in range(100, 219)] + ["007"], "number"),
    ([f"{i:03}" for i in range(120)], "category"),
    ([str(i) for i in range(10_000, 10_100)] + ["00501"] * 10, "category"),
    (["1.5"] * 90 + ["007"] * 10, "number"),
], ids=["shorter", "one", "most", "of one length", "among decimals"])  # fmt: skip
def test_some_zeros_before_numbers_make_no_codes_of_them(write, texts, kind):
    table, _ = column_of(write, texts)
    assert table.columns[0].kind == kind
    assert any("'007'" in note or "a code" in note for note in table.notes) or "1.5" in texts


PIECES = [
    "7",
    "12",
    "2.500",
    "5.1",
    "0.125",
    "3,250",
    "4,5",
    "1.234,50",
    "1,234.50",
    "90%",
    "",
    "x",
]


@given(
    texts=st.lists(st.sampled_from(PIECES), min_size=1, max_size=60)
    | st.lists(st.sampled_from(PIECES[2:8]), min_size=1, max_size=60),
    like=st.sampled_from([
        (), learned("number", "with decimal commas"), learned("number", "with decimal points"),
        learned("number", ""), [Column("a", "number")],
    ]),
)  # fmt: skip
@settings(max_examples=15)
def test_a_column_means_the_same_in_blocks(tmp_path_factory, texts, like):
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_text("a;b\n" + "".join(f"{text};x\n" for text in texts))

    def outcome():
        try:
            table = open_table(path, like)
            values = np.concatenate([chunk["a"] for chunk in table.chunks()])
            return table.columns, table.columns[0].written, table.notes, repr(values.tolist())
        except DataError as error:
            return str(error)

    whole = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "SMALL", 0)
        patch.setattr(delimited, "BLOCK", 24)
        assert outcome() == whole


def test_times_of_different_offsets_become_utc(write):
    texts = ["2024-01-01 10:00+02:00", "2024-01-01 10:00:00-0830", "2024-01-01T10:00Z"]
    table, found = column_of(write, texts)
    expected = np.array(["2024-01-01T08:00", "2024-01-01T18:30", "2024-01-01T10:00"], "M8[s]")
    np.testing.assert_array_equal(found, expected)
    assert table.columns[0].written == Writing("year first", "UTC")
    assert table.notes == (
        "column 'a' holds times year first, in UTC: row 1 holds '2024-01-01 10:00+02:00', read as "
        "2024-01-01 08:00:00",
    )


def test_times_of_one_offset_stay_as_those_of_parquet_do(write):
    table, found = column_of(write, ["2024-01-01 10:00+02:00", "2024-01-02 10:00+0200"])
    assert found[0] == np.datetime64("2024-01-01T10:00")
    assert table.columns[0].written == Writing("year first", "+02:00")
    assert "in +02:00: row 1 holds '2024-01-01 10:00+02:00', read as 2024-01-01 10:00:00" \
        in table.notes[0]  # fmt: skip


ZONES = st.sampled_from(["+02:00", "-08:00", "+05:30", "UTC"])


@given(
    moments=st.lists(st.tuples(st.datetimes(), ZONES), min_size=1, max_size=20),
    zone=ZONES,
)
@settings(max_examples=15)
def test_times_come_in_the_zone_of_training(tmp_path_factory, moments, zone):
    def ahead(zone):
        return dt.datetime.strptime(zone.replace("UTC", "+00:00"), "%z").utcoffset()

    moments = [(m.replace(year=max(m.year, 1900), microsecond=0, fold=0), z) for m, z in moments]
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    rows = [f"{moment:%Y-%m-%d %H:%M:%S}{z.replace('UTC', 'Z')};x\n" for moment, z in moments]
    path.write_text("a;b\n" + "".join(rows))
    found = next(open_table(path, learned("time", "year first", zone)).chunks())["a"]
    expected = [np.datetime64(m - ahead(z)) + np.timedelta64(ahead(zone)) for m, z in moments]
    np.testing.assert_array_equal(found, np.array(expected, "M8[s]"))


@pytest.mark.parametrize(("texts", "like", "note"), [
    (["2024-01-01 10:00+02:00", "2024-01-01 10:00"], (),
     "1 of 2 times tell no offset from UTC and are taken as +02:00; the first, in row 2, is '2024"),
    (["2024-01-01 10:00"], learned("time", "year first", "UTC"),
     "1 of 1 times tell no offset from UTC and are taken as UTC, as training had them"),
    (["2024-01-01 10:00+02:00"], learned("time", "year first"),
     "training had times without an offset from UTC"),
])  # fmt: skip
def test_times_without_an_offset_beside_others_are_said(write, texts, like, note):
    table, found = column_of(write, texts, like)
    assert note in table.notes[1]
    assert found[-1] == np.datetime64("2024-01-01T10:00")


@pytest.mark.parametrize("first", ["sep=;\r\n", "SEP=;\n", '"sep=;"\n', "\ufeffsep=;\n"])
def test_a_first_line_that_tells_the_separator_is_skipped(write, first):
    path = write(f"{first}a,1;b\n1;x\n")
    assert read(path) == {"a,1": [1.0], "b": ["x"]}
    with pytest.raises(DataError, match="line 4 has 1 field, but the header names 2 columns"):
        open_table(write(f"{first}a;b\n1;x\n2\n"))


@pytest.mark.parametrize("mark", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_mark_tells_the_encoding(write, mark):
    text = "größe;wort\n1,5;é\n"
    content = text.encode(mark) if mark in ("utf-16", "utf-32") else f"\ufeff{text}".encode(mark)
    assert read(write(content)) == {"größe": [1.5], "wort": ["é"]}


def test_the_cell_of_another_unit_is_named(write):
    table, _ = column_of(write, ["0.9", "0.5", "90%"])
    assert table.notes == (
        "column 'a' is taken as text: it holds numbers with '%' and without; row 3 holds '90%'",
    )


@pytest.mark.parametrize(("texts", "like"), [
    (["$5", "$7"], learned("number", "with decimal points", "$")),
    (["01/01/2021"], learned("time", "month first")),
])  # fmt: skip
def test_what_says_nothing_is_as_in_training(write, texts, like):
    table, _ = column_of(write, texts, like)
    assert table.columns[0].written == like[0].written
    assert not any("unlike" in note for note in table.notes)


@pytest.mark.parametrize(("text", "expected"), [
    ("Wed, 14 Jun 2023 10:51:00 +0200", "2023-06-14T10:51:00"),
    ("Wed, 14 Jun 2023 10:51:00 GMT", "2023-06-14T10:51:00"),
    ("Wednesday, June 14, 2023", "2023-06-14T00:00:00"),
    ("2023-06-14 10:51:00 +02:00", "2023-06-14T10:51:00"),
    ("2023-06", "2023-06-01T00:00:00"),
    ("14 juin 2023", "2023-06-14T00:00:00"),
    ("14 Juil. 2023", "2023-07-14T00:00:00"),
    ("1er août 2023", "2023-08-01T00:00:00"),
    ("3 déc. 2023", "2023-12-03T00:00:00"),
    ("14 de septiembre de 2023", "2023-09-14T00:00:00"),
    ("2 ene 2023", "2023-01-02T00:00:00"),
    ("14 giugno 2023 18:30", "2023-06-14T18:30:00"),
    ("9 MÄRZ 2023", "2023-03-09T00:00:00"),
])  # fmt: skip
def test_times_as_mails_and_other_languages_have_them(write, text, expected):
    table = open_table(write(f'day,other\n"{text}",1\n"{text}",2\n'))
    (chunk,) = table.chunks()
    assert table.columns[0].kind == "time"
    assert chunk["day"].astype(str).tolist() == [expected, expected]


@pytest.mark.parametrize("text", ["2023-13", "1234-05", "Room 12 may 2020", "2019-20"])
def test_what_only_looks_a_little_like_a_time_is_text(write, text):
    assert open_table(write(f"day,other\n{text},1\n{text},2\n")).columns[0].kind == "category"


@pytest.mark.parametrize("rows", [30, 5000])
def test_times_in_several_ways_are_text_and_that_is_said(write, rows):
    ways = "{0:%d.%m.%Y}", "{0:%Y-%m-%d}", "{0:%b %d %Y}"
    start = dt.date(2024, 1, 25)
    days = [ways[i % 3].format(start + dt.timedelta(i % 300)) for i in range(rows)]
    table = open_table(write("\n".join(["day,other", *(f"{day},1" for day in days)])))
    assert table.columns[0].kind == "category"
    (note,) = table.notes
    assert "column 'day' is taken as text: " in note
    assert "look like times, but in different ways: row 1 holds '25.01.2024', row 2 holds" in note


def test_a_column_that_is_decided_is_looked_at_no_more_whatever_the_size(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    words = np.array(["ash", "elm"])[rng.integers(2, size=20_000)]
    lines = [
        f"{word},{number:.3f}" for word, number in zip(words, rng.normal(size=20_000), strict=True)
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["word,number", *lines]))
    monkeypatch.setattr(delimited, "BLOCK", 2**15)
    add, rows = fields.Field.add, []

    def counted(field, array):
        rows.append((field.name, len(array)))
        return add(field, array)

    monkeypatch.setattr(fields.Field, "add", counted)
    chunks = []
    for small in (2**26, 0):
        monkeypatch.setattr(delimited, "SMALL", small)
        rows.clear()
        table = open_table(path)
        n_rows = [sum(count for name, count in rows if name == each) for each in ("word", "number")]
        assert n_rows[0] < 5000
        assert n_rows[1] == 20_000
        chunks.append({
            name: np.concatenate([chunk[name] for chunk in table.chunks()])
            for name in ("word", "number")
        })  # fmt: skip
    for name in ("word", "number"):
        np.testing.assert_array_equal(chunks[0][name], chunks[1][name])


def test_a_large_file_is_parsed_once_unless_a_later_block_changes_a_column(write, monkeypatch):
    monkeypatch.setattr(delimited, "SMALL", 0)
    monkeypatch.setattr(delimited, "BLOCK", 200)
    n = 200
    path = write("a,b,c\n" + "".join(f"{i},t{i % 3},{i if i < n - 1 else 'x'}\n" for i in range(n)))
    table, passes = open_table(path), []
    monkeypatch.setattr(table, "_batches", lambda names: passes.append(names) or iter(()))
    chunks = list(table.chunks(columns=["a", "b"]))
    assert np.concatenate([chunk["a"] for chunk in chunks]).tolist() == list(range(n))
    assert [text for chunk in chunks for text in chunk["b"]] == [f"t{i % 3}" for i in range(n)]
    assert passes == []
    assert list(table.chunks(columns=["a", "c"])) == []
    assert passes == [["a", "c"]]


def test_a_large_file_is_read_by_threads_at_once(write, monkeypatch):
    monkeypatch.setattr(delimited, "SMALL", 0)
    monkeypatch.setattr(delimited, "BLOCK", 100)
    path = write("a,b\n" + "".join(f"{i},{-i}\n" for i in range(3000)))
    table = open_table(path)

    def column(name):
        return np.concatenate([chunk[name] for chunk in table.chunks(columns=[name])])

    with ThreadPoolExecutor(4) as threads:
        columns = list(threads.map(column, "abababab"))
    for number, values in enumerate(columns):
        np.testing.assert_array_equal(values, (1, -1)[number % 2] * np.arange(3000))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a system without a disk that is full")
def test_where_the_disk_is_full_a_large_file_is_parsed_again(write, monkeypatch):
    monkeypatch.setattr(delimited, "SMALL", 0)
    monkeypatch.setattr(
        spilled.tempfile, "TemporaryFile", lambda **how: io.FileIO("/dev/full", "r+")
    )
    table = open_table(write("a,b\n" + "".join(f"{i},x\n" for i in range(50))))
    values = [chunk["a"] for chunk in table.chunks()]
    np.testing.assert_array_equal(np.concatenate(values), np.arange(50))


def test_where_nothing_can_be_written_a_large_file_is_parsed_again(write, monkeypatch):
    def refused():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(delimited, "SMALL", 0)
    monkeypatch.setattr(spilled.tempfile, "gettempdir", refused)
    table = open_table(write("a,b\n" + "".join(f"{i},x\n" for i in range(50))))
    values = [chunk["a"] for chunk in table.chunks()]
    np.testing.assert_array_equal(np.concatenate(values), np.arange(50))
