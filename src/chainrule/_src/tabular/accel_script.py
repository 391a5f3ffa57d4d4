"""``python -m chainrule.accel script.py …``: run a script with its network trained by chainrule."""

from __future__ import annotations

import argparse
import builtins
import logging
import os
import runpy
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

from chainrule._src.tabular.accel import install

_ENTRY = str(Path(__file__).parents[2] / "accel" / "__main__.py")
_OURS = {__file__, _ENTRY, runpy.__file__, "<frozen runpy>"}


def main() -> None:
    """Run the script or module that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m chainrule.accel", description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is not replaced")
    parser.add_argument("-m", dest="module", action="store_true", help="run a module, not a file")
    parser.add_argument("script", help="what to run")
    script_args = parser.add_argument("args", nargs=argparse.REMAINDER, help="its arguments")
    script_args.required = False
    options = parser.parse_args()
    if options.verbose:
        logging.basicConfig()
        logging.getLogger("chainrule.accel").setLevel(logging.INFO)
    install()
    sys.argv = [options.script, *options.args]
    sys.excepthook = _print_error
    if options.module:
        runpy.run_module(options.script, run_name="__main__", alter_sys=True)
    elif options.script == "-":
        sys.path[0] = ""
        _run(sys.stdin.read(), "<stdin>")
    else:
        _run_file(options.script)


def _run_file(script: str) -> None:
    """Run a script as Python does: with ``script`` as its name, and its folder in ``sys.path``."""
    path = os.path.join(os.getcwd(), script)  # the name that Python gives it
    if os.path.isdir(path) or zipfile.is_zipfile(path):
        del sys.path[0]
        runpy.run_path(path, run_name="__main__")
        return
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        reason = f"[Errno {error.errno}] {error.strerror}"
        sys.stderr.write(f"{sys.executable}: can't open file {path!r}: {reason}\n")
        sys.exit(2)
    sys.path[0] = str(Path(path).resolve().parent)
    _run(source, path)


def _run(source: str | bytes, path: str) -> None:
    """Run source code as the module ``__main__``."""
    module = types.ModuleType("__main__")
    vars(module).update(__file__=path, __builtins__=builtins)
    sys.modules["__main__"] = module
    exec(compile(source, path, "exec", dont_inherit=True), vars(module))


def _print_error(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Print an error with a traceback that begins in the script."""
    while trace is not None and trace.tb_frame.f_code.co_filename in _OURS:
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)
