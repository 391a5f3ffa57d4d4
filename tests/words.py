"""Counts of what makes code hard to read for whom English is a second language.

``python -m tests.words [wing ...]`` prints them, with the places; `test_words` holds their bounds.
"""

import ast
import functools
import re
import sys
from collections import Counter
from pathlib import Path

from tests.code import nodes

ROOT = Path(__file__).parents[1] / "src" / "chainrule" / "_src"
# They say how a value came about, not what it is.
VAGUE = {
    "alike", "asked", "done", "found", "given", "held", "here", "kept", "known", "left", "made",
    "mine", "ours", "own", "place", "rest", "said", "seen", "shown", "taken", "theirs", "there",
    "thing", "things", "told", "wanted", "whole",
}  # fmt: skip
RIDDLE = re.compile(r"(Return (what|how|where)|What|How|Where|Those that|Whether|Tells?)\b")
PRONOUN = re.compile(r"\b(it|its own|one|others?|so|that|them|there|they|this|what is)$")
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def files(wings=()):
    """Return the files of some wings, or of all."""
    folders = [ROOT / wing for wing in wings] or [ROOT]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


@functools.cache
def docstrings(path):
    """Return the line and the first paragraph of each docstring of a file."""
    paragraphs = []
    for node in nodes(path):
        text = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
        if text:
            first = " ".join(text.partition("\n\n")[0].split())
            paragraphs.append((getattr(node, "lineno", 1), first))
    return paragraphs


def riddles(wings=()):
    """Return the docstrings that begin with a question's word."""
    return [
        (path, line, text)
        for path in files(wings)
        for line, text in docstrings(path)
        if RIDDLE.match(text)
    ]


def pronouns(wings=()):
    """Return the docstrings whose first paragraph ends in a pronoun."""
    return [
        (path, line, text)
        for path in files(wings)
        for line, text in docstrings(path)
        if PRONOUN.search(text.rstrip("."))
    ]


def vague_names(wings=()):
    """Return the variables, by function, whose names are among the vague words."""
    return [
        (path, function.lineno, name)
        for path in files(wings)
        for function in nodes(path)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for name in sorted(variables(function))
        if name.strip("_") in VAGUE
    ]


def variables(function):
    """Return the names of a function's arguments and variables.

    Of a pair ``left`` and ``right``, both name a side.
    """
    inside = list(ast.walk(function))
    names = {node.arg for node in inside if isinstance(node, ast.arg)}
    stored = (node for node in inside if isinstance(node, ast.Name))
    names |= {node.id for node in stored if isinstance(node.ctx, ast.Store)}
    return names - {"left", "right"} if {"left", "right"} <= names else names


def double_classes(wings=()):
    """Return the names of classes that exist more than once, with the files.

    A loss and its metric have one name in Keras.
    """
    places = {}
    for path in files(wings):
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.strip("_"), []).append(path)
    return {
        name: paths
        for name, paths in places.items()
        if len(paths) > 1 and {path.parent.name for path in paths} != {"losses", "metrics"}
    }


def main(wings):
    """Print the counts, and where they come from."""
    for count in (riddles, pronouns, vague_names):
        matches = count(wings)
        for path, line, text in matches:
            print(f"{path.relative_to(ROOT)}:{line}: {text[:90]}")
        print(f"{count.__name__}: {len(matches)}\n")
    print("names:", dict(Counter(name for *_, name in vague_names(wings)).most_common()))
    doubles = double_classes()
    print(f"double classes: {len(doubles)}")
    for name, paths in doubles.items():
        print(f"  {name}: {', '.join(str(path.relative_to(ROOT)) for path in paths)}")


if __name__ == "__main__":
    main(sys.argv[1:])
