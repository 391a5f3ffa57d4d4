"""``python -m chainrule.accel script.py …``: run a script with its network trained by chainrule."""

from __future__ import annotations

import argparse
import logging
import os
import runpy
import sys
from pathlib import Path

from chainrule.accel import install


def main() -> None:
    """Run the script or the module that is named."""
    parser = argparse.ArgumentParser(prog="python -m chainrule.accel", description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is not replaced")
    parser.add_argument("-m", dest="module", action="store_true", help="run a module, not a file")
    parser.add_argument("script", help="what to run")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="its arguments")
    given = parser.parse_args()
    if given.verbose:
        logging.basicConfig()
        logging.getLogger("chainrule.accel").setLevel(logging.INFO)
    install()
    sys.argv = [given.script, *given.args]
    if given.module:
        runpy.run_module(given.script, run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(given.script).resolve().parent)
        runpy.run_path(os.path.abspath(given.script), run_name="__main__")  # as Python has it


if __name__ == "__main__":
    main()
