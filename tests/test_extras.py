"""The base does what it can; for the rest one line names the extra, before any work."""

import ast
import json
import re
import subprocess
import sys

import pytest

from chainrule import estimators
from chainrule._src.base.extras import is_installed, needs
from chainrule.errors import MissingDependencyError
from tests import base
from tests.code import nodes
from tests.peers.conftest import PEERS
from tests.test_architecture import MODULES

# The distribution that brings a module which no requirement is called by.
BROUGHT = {
    "sklearn": "scikit-learn", "dask": "distributed",
    "cloudpickle": "distributed", "traitlets": "anywidget", "PIL": "pillow",
    "markdown_it": "markdown-it-py",
}  # fmt: skip
LOADERS = ("load", "import_module")
NO_EXTRA = {"pandas"}  # whose owner asks for it by name


def extras():
    """Return the distributions of each extra that users install."""
    found = base.project()["optional-dependencies"]
    return {name: set(map(base.normalized, found[name])) for name in found}


def third_party(path):
    """Yield the packages that a module imports anywhere."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and node.args and called(node) in LOADERS:
            yield re.match(r"\w*", text_of(node.args[0]))[0] or "chainrule"


def called(call):
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def text_of(node):
    """Return a constant, or what an f-string begins with."""
    node = node.values[0] if isinstance(node, ast.JoinedStr) else node
    return node.value if isinstance(node, ast.Constant) else ""


def test_what_is_imported_is_required_by_the_base_or_by_an_extra():
    required = {base.normalized(r) for r in base.project()["dependencies"]}
    required |= set().union(*extras().values())
    imported = {name for path in MODULES.values() for name in third_party(path)}
    imported -= sys.stdlib_module_names | {"chainrule"} | NO_EXTRA
    assert {name for name in imported if BROUGHT.get(name, name.lower()) not in required} == set()


def calls_of_needs():
    """Yield (module, extra, packages) of each call; a starred argument is a constant's tuple."""
    constants = {}
    for path in MODULES.values():
        for node in nodes(path)[0].body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                constants[node.targets[0].id] = getattr(node.value, "elts", None)
    for name, path in MODULES.items():
        for node in nodes(path):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "needs":
                parts = [
                    part
                    for arg in node.args
                    for part in (constants[arg.value.id] if isinstance(arg, ast.Starred) else [arg])
                ]
                yield name, parts[1], [ast.literal_eval(part) for part in parts[2:]]


def test_the_extra_that_a_message_names_brings_what_is_missing():
    calls, known = list(calls_of_needs()), extras()
    assert len(calls) > 30
    wrong = []
    for name, extra, packages in calls:
        # `saves` is for two verbs, and says which extra in the place of a constant.
        names = [extra.value] if isinstance(extra, ast.Constant) else ["teach", "blackboard"]
        for each in filter(None, names):
            lacking = {BROUGHT.get(p, p.lower()) for p in packages} - known[each]
            wrong += [(name, each, lacking)] * bool(lacking)
    assert wrong == []


# Modules of no leading underscore that are no public interface of their package's either.
PRIVATE = {"llvmlite.binding.ffi", "joblib.externals"}


