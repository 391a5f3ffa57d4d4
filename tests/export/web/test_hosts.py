"""Modules in browsers that allow or have less than others; Node plays them."""

import numpy as np
import pytest
from tests.export.web.node import needs_node, run

import chainrule as cr

pytestmark = needs_node
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(50, 4)).astype("f4"), RNG.normal(size=50).astype("f4")


def distance(w, X, y):
    return np.mean((X @ w - y) ** 2)


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    path = tmp_path_factory.mktemp("web") / "net.mjs"
    cr.export_web(distance, np.zeros(4, "f4"), X, Y, path=path, predict=lambda w, X: X @ w)
    return path


# A policy of a page forbids a worker by an error of the constructor, or by an event later.
WORKERS = {
    "refused at once": "constructor() { throw new Error('forbidden'); }",
    "refused later": """
        constructor() { setTimeout(() => this.onerror({ message: "forbidden" }), 5); }
        postMessage() {}
        terminate() {}""",
    "refused before anybody listens": """
        set onerror(take) { take({ message: "forbidden" }); }
        postMessage() {}
        terminate() {}""",
}


@pytest.mark.parametrize("worker", WORKERS)
def test_training_runs_without_workers(module, worker):
    script = f"""
      const apart = await net.train(input.X, input.y, {{ epochs: 3, seed: 1 }});
      globalThis.Worker = class {{ {WORKERS[worker]} }};
      const alone = await load(), here = [];
      for (let i = 0; i < 2; i++)
        here.push(...(await alone.train(input.X, input.y, {{ epochs: 3, seed: 1 + i }})).loss);
      return {{ apart: apart.loss, here }};
    """
    answer = run(module, script, X=X, y=Y)
    assert answer["here"][:3] == answer["apart"]
    assert answer["here"][-1] < answer["here"][0]


def test_a_report_behind_a_failure_ends_no_other_training(module):
    script = """
      let jobs = 0;
      globalThis.Worker = class {
        answer(data, after) { setTimeout(() => this.onmessage({ data }), after); }
        postMessage({ parts }) {
          if (parts) this.answer({ ready: true }, 0);
          else if (jobs++) setTimeout(() => {
            if (!this.isEnded) this.answer({ result: { history: [], carry: [] } }, 0);
          }, 60);
          else for (const after of [1, 30]) this.answer({ logs: [{ loss: 1 }], carry: [] }, after);
        }
        terminate() { this.isEnded = true; }
      };
      const net = await load();
      let told = 0;
      const message = await fails(() => net.train(input.X, input.y, {
        onEpoch() { told++; throw new Error("mine"); },
      }));
      const rest = await Promise.race([
        net.train(input.X, input.y), new Promise((end) => setTimeout(end, 500, "never")),
      ]);
      return [message, told, rest];
    """
    assert run(module, script, X=X, y=Y) == ["mine", 1, {"loss": []}]


BROWSERS = {
    "WebAssembly.validate = () => false":
        "this browser has no WebAssembly with vectors (SIMD); any of 2023 or later has it",
    "globalThis.WebAssembly = undefined":
        "this browser has no WebAssembly with vectors (SIMD); any of 2023 or later has it",
    "WebAssembly.instantiate = async () => { throw new WebAssembly.CompileError('refused'); }":
        "this page's policy (CSP) must allow 'wasm-unsafe-eval': refused",
}  # fmt: skip


@pytest.mark.parametrize("lack", BROWSERS)
def test_what_a_browser_lacks_is_a_sentence(module, lack):
    script = f"""
      {lack};
      const other = await load();
      const calls = [() => other.predict(input.X), () => other.gradients(input.X, input.y)];
      const messages = [];
      for (const call of calls) messages.push(await fails(call));
      return messages;
    """
    assert run(module, script, X=X, y=Y) == [BROWSERS[lack]] * 2
