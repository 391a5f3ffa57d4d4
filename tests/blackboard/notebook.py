"""A notebook's front end for tests: anywidget's interface before the widget itself."""

import json
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from unittest.mock import patch

from tests.blackboard.stub import Comm
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from chainrule._src.blackboard.opening import watch
from chainrule.lab import NeuralNet

CELL = """<!doctype html>
<link rel="icon" href="data:,">
<div id="cell" style="height: 100vh"></div>
<script type="module">
  import widget from "./module.js";
  const traits = JSON.parse(sessionStorage.traits ?? "{}"), heard = new Set();
  const kernel = new WebSocket(`ws://${location.host}/kernel`);
  kernel.binaryType = "arraybuffer";
  const model = {
    get: (name) => traits[name] ?? "",
    set: (name, value) => (traits[name] = value),
    save_changes: () => (sessionStorage.traits = JSON.stringify(traits)),
    send: (content) => kernel.send(JSON.stringify(content)),
    on: (event, hear) => event === "msg:custom" && heard.add(hear),
    off: (event, hear) => heard.delete(hear),
  };
  kernel.onmessage = ({ data }) => heard.forEach((hear) => hear({}, [new DataView(data)]));
  kernel.onopen = () => widget.render({ model, el: document.getElementById("cell") });
</script>
"""


class Kernel(Comm):
    """Carries what a widget and the cells that show it say to each other."""

    def __init__(self):
        super().__init__()
        self.cells, self.lock = [], threading.Lock()

    def send(self, data=None, buffers=None):
        if data["method"] != "custom":
            return
        with self.lock:
            cells = list(self.cells)
        for cell in cells:
            with suppress(ConnectionClosed):
                cell.send(bytes(buffers[0]))

    def talk(self, cell):
        with self.lock:
            self.cells.append(cell)
        try:
            for text in cell:
                self.say(json.loads(text))
        finally:
            with self.lock:
                self.cells.remove(cell)


def show():
    """Show a network in a cell, and print the address of the page with it, until stdin ends."""
    kernel = Kernel()
    with patch("ipywidgets.widgets.widget.comm.create_comm", lambda **how: kernel):
        widget = watch(NeuralNet(64, 10, 10, seed=0))
    parts = {"/": ("text/html", CELL), "/module.js": ("text/javascript", widget._esm)}

    def answer(connection, request):
        if request.path not in parts:
            return None
        kind, text = parts[request.path]
        response = connection.respond(HTTPStatus.OK, text)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = f"{kind}; charset=utf-8"
        return response

    with serve(kernel.talk, "127.0.0.1", 0, process_request=answer, compression=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.socket.getsockname()
        print(f"http://{host}:{port}/", flush=True)
        sys.stdin.read()
        widget.close()
    left = [t.name for t in threading.enumerate() if t.name.startswith("chainrule")]
    sys.exit(f"still there: {left}" if left else 0)


@contextmanager
def notebook():
    """Run `show` as a kernel would; yields the address."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from tests.blackboard.notebook import show; show()"],
        cwd=Path(__file__).parents[2], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process.stdout.readline().strip()
    finally:
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0, said
