"""The blackboard in a notebook: before a comm that is none, and in a kernel."""

import threading
import time

import numpy as np
import pytest
from tests.blackboard.stub import Comm, StubSession

import chainrule as cr
from chainrule._src.blackboard import built
from chainrule._src.blackboard.frames import decode
from chainrule._src.blackboard.widget import Blackboard
from chainrule.errors import DataError, MissingDependencyError, ShapeError
from chainrule.lab import LogisticRegression, NeuralNet

WAIT = 10


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(built, "MODULE", tmp_path / "blackboard.js")
    built.MODULE.write_text("export default { render() {} };")


@pytest.fixture
def comm(monkeypatch):
    made = Comm()
    monkeypatch.setattr("ipywidgets.widgets.widget.comm.create_comm", lambda **how: made)
    return made


@pytest.fixture
def shown(page, comm):
    widget = Blackboard(StubSession())
    yield widget
    widget.close()


def until(there):
    end = time.monotonic() + WAIT
    while not there():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_is_the_module_that_is_served(shown):
    assert shown._esm == built.MODULE.read_text()


def test_without_the_module_it_says_how_to_build_it(page, comm):
    built.MODULE.unlink()
    session = StubSession()
    with pytest.raises(MissingDependencyError, match="make blackboard"):
        Blackboard(session)
    session.close()


def test_a_cell_gets_what_a_page_gets(shown, comm):
    comm.say({"do": "hello"})
    until(lambda: {"setup", "frame"} <= {told["type"] for told in comm.told()})
    updates = [told["update"] for told in comm.told() if told["type"] == "frame"]
    assert updates == sorted(set(updates))


@pytest.mark.parametrize("content", [None, 3, [], "do", {"nothing": 1}, {"do": "nonsense"}])
def test_nonsense_is_answered(shown, comm, content):
    comm.say(content)
    until(lambda: any(told["type"] == "error" for told in comm.told()))


def test_a_cell_that_draws_slowly_is_sent_what_it_can_draw(shown, comm):
    comm.say({"do": "hello"})
    comm.say({"do": "drawn"})
    until(lambda: len(comm.told()) > 1)
    time.sleep(0.2)
    before = len(comm.told())
    time.sleep(0.2)
    assert len(comm.told()) == before <= 4
    comm.say({"do": "drawn"})
    until(lambda: len(comm.told()) > before)


@pytest.mark.parametrize("how", ["close", "comm"])
def test_closing_ends_training(page, comm, how):
    session = StubSession()
    widget = Blackboard(session)
    widget.close() if how == "close" else comm.ended[0]({})
    assert session.closed
    assert not [t for t in threading.enumerate() if t.name == "chainrule-cell"]
    widget.close()


def test_a_network_of_the_lab_is_watched_from_its_own_weights_which_stay(page, comm, digits):
    net = NeuralNet(64, 8, 10, seed=3, activation="tanh")
    net.train(digits.X_train[:500], digits.y_train[:500], learning_rate=0.1)
    before = {name: np.array(value) for name, value in net.parameters.items()}
    shown = net.blackboard()
    comm.say({"do": "hello"})
    comm.say({"do": "pause"})
    comm.say({"do": "seek", "update": 0})
    until(lambda: any(t["type"] == "frame" and not t["update"] for t in comm.told()))
    frames = [decode(bytes(b[0])) for data, b in comm.sent if data["method"] == "custom"]
    first = next(arrays for told, arrays in frames if told.get("update") == 0)
    for name, value in before.items():
        np.testing.assert_array_equal(first[f"p:{name}"], value)
        np.testing.assert_array_equal(net.parameters[name], value)
    shown.close()


def test_or_on_data_of_its_own(page, comm):
    X = np.random.default_rng(0).normal(size=(100, 3))
    shown = LogisticRegression(3, 2).blackboard(X, (X[:, 0] > 0).astype(int))
    comm.say({"do": "hello"})
    until(lambda: any(told["type"] == "setup" for told in comm.told()))
    setup = next(told for told in comm.told() if told["type"] == "setup")
    assert (setup["data"]["count"], setup["data"]["held"]) == (90, 10)
    shown.close()


def test_any_compiled_model_is_watched_by_default_on_the_digits(page, comm):
    model = cr.Sequential([cr.layers.Dense(10, activation="softmax")], seed=0)
    with pytest.raises(DataError, match="compile"):
        model.blackboard()
    model.compile("adam", "sparse_categorical_crossentropy")
    shown = model.blackboard()
    comm.say({"do": "hello"})
    until(lambda: any(told["type"] == "setup" for told in comm.told()))
    setup = next(told for told in comm.told() if told["type"] == "setup")
    assert setup["data"]["image"] == [8, 8]
    shown.close()


def test_what_a_network_does_not_take_is_refused(page):
    with pytest.raises(DataError, match="give its data as X and y"):
        LogisticRegression(3, 2).blackboard()
    with pytest.raises(ShapeError):
        LogisticRegression(3, 2).blackboard(np.ones((10, 4)), np.zeros(10, int))
    with pytest.raises(ShapeError, match="rows"):
        LogisticRegression(3, 2).blackboard(np.ones(3), 0)


@pytest.mark.thorough  # a whole notebook
def test_in_a_kernel_a_cell_ends_at_once_while_training_goes_on(page):
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    nbformat = pytest.importorskip("nbformat")
    told = []

    class Notebook(client.NotebookClient):
        def handle_comm_msg(self, outs, message, cell):
            super().handle_comm_msg(outs, message, cell)
            self.page = message["content"]["comm_id"]
            if message["content"].get("data", {}).get("method") == "custom":
                told.append(decode(bytes(message["buffers"][0]))[0])

        def say(self, content):
            data = {"method": "custom", "content": content}
            content = {"comm_id": self.page, "data": data}
            self.kc.shell_channel.send(self.kc.session.msg("comm_msg", content))

    def enough(told):
        frames = [each["update"] for each in told if each["type"] == "frame"]
        return "setup" in [each["type"] for each in told] and len(frames) > 2 and max(frames) > 25

    cells = [
        f"from pathlib import Path; from chainrule._src.blackboard import built; "
        f"built.MODULE = Path({str(built.MODULE)!r})",
        "import chainrule as cr; net = cr.lab.NeuralNet(64, 10, 10, seed=0)",
        "shown = net.blackboard(); shown",
        "import time; time.sleep(0.5)",
        "shown.close(); import threading; "
        "print([t.name for t in threading.enumerate() if t.name.startswith('chainrule')])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    session = Notebook(notebook, timeout=60, kernel_name="python3")
    with session.setup_kernel():
        for number, cell in enumerate(notebook.cells):
            session.execute_cell(cell, number)
            if number == 2:
                assert "application/vnd.jupyter.widget-view+json" in cell.outputs[0]["data"]
                session.say({"do": "play", "rate": None})
                for _ in range(40):  # nbclient hears only what is said while a cell runs
                    if enough(told):
                        break
                    session.say({"do": "hello"})
                    session.execute_cell(notebook.cells[3], 3)
    assert enough(told)
    assert notebook.cells[-1].outputs[0]["text"] == "[]\n"
