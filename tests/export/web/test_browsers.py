"""A web module in browsers: predictions and training in a worker, as in Python."""

import json
import subprocess
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from tests.blackboard.browsing import installed

import chainrule as cr
from chainrule import layers

PATIENCE = 90  # seconds
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")
OPTIONS = {
    "Chromium": lambda folder: [*FLAGS, f"--user-data-dir={folder}"],
    "Firefox": lambda folder: ["--headless", "--no-remote", "--profile", folder],
}
TYPES = {".mjs": "text/javascript", ".html": "text/html", "": "application/json"}
PAGE = """<!doctype html><meta charset="utf-8"><script type="module">
const tell = (answer) => fetch("/answer", { method: "POST", body: JSON.stringify(answer) });
try {
  const { load } = await import("./net.mjs");
  const { X, y } = await (await fetch("./data.json")).json();
  const net = await load();
  const before = Array.from(await net.predict(X));
  let moves = 0;
  const timer = setInterval(() => moves++, 1);
  const history = await net.train(X, y, { epochs: 200, seed: 1 });
  clearInterval(timer);
  const after = Array.from(await net.predict(X));
  const again = await load();
  await again.train(X, y, { epochs: 200, seed: 1 });
  const same = String(again.save()) === String(net.save());
  tell({ before, after, losses: history.loss, moves, same });
} catch (error) {
  tell({ error: String(error.stack) });
}
</script>
"""


@contextmanager
def served(folder):
    """Serve a folder; yield the address, and a function that waits for the page's answer."""
    answer, came = {}, threading.Event()

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = TYPES

        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def do_POST(self):
            answer.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()
            came.set()

        def log_message(self, *args):
            pass

    def waited():
        assert came.wait(PATIENCE), "the page gave no answer"
        return answer

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/page.html", waited
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.thorough  # test_page.py has Chromium
@pytest.mark.parametrize("browser", OPTIONS)
def test_a_page_predicts_and_trains_as_python_does(browser, tmp_path):
    program = installed(browser)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 6)).astype("f4"), rng.integers(0, 3, 100)
    model = cr.Sequential([
        layers.Input((6,)), layers.Dense(8, activation="tanh"), layers.Dropout(0.1, seed=3),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip
    model.compile(cr.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.predict(X)
    model.export(tmp_path / "net.mjs", training=True)
    (tmp_path / "page.html").write_text(PAGE, "utf-8")
    (tmp_path / "data.json").write_text(json.dumps({"X": X.tolist(), "y": y.tolist()}))
    profile = tmp_path / "profile"
    profile.mkdir()
    with served(tmp_path) as (address, waited):
        command = [program, *OPTIONS[browser](str(profile)), address]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            answer = waited()
        finally:
            process.kill()
            process.wait()
    assert "error" not in answer, answer["error"]
    np.testing.assert_allclose(np.reshape(answer["before"], (100, 3)), model.predict(X), atol=1e-6)
    history = model.fit(X, y, epochs=200, seed=1, verbose=0).history
    np.testing.assert_allclose(answer["losses"], history["loss"], 1e-3)
    np.testing.assert_allclose(np.reshape(answer["after"], (100, 3)), model.predict(X), atol=1e-3)
    assert answer["moves"] > 0  # the page's own thread went on meanwhile
    assert answer["same"]
