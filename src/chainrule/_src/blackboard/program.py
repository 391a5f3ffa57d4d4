"""The program of a page that needs no server: one script, which its policy allows by its hash."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import partial
from typing import Any

from chainrule._src.blackboard import built
from chainrule._src.blackboard.steps import StepLibrary

compact = partial(json.dumps, separators=(",", ":"))
# Nothing but the page's own program may run, and WebAssembly. The charts have inline styles.
POLICY = (
    "default-src 'none'; script-src {script} 'wasm-unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)
EXPORTS = re.compile(r"export\s*\{([^}]*)\};?\s*$")  # the module's last line


def program(start: str, library: StepLibrary, *arguments: Any) -> str:
    """Return the page's module and a call of one of its functions as one script.

    Parameters
    ----------
    start : str
        The name under which the module exports the function.
    library : StepLibrary
        The code of the microscope, the last argument.
    *arguments
        Plain values, the first arguments.
    """
    module = built.module().read_text(encoding="utf-8")
    match = EXPORTS.search(module)
    assert match is not None, "the module ends with its exports"
    names = (each.strip().partition(" as ") for each in match[1].split(","))
    exports = {exported: name for name, _, exported in names}
    call = f"{exports[start]}({', '.join([*map(compact, arguments), library.text()])});"
    text = f'(() => {{\n"use strict";\n{module[: match.start()]}\n{call}\n}})();\n'
    return re.sub("</(?=script)", r"<\\/", text, flags=re.IGNORECASE).replace("<!--", r"<\!--")


def digest(script: str) -> str:
    """Return the hash by which a policy allows a script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