def private_uses(path):
    """Yield the packages of which a module imports something private, or reads it."""
    origins = {}
    for node in nodes(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                origins[alias.asname or alias.name.partition(".")[0]] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                origins[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    reads = {
        f"{origins[root.id]}.{node.attr}"
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and isinstance(root := innermost(node), ast.Name)
        and root.id in origins
    }
    for name in {*origins.values(), *reads}:
        parts = [part for part in name.split(".") if not part.endswith("__")]
        is_private = any(part.startswith("_") for part in parts)
        if is_private or any(name.startswith(module) for module in PRIVATE):
            yield parts[0]


def innermost(node):
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def test_whose_private_modules_are_used_has_an_upper_bound():
    found = base.project()
    groups = [found["dependencies"], *found["optional-dependencies"].values()]
    requirements = {base.normalized(text): text for group in groups for text in group}
    used = {name for path in MODULES.values() for name in private_uses(path)}
    used -= sys.stdlib_module_names | {"chainrule"}
    assert used == {"joblib", "llvmlite", "sklearn"}
    for group in groups:
        bounded = {base.normalized(text): "<" in text.partition(";")[0] for text in group}
        for name in used:
            assert bounded.get({"sklearn": "scikit-learn"}.get(name, name), True)
    assert {base.normalized(n.replace("sklearn", "scikit-learn")) for n in used} <= {*requirements}


def test_all_is_every_extra_that_users_install():
    found = base.project()["optional-dependencies"]
    inside = re.search(r"\[(.*)\]", found["all"][0])[1].split(",")
    developers = {"bench", "bench-tables", "docs", "judges", "test", "dev"}
    assert set(inside) == set(found) - {"all", *developers}


def test_a_missing_package_is_named_by_its_distribution(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert not is_installed("sklearn")
    message = r"^the plan needs scikit-learn and scipy: pip install 'chainrule\[tables\]'$"
    with pytest.raises(MissingDependencyError, match=message):
        needs("the plan", "tables", "sklearn", "numpy", "scipy")
    with pytest.raises(MissingDependencyError, match=r"needs scikit-learn: pip install scikit-"):
        needs("the plan", "", "sklearn")


NAMES = """
import json, chainrule as cr
from chainrule.errors import MissingDependencyError
told = {}
def ask(owner, name, whole):
    try:
        return getattr(owner, name)
    except MissingDependencyError as error:
        told[whole] = str(error)
for room in cr.__all__:
    module = ask(cr, room, room)
    for name in getattr(module, "__all__", ()):
        ask(module, name, f"{room}.{name}")
print(json.dumps(told))
"""


def test_every_public_name_is_there_or_names_its_extra(tmp_path):
    done = base.run(NAMES, tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    packages = dict.fromkeys(told, "scikit-learn and scipy")
    packages |= {"accel": "scikit-learn and joblib", "sweeps.SweepCV": "scikit-learn"}
    for name, line in told.items():
        subject = line.partition(" needs ")[0].rpartition(".")[2]
        assert subject == name.rpartition(".")[2]
        assert line.endswith(f" needs {packages[name]}: pip install 'chainrule[tables]'")
    assert {*told} == {f"estimators.{name}" for name in estimators.__all__} | {
        "accel", "sweeps.SweepCV",
    }  # fmt: skip


BEGIN = """
import numpy as np, chainrule as cr
from chainrule import keras
from chainrule.lab import NeuralNet
d = cr.data.load_digits()
X, y = d.X_train[:40], d.y_train[:40]
def model():
    m = cr.Sequential([cr.layers.Dense(10, activation="softmax")])
    m.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return m
def build(lr):
    m = model()
    m.compile(cr.optimizers.SGD(lr), "sparse_categorical_crossentropy", ["accuracy"])
    return m
def loss(w, X):
    return np.mean((X @ w - 1) ** 2)
m = model(); h = m.fit(X, y, epochs=2, verbose=0)
space = {"lr": cr.sweeps.LogUniform(1e-3, 1e-1)}
def sweep(**options):
    return cr.sweep(build, space, X, y, models=4, epochs=2, verbose=0, **options)
"""
# What each statement needs; "" where the base does it.
STATEMENTS = {
    'm.save("m.keras"); cr.load_model("m.keras").predict(X)': "",
    "m.summary()": "",
    "m.check_gradients(X, y).passed or 1 / 0": "",
    'm.eject("m.py")': "",
    "NeuralNet(64, 10, 10, seed=0).fit(X, y, epochs=1)": "",
    'cr.minimize(loss, np.zeros(64), X, epochs=2, engine="compiled")': "",
    'cr.source(loss, "kernel")(np.zeros(64), X)': "",
    "cr.jit(m)(X)": "",
    "F = cr.functions; [cr.grad(f)(np.array(0.3)) for f in (F.erf, F.gelu, F.softplus, F.elu)]": "",
    "abs(cr.functions.erf(np.array([[0.5]])) - 0.5204998778130465).max() < 1e-15 or 1 / 0": "",
    "cr.functions.erf(X).dtype == np.float32 or 1 / 0": "",
    "[cr.activations.get(n)(X) for n in ('gelu', 'silu', 'mish', 'selu', 'softsign')]": "",
    "from chainrule import check; check.softmax(cr.softmax)": "",
    "sweep().table.rows == 4 or 1 / 0": "",
    "sweep(store='runs')": "",
    "cr.tables.open_table('t.npz')": "",
    "cr.tables.open_table('t.csv').columns": "tables",
    "cr.tables.open_table('wine')": "tables",
    "cr.plots.curves({'loss': (h.epoch, h.history['loss'])})": "tables",
    "cr.tables.open_table('pictures').chunks": "tables",
    "d.scaler": "tables",
    "sweep(search='quasi')": "tables",
    "sweep(cv=3)": "tables",
    "sweep().report('sweep.html')": "tables",
    "import chainrule.accel": "tables",
    "keras.random.truncated_normal((3,))": "tables",
    "keras.datasets.wine.load_data()": "tables",
    'm.export("m.onnx")': "onnx",
    "cr.onnx.onnx_model(loss)(np.zeros(64), X)": "onnx",
    "m.to_keras()": "keras",
    "sweep(search='tpe')": "sweeps",
    "sweep(store='sqlite:///runs.db')": "sweeps",
    "cr.callbacks.TensorBoard('logs')": "tensorboard",
    "m.blackboard(X, y)": "blackboard",
    "from chainrule._src.cluster.places import dask; dask()": "cluster",
}
RUN = """
import json, traceback, warnings
told = {}
for statement in STATEMENTS:
    try:
        exec(statement)
        told[statement] = ""
    except BaseException as error:
        kind = type(error).__name__
        line = kind == "MissingDependencyError" and str(error)
        told[statement] = line or traceback.format_exc()
print(json.dumps(told))
"""


def test_each_feature_works_or_names_its_extra(tmp_path):
    (tmp_path / "t.csv").write_text("a,target\n1,0\n2,1\n")
    for kind in "ab":
        (tmp_path / "pictures" / kind).mkdir(parents=True)
        (tmp_path / "pictures" / kind / "1.png").touch()
    code = BEGIN + f"np.savez('t.npz', X=X, y=y)\nSTATEMENTS = {list(STATEMENTS)}\n" + RUN
    done = base.run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    right = {
        s: f"pip install 'chainrule[{extra}]'" * bool(extra) for s, extra in STATEMENTS.items()
    }
    assert {s: text.rpartition(": ")[2] for s, text in told.items()} == right
    assert {len(text.splitlines()) for text in told.values()} == {0, 1}


VERBS = {
    ("--version",): "",
    ("--help",): "",
    ("train", "--help"): "",
    ("learn", "--help"): "",
    ("train", "t.npz", "-o", "model.safetensors", "--epochs", "2", "--recipe", "mlp"): "",
    ("evaluate", "model.safetensors", "t.npz"): "",
    ("predict", "model.safetensors", "t.npz", "-o", "p.csv"): "",
    ("explain", "model.safetensors", "t.npz"): "",
    ("show", "model.safetensors", "--source"): "",
    ("export", "model.safetensors", "--to", "numpy"): "",
    ("export", "model.safetensors", "--to", "web", "--training"): "",
    ("export", "model.safetensors", "--to", "page", "--training"): "tables",
    ("export", "model.safetensors", "--to", "onnx"): "onnx",
    ("export", "model.safetensors", "--to", "keras"): "keras",
    ("plot", "model.safetensors", "--data", "t.npz"): "tables",
    ("train", "t.csv", "-o", "c.safetensors"): "tables",
    ("train", "wine", "-o", "c.safetensors"): "tables",
    ("sweep", "t.npz"): "tables",
    ("lab", "--only", "data"): "teach",
    ("grade", "."): "teach",
    ("learn", "start", "labs"): "teach",
    ("learn", "check"): "teach",
    ("export-lab", "1", "--to", "otter", "-o", "out"): "teach",
    ("blackboard", "--no-browser"): "blackboard",
}


@pytest.mark.thorough  # every verb in a process
def test_each_verb_works_or_names_its_extra(tmp_path):
    import numpy as np

    (tmp_path / "t.csv").write_text("a,target\n1,0\n2,1\n")
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "t.npz", X=rng.normal(size=(60, 3)), y=np.arange(60) % 2)
    before = {path.name for path in tmp_path.iterdir()}
    for (words, extra), (code, stderr, files) in zip(
        VERBS.items(), base.commands(tmp_path, VERBS), strict=True
    ):
        lines = stderr.split("\n", 1)[0] + " ".join(stderr.split())
        if extra:
            assert f"pip install 'chainrule[{extra}]'" in lines, (words, stderr)
            assert code == 1, words
            assert stderr.count("error:") == 1
            assert {*files} == before, words  # nothing is half-done
        else:
            assert code == 0, (words, stderr)
        before = {*files}


@pytest.mark.thorough  # all tests
def test_tests_that_ask_other_libraries_are_left_out_without_them():
    """Machines of the workflows have none of them."""
    code = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    words = ["tests/peers", "--collect-only", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-c", base.HIDE.format(hidden={*PEERS}) + code, *words],
        cwd=base.ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "test_scikit_learns_tests.py" in done.stdout
    assert "test_programs.py" not in done.stdout
