"""The wheel alone, in an empty environment and another folder: the tour's examples and commands.

`make wheel` runs these; pip asks its index for the packages.
"""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from urllib.parse import urljoin

import pytest
from tests.base import ROOT

MEGABYTES = 290  # of the base, at most
# The tour's examples by chapter, in one namespace; those that need an extra are left out if asked.
EXAMPLES = """
import doctest, re, sys, warnings
warnings.simplefilter("error")
text, leaves_out = open(sys.argv[1], encoding="utf-8").read(), sys.argv[2] == "base"
runner, space, chapters = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE), {}, []
for chapter in re.split(r"^## ", text, flags=re.M)[1:]:
    if leaves_out and "*Needs `chainrule[" in chapter:
        continue
    test = doctest.DocTestParser().get_doctest(chapter, space, chapter.split("\\n")[0], None, 0)
    runner.run(test, clear_globs=False)
    space = test.globs
    chapters += [test.name] * bool(test.examples)
import chainrule
print(chapters, runner.tries, runner.failures, chainrule.__file__)
sys.exit(runner.failures > 0)
"""


class Environment:
    """A virtual environment without pip, and a folder to work in."""

    def __init__(self, folder, wheel, extras=""):
        self.path, self.work = folder / "environment", folder / "work"
        self.work.mkdir()
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.path], check=True)
        programs = self.path / ("Scripts" if os.name == "nt" else "bin")
        self.python, self.chainrule = programs / "python", programs / "chainrule"
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet",
             "--disable-pip-version-check", f"{wheel}{extras}"], check=True,
        )  # fmt: skip
        kept = {name: v for name, v in os.environ.items() if not name.startswith("PYTHON")}
        self.environment = {**kept, "CHAINRULE_CACHE": str(folder / "cache")}

    def run(self, *words, **options):
        return subprocess.run(
            list(map(str, words)), cwd=self.work, capture_output=True, text=True, timeout=300,
            env=self.environment, **options,
        )  # fmt: skip

    def verb(self, *words):
        done = self.run(self.chainrule, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def examples(self, which):
        done = self.run(self.python, "-c", EXAMPLES, ROOT / "docs" / "tour.md", which)
        assert done.returncode == 0, done.stdout + done.stderr
        assert str(self.path) in done.stdout
        return done.stdout

    def megabytes(self):
        files = (path.lstat() for path in self.path.rglob("*"))
        return sum(getattr(each, "st_blocks", each.st_size / 512) for each in files) * 512 / 2**20


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def base(wheel, tmp_path_factory):
    return Environment(tmp_path_factory.mktemp("base"), wheel)


@pytest.fixture(scope="module")
def full(wheel, tmp_path_factory):
    return Environment(tmp_path_factory.mktemp("full"), wheel, "[blackboard,tables,teach]")


def test_the_base_is_small(base):
    assert base.megabytes() < MEGABYTES


def test_readmes_chapters_that_need_no_extra_run_with_the_base(base):
    told = base.examples("base")
    for chapter in ("Ten lines", "Write NumPy, read the gradient", "Have your own gradient checked",
                    "A framework with Keras's names", "Train at native speed"):  # fmt: skip
        assert chapter in told


def test_with_the_base_a_line_names_the_extra(base):
    for words, extra in {
        ("train", "wine", "-o", "m.safetensors"): "tables", ("learn", "start", "lab"): "teach",
        ("blackboard",): "blackboard", ("lab", "--quick"): "teach", ("sweep", "digits"): "tables",
    }.items():  # fmt: skip
        done = base.run(base.chainrule, *words)
        assert done.returncode == 1, words
        assert f"pip install 'chainrule[{extra}]'" in " ".join(done.stderr.split())
        assert done.stderr.count("error:") == 1


MODEL = """
import numpy as np, chainrule as cr
model = cr.Sequential([cr.layers.Input((4,)), cr.layers.Dense(3, activation="softmax")])
model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
X, y = np.random.default_rng(0).normal(size=(60, 4)).astype("float32"), np.arange(60) % 3
model.fit(X, y, epochs=2, verbose=0)
model.save("net.safetensors")
print(model.predict(X[:2]).ravel().tolist())
print(X[:2].ravel().tolist())
"""
IN_NODE = """
import { load } from "./net.mjs";
const net = await load(), x = JSON.parse(process.argv[1]);
const before = await net.predict(x);
const history = await net.train(x, [0, 1], { epochs: 9, batchSize: 2 });
console.log(JSON.stringify([[...before], history.loss]));
"""


def test_a_model_becomes_a_module_for_the_web_with_the_base(base):
    done = base.run(base.python, "-c", MODEL)
    assert done.returncode == 0, done.stderr
    expected, x = done.stdout.splitlines()
    base.verb("export", "net.safetensors", "--to", "web", "--training")
    done = base.run("node", "--input-type=module", "--eval", IN_NODE, x)
    assert done.returncode == 0, done.stderr
    predicted, losses = json.loads(done.stdout)
    assert predicted == pytest.approx(json.loads(expected), rel=1e-5)
    assert losses[-1] < losses[0]


def test_all_of_the_tours_examples_run(full):
    told = full.examples("all")
    assert "In scikit-learn" in told
    assert "Thousands of models" in told


def commands_of_the_tour():
    """Return what the tour lets one type, for the command line that `make lab` installs."""
    text = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\$ \.venv/bin/chainrule (.*?)(?:\s+#.*)?$", text, flags=re.M)
    assert len(lines) >= 7
    return [line.split() for line in lines]


@pytest.mark.filterwarnings("default")
def test_the_tours_commands_run(full):
    for words in commands_of_the_tour():
        full.verb(*words)
    names = {path.name for path in full.work.iterdir()}
    assert {"wine.safetensors", "predictions.csv", "wine.py", "sweep.html"} <= names
    done = full.run(full.python, "-c", "import wine, sys; assert 'chainrule' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_the_lab_runs_and_writes_its_report(full):
    full.verb("lab", "--quick", "--only", "hidden-layer", "--report", "lab.html")
    assert "<svg" in (full.work / "lab.html").read_text(encoding="utf-8")


def test_labs_are_handed_out_solved_and_graded(full):
    done = full.run(full.chainrule, "learn", "start", "lab", "--no-watch")
    assert "1 of 8" not in done.stdout
    assert "of 8 exercises" in done.stdout, done.stderr
    assert len([*(full.work / "lab").glob("*.py")]) == 5
    solved = ROOT / "notebooks" / "solved" / "01_softmax_and_backpropagation.ipynb"
    (full.work / "submissions").mkdir()
    (full.work / "submissions" / "ada.ipynb").write_bytes(solved.read_bytes())
    full.verb("grade", "submissions", "-o", "marks.csv", "--report", "report.html")
    head, ada = (full.work / "marks.csv").read_text(encoding="utf-8").splitlines()[:2]
    marks = dict(zip(head.split(","), ada.split(","), strict=True))
    assert marks["total"] == marks["of"]
    assert (full.work / "report.html").stat().st_size > 1000
    full.verb("export-lab", "1", "--to", "classroom", "-o", "course")


def test_a_model_and_the_blackboard_become_pages(full):
    assert full.run(full.python, "-c", MODEL).returncode == 0
    full.verb("export", "net.safetensors", "--to", "page", "--training")
    full.verb("blackboard", "--data", "wine", "--model", "softmax", "--export", "pages")
    full.verb(
        "blackboard", "--data", "wine", "--model", "softmax", "--export", "pages.html", "--single"
    )
    assert {path.suffix for path in (full.work / "pages").iterdir()} >= {".html", ".js"}
    for name, least in {"net.html": 50_000, "pages.html": 300_000}.items():
        page = (full.work / name).read_text(encoding="utf-8")
        assert "Content-Security-Policy" in page
        assert len(page) > least


def test_the_blackboard_serves_its_page(full):
    command = [full.chainrule, "blackboard", "--no-browser"]
    with subprocess.Popen(
        command, cwd=full.work, env={**full.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            address = re.search(r"http://\S+", process.stdout.readline())[0]
            cookies = urllib.request.HTTPCookieProcessor()
            opener = urllib.request.build_opener(cookies)
            with opener.open(address, timeout=30) as page:
                assert b"<title>" in page.read()
            with opener.open(urljoin(address, "/blackboard.js"), timeout=30) as module:
                assert len(module.read()) > 50_000
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
