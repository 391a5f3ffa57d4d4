"""Grading in a container: the image's text, and the commands, with an engine that only listens."""

import json
import os
import stat
import sys

import pytest
from tests.cli.running import done, refused

from chainrule._src.teach.exports import container
from chainrule.errors import FileError, OptionError


def test_the_image_has_chainrule_and_what_it_needs():
    files = container.context()
    lines = files["Containerfile"].splitlines()
    assert [line.split()[0] for line in lines if line and line[0] not in "# "] == [
        "FROM", "COPY", "RUN", "ENV", "ENTRYPOINT",
    ]  # fmt: skip
    assert json.loads(lines[-1].removeprefix("ENTRYPOINT ")) == [
        "python",
        "-m",
        "chainrule",
        "grade",
    ]
    assert "source/chainrule/_src/teach/grading/grade.py" in files
    assert any(path.startswith("source/chainrule/_src/teach/labs/") for path in files)
    assert "numpy" in files["source/requirements.txt"]
    assert "chainrule" not in files["source/requirements.txt"]


def test_the_container_has_no_network_no_privileges_and_writes_where_it_may(tmp_path):
    command = container.run_command("podman", ["a", "-o", "b"], [tmp_path / "in"], [tmp_path])
    text = " ".join(command)
    for words in ("--network none", "--cap-drop ALL", "--read-only", "no-new-privileges",
                  "--pids-limit 512", "--rm"):  # fmt: skip
        assert words in text
    at = tmp_path.resolve()
    assert f"--volume {at / 'in'}:{(at / 'in').as_posix()}:ro" in text
    assert command[-4:] == [container.IMAGE, "a", "-o", "b"]


def test_an_unknown_engine_and_one_that_is_not_there_are_said(monkeypatch):
    with pytest.raises(OptionError, match="there are podman, docker"):
        container.grade_in("lxc", [], [], [])
    monkeypatch.setattr(container.shutil, "which", lambda name: None)
    with pytest.raises(FileError, match="docker is not installed"):
        container.grade_in("docker", [], [], [])


@pytest.mark.thorough  # writes the whole package
@pytest.mark.skipif(os.name != "posix", reason="the engine is a script")
def test_grade_hands_its_options_to_the_container(tmp_path, monkeypatch):
    engine = tmp_path / "bin" / "podman"
    engine.parent.mkdir()
    log = f"open({str(tmp_path / 'log')!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')"
    engine.write_text(f"#!{sys.executable}\nimport json, sys\n{log}\n")
    engine.chmod(engine.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{engine.parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "class").mkdir()
    (tmp_path / "own.py").write_text("# %%")
    arguments = ["grade", tmp_path / "class", "-o", tmp_path / "m.csv", "--seed", "autumn"]
    arguments += ["--lab", tmp_path / "own.py"]
    done(*arguments, "--container", "podman")
    built, run = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert built[0] == "build"
    at = run.index(container.IMAGE)
    folder = tmp_path.resolve()
    assert run[at + 1 :] == [
        str(folder / "class"), "-o", str(folder / "m.csv"), "--lab", str(folder / "own.py"),
        "--seed", "autumn",
    ]  # fmt: skip
    assert f"{folder / 'own.py'}:{(folder / 'own.py').as_posix()}:ro" in run
    assert "--container: 'lxc' is no engine" in refused(2, *arguments, "--container", "lxc")
