"""Names of files that a terminal would act on: no verb lets them through."""

import re
import shutil

import pytest
import typer
from tests.cli.running import done, run, write_pets
from tests.cli.test_grade import RIGHT

from chainrule._src.cli.app import app

EVIL = "a\x1b[31m\x1b]0;b\x07\x9b2J[red]"
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]")
# A line for each verb, on what there is and on what there is not; {} is a hostile name.
LINES = [
    "train {}.csv --target kind --epochs 1 --recipe linear -o {}.out",
    "train {}.none --target kind",
    "train {}.csv --target {}",
    "train {}.csv --target kind --config {}.none",
    "sweep {}.csv --target kind --models 2 --epochs 1 -o {}.out --report {}.html",
    "sweep {}.none --target kind",
    "evaluate {}.model {}.csv",
    "evaluate {}.none {}.csv",
    "evaluate {}.csv {}.csv",
    "predict {}.model {}.csv -o {}.tsv",
    "predict {}.model {}.none",
    "explain {}.model {}.csv",
    "explain {}.none {}.csv",
    "show {}.model",
    "show {}.model --source",
    "show {}.none",
    "export {}.model --to numpy -o {}.py",
    "export {}.model --to {} -o {}.py",
    "plot {}.model -o {}.svg",
    "plot {}.none -o {}.svg",
    "grade {}.class -o {}.csv --report {}.html --lab 1",
    "grade {}.none -o {}.csv",
    "grade {}.class -o {}/none.csv --lab {}",
    "export-lab 1 --to otter -o {}.course",
    "export-lab {} --to otter -o {}.course",
    "export-lab 1 --to {} -o {}.course",
    "learn start {}.learn --no-watch --lab 1",
    "learn start {}.class --no-watch",
    "learn list --in {}.labs",
    "learn hint {} --in {}.labs",
    "learn hint --in {}.labs",
    "learn solution {} --in {}.labs",
    "learn reset softmax --in {}.labs",
    "learn reset {} --in {}.none",
    "lab --quick --only data --report {}.html",
    "lab --quick --only data --report {}.none/lab.html",
    "lab --only {}",
    "blackboard --data {}.none --no-browser",
    "blackboard --data {}.csv --target {} --no-browser",
    "blackboard --model {}.none --no-browser",
    "cache {}",
    "{}",
]


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """Return a folder with a table, a model, submissions and labs of hostile names."""
    folder = tmp_path_factory.mktemp("things")
    write_pets(folder / f"{EVIL}.csv", copies=4)
    train = ("train", folder / f"{EVIL}.csv", "--target", "kind", "--epochs", "1")
    done(*train, "--recipe", "linear", "-o", folder / f"{EVIL}.model")
    (folder / f"{EVIL}.class").mkdir()
    (folder / f"{EVIL}.class" / f"{EVIL}.py").write_text(RIGHT)
    run("learn", "start", folder / f"{EVIL}.labs", "--no-watch", "--lab", "1")
    return folder


@pytest.mark.sampled(quick=10)
@pytest.mark.usefixtures("light_hosts")
@pytest.mark.parametrize("line", LINES)
def test_no_name_of_a_file_reaches_the_terminal_raw(things, tmp_path, monkeypatch, line):
    here = tmp_path / "here"
    shutil.copytree(things, here)
    monkeypatch.chdir(here)
    result = run(*(word.replace("{}", EVIL) for word in line.split()))
    assert result.output
    assert not CONTROLS.search(result.output), repr(result.output)
    assert "Traceback" not in result.output
    assert "please report it" not in result.output


def test_every_verb_is_tried():
    assert set(typer.main.get_command(app).commands) <= {line.split()[0] for line in LINES}
