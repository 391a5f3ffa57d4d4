"""Pages without Python: what is written, and that nothing else is needed."""

import json
import re

import numpy as np
import pytest
from tests.blackboard.test_replay import content
from typer.testing import CliRunner

from chainrule._src.blackboard import built, course, site, subjects
from chainrule._src.blackboard.course import Course, Lesson
from chainrule._src.blackboard.lessons import lessons
from chainrule._src.blackboard.program import digest
from chainrule._src.blackboard.scenes import scenes
from chainrule._src.cli.app import app
from chainrule._src.cli.problems import USAGE
from chainrule._src.data.storage.layout import parse_header

MODULE = """const a = 1, page = (index, scripts) => [index, scripts]; const end = "</script>";
export { a as default, page as course };
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    """Have a module of the page, which is not what these tests are about."""
    path = tmp_path / "module.js"
    path.write_text(MODULE)
    monkeypatch.setattr(built, "MODULE", path)


@pytest.fixture(scope="module")
def softmax():
    """A course of a network without hidden layers, which is compiled soon."""
    wine = subjects.network(subjects.table("wine"), {"layers": []})
    lesson = Lesson("wine", "Wine </script>", wine, [[]], optimizers=("sgd",))
    return Course.of([lesson], lambda text: None)


def policy(text):
    (found,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    return dict(each.strip().split(" ", 1) for each in found.replace("&#39;", "'").split(";"))


def test_one_file_holds_all_and_allows_its_own_script_alone(softmax):
    text = site.single_page(softmax, "ours <b>")
    assert "<title>ours &lt;b&gt;</title>" in text
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    rules = policy(text)
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest(script)}' 'wasm-unsafe-eval'"
    assert "unsafe-eval'" not in rules["script-src"].replace("'wasm-unsafe-eval'", "")
    assert not re.search(r"https?:|\b(src|href)=", text)
    for name, pack in softmax.packs.items():
        assert content(text, f"pack-{name}") == pack.file()


def test_a_folder_has_a_file_for_each_pack(softmax, tmp_path):
    folder = tmp_path / "course"
    size = site.write_course(softmax, folder, single=False)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.*")}
    packs = {f"packs/{name}.js" for name in softmax.packs}
    assert files.keys() == {"index.html", "blackboard.js", *packs}
    assert size == sum(path.stat().st_size for path in files.values())
    text = files["index.html"].read_text(encoding="utf-8")
    assert policy(text)["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert re.findall(r"(?:src|href)=(\S+?)>", text) == ['"blackboard.js"']
    for path in files.values():
        assert not re.search(r"https?:", path.read_text(encoding="utf-8")), path


def test_the_initial_weights_that_a_page_draws_are_those_of_python():
    for layers in ([], [10], [4, 3]):
        subject = subjects.network(subjects.digits(), {"layers": layers, "seed": 5})
        for init, draws in course._draws(subject):
            weights = subject.make({**subject.settings, "init": init}).params
            rng = np.random.default_rng(5)
            assert [name for name, _, _ in draws] == list(weights)
            for name, limit, scale in draws:
                shape = weights[name].shape
                drawn = scale * rng.uniform(-limit, limit, shape) if limit else np.zeros(shape)
                np.testing.assert_array_equal(drawn, weights[name])


def test_a_page_is_ready_for_every_network_of_the_scenes():
    lesson = lessons()[0]
    wanted = [turn["settings"] for scene in scenes() for step in scene["steps"]
              for turn in step.get("do", ()) if turn["do"] == "restart"]  # fmt: skip
    assert wanted
    for settings in wanted:
        assert settings["layers"] in lesson.layers
        assert settings["activation"] in lesson.activations
        assert settings["optimizer"] in lesson.optimizers
        subject = lesson.subject.make({**lesson.subject.settings, **settings})
        ready = [*({"init": init} for init in course.DRAWN), *course._of_scenes(subject)]
        assert settings["init"] in [each["init"] for each in ready]


def test_five_networks_are_ready_and_three_data_sets():
    found = lessons()
    assert len({each.name for each in found}) == len(found) >= 5
    assert len({each.subject.data.name for each in found}) == 3


def exported(path):
    words = ["blackboard", "--data", "wine", "--model", "softmax", "--export", str(path)]
    done = CliRunner().invoke(app, [*words, "--single"])
    assert done.exit_code == 0, done.output
    assert f"Wrote {path}" in done.stdout
    return path.read_text(encoding="utf-8")


def test_the_command_writes_a_page(tmp_path, softmax, monkeypatch):
    monkeypatch.setattr(Course, "of", lambda lessons, tell, *own: softmax)
    assert exported(tmp_path / "wine.html") == site.single_page(softmax)


@pytest.mark.thorough
def test_the_command_compiles_all_that_the_page_offers(tmp_path):
    text = exported(tmp_path / "wine.html")
    packs = re.findall(r'id="pack-([^"]*)"', text)
    assert packs == ["wine", "wine-13-3", "wine-13-3-mistakes"]
    pack = content(text, "pack-wine-13-3")
    _, metadata = parse_header(pack[8 : 8 + int.from_bytes(pack[:8], "little")])
    assert json.loads(metadata["document"])["setup"]["model"]["title"] == "13-3"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--single"], "it belongs to --export"),
        (["--export", "x", "--model", "mylab.py"], "mylab.py is Python"),
        (["--export", "x", "--target", "class"], "the digits are no table"),
    ],
)
def test_what_cannot_be_written_is_refused(words, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["blackboard", *words])
    assert done.exit_code == USAGE
    assert why in " ".join(done.output.split())
    assert not (tmp_path / "x").exists()


def test_a_second_export_removes_the_packs_of_the_first_alone(softmax, tmp_path):
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "old-lesson.js").write_text('blackboardPack("old-lesson", "");\n')
    (packs / "mine.js").write_text("console.log(1);\n")
    site.write_course(softmax, tmp_path, single=False)
    names = {each.name for each in packs.iterdir()}
    assert names == {"mine.js", *(f"{name}.js" for name in softmax.files())}
