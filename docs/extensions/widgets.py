"""The widgets of live figures: a script and a picture each, without Sphinx.

A widget NAME is two files in `live/`. `NAME.py` has a function `build(folder)` that writes what the
widget imports (networks by `export_web`, data) and `picture.svg`. `NAME.js` exports a function that
fills an element. Both become one script of the site, which loads when the figure comes into view.
The runtime of the networks is a script of its own, which a browser loads once for all figures.
"""

import importlib.util
import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from chainrule._src.export.web.content import WebContent
from chainrule._src.export.web.module import runtime_text
from extensions.digests import imported, is_made, made, note_code, scripts

LIVE = Path(__file__).parent.parent / "live"
_SHARED = "const { runtime } = globalThis.chainruleLive;\n"
_BUILD = """
const { buildSync } = require("esbuild");
const [name, outfile, folder] = process.argv.slice(1);
const contents = `import start from "./${name}.js"; globalThis.chainruleLive["${name}"] = start;`;
buildSync({
  stdin: { contents, resolveDir: "." },
  bundle: true, minify: true, format: "iife", target: "es2022", outfile, logLevel: "error",
  alias: { parts: folder },
});
"""
_MINIFY = """
const { buildSync } = require("esbuild");
const [contents, outfile] = process.argv.slice(1);
buildSync({ stdin: { contents }, minify: true, target: "es2022", outfile, logLevel: "error" });
"""


def names() -> list[str]:
    """Return the names of all widgets."""
    return sorted(path.stem for path in LIVE.glob("*.py"))


def ready(*wanted: str) -> list[Path]:
    """Return the folders with scripts and pictures of widgets, made anew if their code has changed.

    Each is built in a process of its own: what that has imported is the code it depends on.
    """
    folders = {name: LIVE / "build" / name for name in wanted}
    changed = {name: folder for name, folder in folders.items() if not is_made(folder)}
    workers = ProcessPoolExecutor(2, mp_context=get_context("spawn"), max_tasks_per_child=1)
    with workers:
        list(workers.map(_build, changed, changed.values()))
    return [*folders.values()]


def collect(target: Path) -> None:
    """Write the scripts and pictures of all widgets, the loader and the runtime to a folder."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(LIVE / "loader.js", target / "loader.js")
    runtime = LIVE / "build" / "runtime"
    made(runtime, _build_runtime)
    shutil.copyfile(runtime / "script.js", target / "runtime.js")
    for folder in ready(*names()):
        shutil.copyfile(folder / "script.js", target / f"{folder.name}.js")
        shutil.copyfile(folder / "picture.svg", target / f"{folder.name}.svg")


def _build(name: str, folder: Path) -> None:
    """Build a widget in a folder of its own; each file takes its place when it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = importlib.util.spec_from_file_location(f"live_{name}", LIVE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with TemporaryDirectory(dir=folder.parent) as temporary:
        parts = Path(temporary)
        module.build(parts)
        for path in parts.glob("*.mjs"):
            path.write_text(path.read_text("utf-8").replace(_runtime(), _SHARED), encoding="utf-8")
        _node(_BUILD, name, str(parts / "script.js"), f"./build/{parts.name}")
        for path in parts.iterdir():
            path.replace(folder / path.name)
    own = [LIVE / "kit.js", LIVE / f"{name}.py", LIVE / f"{name}.js"]
    note_code(folder, [*own, *scripts(), *imported()])


def _runtime() -> str:
    """Return the runtime as it stands in a module that trains and has no table."""
    content = WebContent("", weights={})
    content.kernels["train"] = None
    return f'function runtime() {{\n"use strict";\n{runtime_text(content)}\n}}\n'


def _build_runtime(folder: Path) -> None:
    source = f"globalThis.chainruleLive.runtime = {_runtime()}"
    _node(_MINIFY, source, str(folder / "script.js"))


def _node(*arguments: str) -> None:
    command = ["node", "-e", *arguments]
    done = subprocess.run(command, cwd=LIVE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"a live figure could not be built:\n{done.stderr[-2000:]}")
