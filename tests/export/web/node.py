"""Node runs a module of ours: values go in and come back as JSON."""

import json
import shutil
import subprocess

import numpy as np
import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node runs the modules")
HEAD = """\
import { load } from %s;
const input = %s;
const plain = (key, value) =>
  typeof value === "bigint" ? Number(value)
  : ArrayBuffer.isView(value) ? Array.from(value, Number)
  : typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
const fails = async (make) => { try { await make(); } catch (error) { return error.message; } };
const net = await load(%s);
const answer = await (async () => {
%s
})();
console.log(JSON.stringify(answer, plain));
"""


def run(module, script, load="", **values):
    """Return what a script returns; ``net`` is the loaded module, ``input`` has the values."""
    values = {name: np.asarray(v).tolist() if isinstance(v, np.ndarray) else v
              for name, v in values.items()}  # fmt: skip
    text = HEAD % (json.dumps(module.resolve().as_uri()), json.dumps(values), load, script)
    done = subprocess.run(
        [NODE, "--input-type=module"], input=text, capture_output=True, text=True, timeout=120,
        encoding="utf-8",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def arrays(tree):
    """Return lists of numbers as arrays."""
    return {name: np.array(numbers) for name, numbers in tree.items()}
