"""Names and texts of tables that a terminal would act on, or that would fill it."""

import csv
import re

from tests.cli.running import done, run

RED, LONG = "\x1b[31mred\x1b]0;title\x07", "long " * 400
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]")


def write(path, names, row, rows=120):
    """Write a table of these columns, whose cells a function of the row's number gives."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *(row(i) for i in range(rows))])
    return path


def outputs(data, folder, target, *options):
    """Yield what the verbs print of a table, to both streams."""
    model = folder / "model"
    short = ["--recipe", "linear", "--epochs", "2"]
    trained = done("train", data, "--target", target, *short, *options, "-o", model)
    yield trained.output
    for verb in (["evaluate", model, data], ["explain", model, data], ["show", model],
                 ["evaluate", model, data, "--target", "absent"],
                 ["predict", model, data, "--id", "absent"]):  # fmt: skip
        yield run(*verb).output
    yield run("train", data, "--target", "absent").output
    yield run("train", data).output


def test_no_name_of_a_column_or_class_reaches_the_terminal_raw(tmp_path):
    hostile = [RED, "\u202eright", "bell\x07", "\x9b31m"]
    names = ["".join(hostile), *hostile, *(f"{name} 2" for name in hostile), "kind", "constant"]

    def row(i):
        return [i % 7, *((i * j) % 7 for j in range(4)), *(f"{name}{i % 3}" for name in hostile),
                hostile[i % 4], RED]  # fmt: skip

    data = write(tmp_path / "data.csv", names, row)
    for text in outputs(data, tmp_path, "kind"):
        assert not CONTROLS.search(text), repr(text)
    for text in outputs(data, tmp_path, names[0]):
        assert not CONTROLS.search(text), repr(text)


def test_long_texts_and_lists_are_told_in_part(tmp_path):
    names = [f"column {i}" for i in range(150)] + [LONG, "words", "constant", "stray", "kind"]

    def row(i):
        return [*((i * j) % 7 for j in range(150)), i % 5, f"{LONG}{i % 3}", LONG,
                LONG if i == 5 else i % 11, f"{LONG}{i % 2}"]  # fmt: skip

    data = write(tmp_path / "data.csv", names, row)
    for text in outputs(data, tmp_path, "kind"):
        assert "long long" not in text or "…" in text
        assert "long " * 30 not in " ".join(text.split())
        assert "column 75" not in text
        assert max(map(len, text.splitlines())) < 2100
