"""``chainrule blackboard`` before it serves: what is missing, what is told."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.running import done, refused

from chainrule._src.blackboard import built, server

ADDRESS = "http://127.0.0.1:1/?token=x"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(built, "MODULE", tmp_path / "blackboard.js")
    built.MODULE.write_text("export const open = () => {};")


@pytest.fixture
def served(page, monkeypatch):
    """Note what would be served."""
    found = {}

    def serve(make, told, port):
        session = make()
        found.update(subject=session.subject, port=port)
        session.close()
        told(lambda used=None: found.setdefault("used", []).append(used) or ADDRESS)

    monkeypatch.setattr(server, "serve", serve)
    return found


def test_without_the_page_it_says_how_to_build_it(page):
    built.MODULE.unlink()
    told = refused(1, "blackboard", "--no-browser")
    assert "make blackboard" in told
    assert "Node 20" in told


def test_without_the_extra_it_says_how_to_install_it(page, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'chainrule[blackboard]'" in refused(1, "blackboard", "--no-browser")


def test_a_port_that_is_taken_is_told(page):
    with server.listening(0) as taken:
        port = taken.getsockname()[1]
        told = refused(2, "blackboard", "--no-browser", "--port", str(port))
    assert "--port" in told
    assert "another program" in told


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_is_a_number_that_there_is(page, port):
    refused(2, "blackboard", "--no-browser", "--port", str(port))


def test_it_prints_the_address(served):
    told = done("blackboard", "--no-browser", "--port", "8123")
    assert ADDRESS in told.stdout
    assert served["port"] == 8123


def test_with_no_browser_none_is_opened(served, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda address: pytest.fail("opened"))
    done("blackboard", "--no-browser")


@pytest.mark.parametrize(("model", "layers"), [("network", [10]), ("softmax", [])])
def test_the_model_is_one_of_the_labs(served, model, layers):
    done("blackboard", "--no-browser", "--model", model)
    assert served["subject"].settings["layers"] == layers
    assert served["subject"].data.name == "digits"


def test_the_learning_rate_is_an_option(served):
    done("blackboard", "--no-browser", "--model", "deep", "--learning-rate", "0.02")
    settings = served["subject"].settings
    assert (settings["rate"], settings["layers"]) == (0.02, [32, 32])
    refused(2, "blackboard", "--no-browser", "--learning-rate", "-1")


def test_data_are_any_table(served):
    done("blackboard", "--no-browser", "--data", "wine")
    assert served["subject"].data.name == "wine"


def test_or_a_model_in_a_file_with_data_as_it_knows_them(served, tmp_path):
    path = tmp_path / "wine.safetensors"
    done("train", "wine", "--recipe", "mlp", "--epochs", "1", "-o", path)
    done("blackboard", "--no-browser", "--model", path, "--data", "wine")
    assert served["subject"].title == "network 13-64-3"
    assert served["subject"].data.classes == ("class_0", "class_1", "class_2")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("--model", "sofmax"), 2),
        (("--data", "nowhere.csv"), 4),
        (("--model", "no.safetensors"), 4),
        (("--model", "no.py"), 4),
        (("--data", "wine", "--target", "colour"), 2),
        (("--target", "class"), 2),
        (("--model", "wine.safetensors", "--target", "class"), 2),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_in_a_line_before_the_address(page, given, code, monkeypatch):
    monkeypatch.setattr(server, "serve", lambda *given: pytest.fail("served"))
    refused(code, "blackboard", "--no-browser", *given)


def test_what_loads_slowly_is_not_loaded_before_the_address_is_told():
    code = (
        "import sys; import chainrule._src.cli.app, chainrule._src.blackboard.server;"
        "print({'sklearn', 'pandas', 'matplotlib', 'scipy', 'anywidget', 'llvmlite'}"
        " & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
