"""A page reads the numbers of a CSV file as Python does; Node runs the page's code."""

import json
import subprocess

import numpy as np
import pytest
from tests.export.web.node import NODE, needs_node

from chainrule._src.export.web.document import FOLDER
from chainrule.tables import open_table

pytestmark = needs_node
SCRIPT = """
const { samplesOfCsv } = await import(process.argv[1]);
const [text, about] = JSON.parse(process.argv[2]);
try {
  const { x, y } = samplesOfCsv(text, about);
  const plain = (value) => (ArrayBuffer.isView(value) ? [...value] : value);
  console.log(JSON.stringify({ x: plain(x), y: plain(y) }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message }));
}
"""
FILES = {
    "points": "a,b,y\n1.5,-2,3\n.25,1e-3,4\n-1.75,7.,5",
    "commas": "a;b;y\n1,5;-2;3\n,25;1e-3;4\n-1,75;7;5",
    "groups with commas": "a;b;y\n1.500,25;2;3\n2.500,5;3;4\n1,5;4;5",
    "groups with points": 'a,b,y\n"1,500.25",2,3\n"2,500.5",3,4\n1.5,4,5',
    "points with semicolons": "a;b;y\n1.5;2.500;3\n2.5;3.500;4\n3.5;1.5;5",
    "ambiguous in a file with semicolons": "a;b;y\n1.500;2,5;3\n2,500;3,5;4\n3.500;1;5",
    "ambiguous in a file with commas": 'a,b,y\n"1,500",2,3\n2.500,3,4\n"3,500",1,5',
    "spaces and apostrophes": "a;b;y\n1 500,5;1'500;3\n2 500,25;2'500;4\n3,5;10;5",
    "tabs": "a\tb\ty\n1,5\t2\t3\n2,5\t3\t4\n3,5\t1\t5",
    "a first line of Excel": "sep=;\na;b;y\n1,5;2;3\n2,5;3;4\n4,25;1;5",
    "a separator in the header": '"a";"b";"y, in m"\n1,5;2;3\n2,5;3;4\n3,5;1;5',
}


def in_page(tmp_path, text, about):
    module = tmp_path / "csv.mjs"
    module.write_text((FOLDER / "csv.js").read_text("utf-8"), "utf-8")
    command = [
        NODE,
        "--input-type=module",
        "-e",
        SCRIPT,
        module.as_uri(),
        json.dumps([text, about]),
    ]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.sampled(quick=5)
@pytest.mark.parametrize("name", FILES)
def test_numbers_are_those_that_python_reads(tmp_path, name):
    (tmp_path / "data.csv").write_text(FILES[name], "utf-8")
    (expected,) = open_table(tmp_path / "data.csv").chunks()
    samples = in_page(tmp_path, FILES[name], {"input": {"shape": [2]}, "target": {"shape": []}})
    x = np.reshape(samples["x"], (-1, 2))
    for values, column in zip((*x.T, samples["y"]), expected, strict=True):
        np.testing.assert_array_equal(values, expected[column].astype(float), err_msg=column)


@pytest.mark.parametrize(("comma", "read"), [(True, [1500, 2500]), (False, [1.5, 2.5])])
def test_an_ambiguous_column_is_read_as_in_training(tmp_path, comma, read):
    columns = [{"name": "a", "kind": "number", "comma": comma}]
    about = {"columns": columns, "page": {"output": {"name": "y", "kind": "classes"}}}
    samples = in_page(tmp_path, "a;y\n1.500;no\n2.500;yes", about)
    assert samples == {"x": [{"a": value} for value in read], "y": ["no", "yes"]}


def test_texts_among_numbers_are_refused_with_their_row(tmp_path):
    about = {"input": {"shape": [2]}, "target": {"shape": []}}
    answer = in_page(tmp_path, "1,5;2;3\n2,5;x;4\n3,5;1;5", about)
    assert answer == {"error": "column 2 is “x” in the row 2,5, x, 4 …, expected a number"}
