"""The types beside a module are valid, and fit what the module returns."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.export.web.test_models import dense, table_model

import chainrule as cr

TSC = Path(__file__).parents[3] / "blackboard-web" / "node_modules" / ".bin" / "tsc"
OF_MODEL = """
import load, { type Net } from "./net.mjs";
const net: Net = await load({ weights: new Uint8Array(8) });
const scores: Float32Array | Float64Array = await net.predict([[1, 2], [3, 4]]);
const { loss, gradients } = await net.gradients(new Float32Array(12), [0, 1]);
const value: number = loss + Number(gradients["dense_kernel"]![0]) + scores.length;
const history = await net.train([1], [0], { epochs: value, onEpoch: (e, logs) => logs["loss"] });
const losses: number[] = history["loss"]!;
net.restore(net.save());
export default losses;
"""
OF_TABLE = """
import { load, type Row } from "./net.mjs";
const row: Row = { when: new Date(), size: null, kind: "a", yes: true, wind: null };
const guess: Float32Array | Float64Array = await (await load()).predict([row]);
export default guess;
"""
WRONG = """
import { load } from "./net.mjs";
const net = await load();
await net.predict("text");
await net.train([1], [0]);
"""
pytestmark = pytest.mark.skipif(
    not TSC.exists() or shutil.which("node") is None, reason="TypeScript comes with the page"
)


USES = {"trains": OF_MODEL, "wrong": WRONG, "table": OF_TABLE}


def type_errors(folder, programs):
    """Return the errors of programs, texts by their file, in one run of TypeScript's compiler."""
    for name, text in programs.items():
        (folder / name).write_text(text, "utf-8")
    options = "--noEmit --strict --noUncheckedIndexedAccess --target es2022 --module nodenext"
    done = subprocess.run(
        [str(TSC), *options.split(), "--lib", "es2022,dom", *programs], cwd=folder,
        capture_output=True, text=True,
    )  # fmt: skip
    return [line for line in done.stdout.splitlines() if "error TS" in line]


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """Return the errors of three programs beside their modules, of one run of the compiler."""
    root = tmp_path_factory.mktemp("types")
    for name in USES:
        (root / name).mkdir()
    model = cr.Sequential(dense())
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.export(root / "trains/net.mjs", training=True)
    model.export(root / "wrong/net.mjs")
    table_model()[0].export(root / "table/net.mjs")
    lines = type_errors(root, {f"{name}/use.mts": text for name, text in USES.items()})
    return {name: [line for line in lines if line.startswith(f"{name}/")] for name in USES}


@pytest.mark.thorough
def test_types_of_a_model(errors):
    assert errors["trains"] == []
    first, second = errors["wrong"]
    assert "not assignable" in first
    assert "'train' does not exist" in second


@pytest.mark.thorough
def test_types_of_a_table(errors):
    assert errors["table"] == []
