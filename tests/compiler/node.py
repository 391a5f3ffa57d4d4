"""Scripts run by Node."""

import base64
import json
import shutil
import subprocess

import numpy as np
import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")

RUN = """
const { inputs } = JSON.parse(process.argv[1]);
const v = {};
for (const [name, text] of Object.entries(inputs)) {
  const bytes = Buffer.from(text, "base64");
  v[name] = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
const script = SCRIPT;
for (const step of script) step(v);
const found = {};
for (const [name, array] of Object.entries(v)) {
  if (!(array instanceof Float64Array)) throw new TypeError(name);
  found[name] = Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");
}
console.log(JSON.stringify(found));
"""


def run_in_node(script, inputs):
    """Return all that ``v`` holds, flat, after every function of a script has run."""
    written = {
        name: base64.b64encode(np.asarray(value, float).tobytes()).decode()
        for name, value in inputs.items()
    }
    text = RUN.replace("SCRIPT", script).replace(
        "process.argv[1]", json.dumps(json.dumps({"inputs": written}))
    )
    done = subprocess.run(
        [NODE, "-"], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found = json.loads(done.stdout)
    return {name: np.frombuffer(base64.b64decode(part)) for name, part in found.items()}
