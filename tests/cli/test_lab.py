import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

import chainrule
from chainrule._src.cli.app import app
from chainrule._src.teach.lab import report
from chainrule._src.teach.lab.terminal import folded
from chainrule.lab import SECTIONS

RUN = CliRunner()
FIGURES = {"ten": 10, "fifteen": 15, "twenty": 20, "fifty": 50}
WIDTH = 80  # columns of the terminal
EPOCHS = re.compile(rf"(?<!last )\b(\d+|{'|'.join(FIGURES)}) epochs")
MOST_EPOCHS = 3  # of a quick lab's sections


def lab(*arguments):
    return RUN.invoke(app, ["lab", "--quick", *map(str, arguments)], env={"COLUMNS": str(WIDTH)})


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.addresses = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href"):
                self.addresses.append(value)


@pytest.mark.thorough  # a whole lab
def test_the_quick_lab_prints_logs_numbers_and_writes_one_file(tmp_path):
    path = tmp_path / "report.html"
    done = lab("--seed", 1, "--report", path)
    assert done.exit_code == 0, done.output
    assert re.search(r"Update #1500, train loss: 0\.\d{4}, train acc: 0\.\d{3}", done.output)
    assert re.search(r"Epoch #3, train loss: 0\.\d{5}, train acc: 0\.\d{3}", done.output)
    assert "The lab in numbers" in done.output
    assert str(path) in done.output.replace("\n", "")
    assert os.listdir(tmp_path) == ["report.html"]
    wide = [line for line in done.output.splitlines() if cell_len(line) > WIDTH]
    assert [line for line in wide if line != str(path)] == []  # which is to be copied

    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert set(SECTIONS) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    text = re.sub(
        r"<script( type=\"text/plain\" id=\"replay\")?>.*?</script>", "", text, flags=re.DOTALL
    )
    assert not re.search(r"url\((?!#)|@import|<script", text)
    pictures = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert len(pictures) > 20
    for picture in pictures:
        ElementTree.fromstring(picture)
    assert "prefers-color-scheme: dark" in text
    prose = re.sub(r"<pre>.*?</pre>|<style>.*?</style>", "", text, flags=re.DOTALL)
    assert "`" not in prose
    figures = EPOCHS.findall(prose)
    assert len(figures) > 5
    assert max(FIGURES.get(each) or int(each) for each in figures) <= MOST_EPOCHS
    assert "<code>cr.minimize</code>" in prose
    assert not re.search(r"\ba 8\b", prose)
    assert "--only keras" in text


@pytest.fixture
def drawn_here(monkeypatch):
    """Have pictures drawn in this process: another takes a second to start."""
    monkeypatch.setattr(report, "ProcessPoolExecutor", lambda n, **_: ThreadPoolExecutor(n))


def test_only_some_sections_in_either_spelling(tmp_path, drawn_here):
    path = tmp_path / "report.html"
    repeated = lab("--only", "momentum", "--only", "data", "--report", path)
    listed = lab("--only", "momentum", "data", "--report", path)
    for done in (repeated, listed):
        assert done.exit_code == 0, done.output
        assert "1. The handwritten digits" in done.output
        assert "7. Momentum" in done.output
        assert "Softmax regression" not in done.output


def test_a_part_of_the_lab_never_replaces_the_report_of_the_whole(
    tmp_path, monkeypatch, drawn_here
):
    monkeypatch.chdir(tmp_path)
    whole = tmp_path / "lab-report.html"
    whole.write_text("of the whole lab")
    assert lab("data").exit_code == 0
    assert RUN.invoke(app, ["lab", "--only", "data"]).exit_code == 0
    assert sorted(os.listdir(tmp_path)) == [
        "lab-report-data.html", "lab-report-quick-data.html", whole.name,
    ]  # fmt: skip
    assert whole.read_text() == "of the whole lab"


@pytest.mark.parametrize("width", [20, 40, 80])
@pytest.mark.parametrize(
    "line", ["short", "  * " + "a word " * 40, "    h = f(" + "x" * 200 + ", z̄)"],
    ids=["short", "words", "code"],
)  # fmt: skip
def test_lines_are_folded_to_the_width_of_a_terminal(line, width):
    parts = folded(line, width).split("\n")
    assert max(map(cell_len, parts)) <= width
    assert "".join(line.split()) == "".join("".join(parts).split())


def test_an_unknown_section_is_refused_before_any_work(tmp_path):
    done = lab("--only", "momentun", "--report", tmp_path / "report.html")
    assert done.exit_code == 2
    assert "did you mean 'momentum'" in done.output
    assert "Valid: data, softmax-regression" in done.output
    assert os.listdir(tmp_path) == []


def test_a_negative_seed_is_refused():
    done = lab("--seed", -1)
    assert done.exit_code == 2
    assert "--seed" in done.output


def test_an_unwritable_report_still_prints_the_numbers(tmp_path):
    path = tmp_path / "nowhere" / "report.html"
    done = lab("--only", "data", "--report", path)
    assert done.exit_code == 4
    assert "training samples" in done.output
    said = "".join(done.output.split())  # lines are folded where the path's length has them
    assert said.count("doesnotexist;makeitfirst") == 2
    assert os.listdir(tmp_path) == []


def test_without_keras_the_rest_runs(tmp_path, monkeypatch, drawn_here):
    path = tmp_path / "report.html"
    monkeypatch.setitem(sys.modules, "keras", None)
    done = lab("--only", "keras", "data", "--report", path)
    assert done.exit_code == 0
    assert "pip install 'chainrule[keras]'" in " ".join(done.output.split())
    assert "pip install &#39;chainrule[keras]&#39;" in path.read_text()
    assert lab("--only", "keras", "--report", path).exit_code == 1


def test_version_and_help():
    assert RUN.invoke(app, ["--version"]).output.strip() == f"chainrule {chainrule.__version__}"
    text = RUN.invoke(app, ["lab", "--help"]).output
    for option in ("--only", "--quick", "--seed", "--report"):
        assert option in text


@pytest.mark.thorough  # a whole lab
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a console event there")
def test_ctrl_c_stops_cleanly_with_130(tmp_path, interrupts):
    path = tmp_path / "report.html"
    command = [sys.executable, "-m", "chainrule"]
    process = subprocess.Popen(
        [*command, "lab", "--report", str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip
    for line in process.stdout:
        if line.startswith("Epoch #2"):
            break
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    began = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 10
    assert process.returncode == 130, err
    assert "The lab in numbers" in out
    assert err.strip() == "Stopped by Ctrl-C; no report was written."
    assert os.listdir(tmp_path) == []


def test_ctrl_c_in_a_section_that_trains_ends_the_others_as_well(
    tmp_path, monkeypatch, interrupts, drawn_here
):
    begun = []

    def section(lab, name):
        begun.append(name)
        chainrule.minimize(
            lambda w, X: np.mean((X @ w) ** 2), np.ones(2), np.ones((4, 2)), engine="numpy",
            callbacks=[lambda epoch, logs: signal.raise_signal(signal.SIGINT)],
        )  # fmt: skip

    monkeypatch.setattr(chainrule.lab.Lab, "run", section)
    result = lab("--report", tmp_path / "report.html")
    assert result.exit_code == 130
    assert result.stderr == "Stopped by Ctrl-C; no report was written.\n"
    assert len(begun) == 1
    assert os.listdir(tmp_path) == []
