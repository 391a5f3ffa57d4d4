"""Pages of Markdown, and the run of their code: the language of a block says how it runs."""

import doctest
import linecache
import os
import shlex
import subprocess
import sys
import types
from contextlib import chdir
from typing import NamedTuple
from unittest.mock import patch

from _pytest.doctest import _get_checker, _get_number_flag
from markdown_it import MarkdownIt
from tests.base import ROOT
from tests.cli.running import done
from tests.export.web.node import NODE

DOCS = ROOT / "docs"
# The labs are written from notebooks, which have tests of their own; what is built is from code.
WRITTEN_BY_CODE = {"labs", "gallery", "generated", "node_modules", "operations", "layers"}
# A block whose first line is such a comment shows another library.
PEERS = {
    "# autograd": "autograd", "# JAX": "jax", "# Keras": "keras", "# micrograd": "micrograd",
    "# PyTorch": "torch",
}  # fmt: skip
FLAGS = doctest.NORMALIZE_WHITESPACE | _get_number_flag()


class Block(NamedTuple):
    """Code on a page, and the number of the line before it."""

    language: str
    code: str
    line: int

    @property
    def peer(self):
        """The library that the block needs beside chainrule, or None."""
        return PEERS.get(self.code.partition("\n")[0])


def pages():
    """Return README and all pages of the site that people write."""
    written = (
        page for page in sorted(DOCS.rglob("*.md"))
        if not WRITTEN_BY_CODE & set(page.relative_to(DOCS).parts[:-1])
    )  # fmt: skip
    return [ROOT / "README.md", *written]


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def blocks(page):
    """Return the fenced blocks of a page."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [
        Block(token.info.strip(), token.content, token.map[0] + 1)
        for token in tokens
        if token.type == "fence"
    ]


def run(page, folder, peers=()):
    """Run the code of a page from top to bottom in a folder; return its names.

    Blocks of other libraries are left out, but for those that are named.
    """
    linecache.clearcache()  # other tests may have written sources under the names of this page
    module = types.ModuleType("page")  # a module, so that its classes can be pickled
    sys.modules["page"] = module
    try:
        with chdir(folder), patch.dict(os.environ):
            for block in blocks(page):
                if block.language in RUNS and block.peer in {None, *peers}:
                    RUNS[block.language](block, page, vars(module))
    finally:
        del sys.modules["page"]
    return vars(module)


def _python(block, page, names):
    if ">>> " in block.code:
        _doctest(block, page, names)
    else:  # behind empty lines, so that a traceback and `inspect` find the lines of the page
        exec(compile("\n" * block.line + block.code, str(page), "exec"), names)


def _doctest(block, page, names):
    test = doctest.DocTestParser().get_doctest(block.code, names, page.name, str(page), block.line)
    test.globs = names
    runner, output = doctest.DocTestRunner(_get_checker(), optionflags=FLAGS), []
    runner.run(test, out=output.append, clear_globs=False)
    assert not runner.failures, "".join(output)


def _shell(block, page, names):
    for line in block.code.splitlines():
        program, *words = shlex.split(line, comments=True)
        if program == "chainrule":
            done(*words)
        else:
            assert program == "python", f"{page.name}: {line}: what does not run is a ```console"
            _process([sys.executable, *words])


def _node(block, page, names):
    if NODE:
        _process([NODE, "--input-type=module"], block.code)


def _process(command, text=None):
    ended = subprocess.run(
        command, input=text, capture_output=True, encoding="utf-8", timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr


# Others are shown alone, such as `text`, or `console` and `bash`: commands to type elsewhere.
RUNS = {"python": _python, "sh": _shell, "js": _node}
