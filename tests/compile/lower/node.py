"""Scripts run by Node."""

import atexit
import base64
import json
import shutil
import subprocess
import threading
from functools import cache

import numpy as np
import pytest

NODE = shutil.which("node")
SECONDS = 60  # that a script may take
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")

SERVE = """
function run(script, inputs) {
  const v = {};
  for (const [name, text] of Object.entries(inputs)) {
    v[name] = new Float64Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);
  }
  for (const step of new Function("return " + script)()) step(v);
  const found = {};
  for (const [name, array] of Object.entries(v)) {
    if (!(array instanceof Float64Array)) throw new TypeError(name);
    found[name] = Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");
  }
  return found;
}

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { script, inputs } = JSON.parse(line);
  let answer;
  try {
    answer = { found: run(script, inputs) };
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
});
"""


@cache
def node():
    """Start one process for all scripts: to start it takes longer than they do."""
    process = subprocess.Popen(
        [NODE, "-e", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(process.communicate)
    return process


def run_in_node(script, inputs):
    """Return all that ``v`` holds, flat, after every function of a script has run."""
    written = {
        name: base64.b64encode(np.asarray(value, float).tobytes()).decode()
        for name, value in inputs.items()
    }
    process = node()
    late = threading.Timer(SECONDS, process.kill)
    late.start()
    print(json.dumps({"script": script, "inputs": written}), file=process.stdin, flush=True)
    answer = json.loads(process.stdout.readline())
    late.cancel()
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return {name: np.frombuffer(base64.b64decode(part)) for name, part in answer["found"].items()}
