"""The code of the package as trees: each file is read once for all tests of a process."""

import ast
import functools


@functools.cache
def nodes(path):
    """Return the nodes of a file; the first is the module."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
