"""Whatever a file holds: a model, or one line that says why not."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.cli.running import ONE, run

PLAIN = ["", "NA", "1", "0", "-1e308", "1e309", "inf", "nan", "x", "é", "True", "2024-01-01",
         "[bold]", "\\", "'", " ", "a\tb", "0.5", "2", "y", "$1", "-€2", "3 %", "(4)", "1'234",
         "31.12.2024", "2024-01-01T12:30", "12/31/2024 1:02", "7:30", "2024-02-30", "5 kg",
         "−1"]  # fmt: skip
CELLS = st.sampled_from([*PLAIN, '"', "1,5"]) | st.integers(-3, 3).map(str) | st.text(max_size=3)


def tables(cells, header, most):
    """Draw a table as text: a line of names, then rows of as many cells."""
    rows = header.flatmap(
        lambda names: st.lists(
            st.lists(cells, min_size=len(names), max_size=len(names)), max_size=most
        ).map(lambda rows: [names, *rows])
    )
    return rows.map(lambda rows: "\n".join(map(",".join, rows)).encode(errors="replace"))


WIDE = st.integers(1, 4).map(lambda width: list("abcd"[:width]))
TABLES = (
    tables(st.sampled_from(PLAIN), WIDE, 25)
    | tables(CELLS, WIDE, 8)
    | tables(CELLS, st.lists(CELLS, min_size=1, max_size=3), 8)
    | st.binary(max_size=60)
)


def attempt(folder, content):
    """Train, then evaluate and predict; return the outcomes."""
    path, model = Path(folder, "odd.csv"), Path(folder, "model")
    path.write_bytes(content)
    options = ["--epochs", "1", "--hidden", "2", "--validation", "0.5", "-o", model]
    yield run("train", *ONE, path, "--target", "a", *options)
    if model.exists():
        yield run("evaluate", model, path)
        yield run("predict", model, path, "-o", Path(folder, "out.csv"))


@pytest.mark.thorough  # many tables
@given(TABLES)
@example(b"a,b\n" + b"1,x\n2,y\n" * 10)
@example(b"a,b\n" + b"[red],1\n[/red],2\n" * 10)
@example(b"a,[b\n" + b"1.5,1\n,2\n3.5,\n" * 10)
def test_an_odd_csv_never_gives_a_traceback(content):
    with tempfile.TemporaryDirectory() as folder:
        for outcome in attempt(folder, content):
            assert outcome.exit_code in (0, 2, 3, 4, 5), (content, outcome.output)
            assert "Traceback" not in outcome.output
            lines = outcome.stderr.splitlines()
            assert sum(line.startswith("error: ") for line in lines) == (outcome.exit_code != 0)
            assert all(line.startswith(("note: ", "error: ")) for line in lines)
