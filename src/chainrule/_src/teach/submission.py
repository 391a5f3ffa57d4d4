"""A learner's submission, a notebook or a ``.py`` file, and the part of it that defines a name.

Statements are selected by the names that they bind, not by their position. To load a function, its
definition and its dependencies run, and nothing else: a cell with an endless loop, a plot or an
error does not affect the other cells.
"""

from __future__ import annotations

import ast
import json
import linecache
import symtable
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from chainrule._src.base.errors import FileError

MOST_BYTES = 20 * 2**20
ENDINGS = (".ipynb", ".py")


@dataclass(frozen=True)
class TopLevelStatement:
    """A top-level statement: its syntax tree, its location, the names that it binds and reads."""

    node: ast.stmt
    file: str
    text: str
    number: int
    binds: frozenset[str]
    reads: frozenset[str]

    @property
    def is_definition(self) -> bool:
        """True if the statement defines a function or a class."""
        return isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


@dataclass(frozen=True)
class SubmissionPart:
    """Some statements of a submission, as plain values that can be sent to another process.

    Attributes
    ----------
    texts : dict
        The texts of the files or cells that contain the statements, by name.
    statements : list of (str, int)
        For each statement its file, and its index among the statements of this file.
    """

    texts: dict[str, str]
    statements: list[tuple[str, int]]

    def nodes(self) -> Iterator[tuple[str, ast.stmt]]:
        """Yield the file and the syntax tree of each statement."""
        for file, number in self.statements:
            yield file, _body(self.texts[file], file)[number]

    def run(
        self, module: str = "submission", change: Callable[[ast.stmt], ast.stmt] | None = None
    ) -> dict[str, Any]:
        """Run the statements and return the names that they define, with values.

        ``change``, if given, returns the statement that runs in the place of another.

        Raises
        ------
        Exception
            Any error that the learner's code raises.
        """
        for file, text in self.texts.items():  # tracebacks and inspect.getsource read this cache
            linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        space = ModuleType(module)
        sys.modules[module] = space
        for file, node in self.nodes():
            node = change(node) if change else node
            exec(compile(ast.Module([node], []), file, "exec", dont_inherit=True), vars(space))
        return vars(space)


@lru_cache(maxsize=128)  # a file is read for each of its exercises, and twice for each check
def _body(text: str, file: str) -> list[ast.stmt]:
    """Return the top-level statements of a text; nothing changes the trees."""
    return ast.parse(text, file).body


@dataclass
class Submission:
    """A learner's file, parsed into statements.

    Attributes
    ----------
    path : Path
    statements : list of TopLevelStatement
        The top-level statements in the order of the file.
    notes : list of str
        Texts that could not be parsed, for example a cell with a syntax error and its line.
    stubs : frozenset of str
        Definitions as they were handed out, in the form of `normal`. A stub is used only if no
        other definition of the name exists.
    """

    path: Path
    statements: list[TopLevelStatement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stubs: frozenset[str] = frozenset()

    def defines(self, name: str) -> bool:
        """Return true if the file binds a name."""
        return any(name in statement.binds for statement in self.statements)

    def definition(self, name: str) -> TopLevelStatement | None:
        """Return the definition of a function or class that is used, or None."""
        statements = [self.statements[i] for i in self._binding(name)]
        return next((statement for statement in statements if statement.is_definition), None)

    def text_of(self, name: str) -> str:
        """Return the text of the definition of a function or class, or ""."""
        statement = self.definition(name)
        if statement is None:
            return ""
        lines = statement.text.splitlines()
        return "\n".join(lines[statement.node.lineno - 1 : statement.node.end_lineno])

    def is_untouched(self, name: str) -> bool:
        """Return true if the definition of a name is still the stub."""
        binding = [self.statements[number] for number in self._binding(name)]
        definition = self.definition(name)
        used = [definition] if definition is not None else binding
        return bool(used) and all(map(self._is_stub, used))

    def _is_stub(self, statement: TopLevelStatement) -> bool:
        return bool(self.stubs) and normal(ast.unparse(statement.node)) in self.stubs

    def needed(self, name: str) -> list[TopLevelStatement]:
        """Return the statements on which a name depends, in the order of the file.

        Of several definitions the last one that is not a stub is used.
        """
        chosen: set[int] = set()
        open_names, visited = [name], set()
        while open_names:
            current = open_names.pop()
            if current in visited:
                continue
            visited.add(current)
            for number in self._binding(current):
                if number not in chosen:
                    chosen.add(number)
                    open_names += self.statements[number].reads
        return [self.statements[number] for number in sorted(chosen)]

    def _binding(self, name: str) -> list[int]:
        """Return the indices of the statements that give a name its final value."""
        binding = [i for i, s in enumerate(self.statements) if name in s.binds]
        definitions = [i for i in binding if self.statements[i].is_definition]
        filled = [i for i in definitions if not self._is_stub(self.statements[i])]
        if definitions:
            last = (filled or definitions)[-1]
            return [last, *(i for i in binding if i > last and i not in definitions)]
        return binding

    def instead(self, name: str, statements: Sequence[TopLevelStatement]) -> Submission:
        """Return the submission with other statements in place of the definitions of a name."""
        others = [s for s in self.statements if not (s.is_definition and name in s.binds)]
        binding = (i for i, s in enumerate(self.statements) if name in s.binds)
        before = self.statements[: next(binding, 0)]
        at = sum(statement in others for statement in before)
        changed = [*others[:at], *statements, *others[at:]]
        return Submission(self.path, changed, self.notes, self.stubs)

    def part(self, names: Iterable[str]) -> SubmissionPart:
        """Return the statements on which the names depend, as plain values."""
        order = {id(s): i for i, s in enumerate(self.statements)}
        needed = {order[id(s)]: s for name in names for s in self.needed(name)}
        chosen = [needed[i] for i in sorted(needed)]
        texts = {s.file: s.text for s in chosen}
        return SubmissionPart(texts, [(s.file, s.number) for s in chosen])

    def load(self, names: Iterable[str], module: str = "submission") -> dict[str, Any]:
        """Run the statements on which the names depend and return the names that they define.

        Raises
        ------
        Exception
            Any error that the learner's code raises.
        """
        return self.part(names).run(module)


def normal(text: str) -> str:
    """Return a definition's text in a normal form, without comments, docstrings and spacing."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                node.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def read(path: str | Path, stubs: Iterable[str] = ()) -> Submission:
    """Read a notebook or a ``.py`` file; cells that do not parse are listed in `notes`.

    ``stubs`` are the texts of definitions as they were handed out.

    Raises
    ------
    FileError
        If the file is missing, empty, too large, not UTF-8, or not a notebook.
    """
    path = Path(path)
    return parse(path, text_of(path), stubs)


def parse(path: Path, text: str, stubs: Iterable[str] = ()) -> Submission:
    """Parse the text of a notebook or a ``.py`` file.

    Raises
    ------
    FileError
        If the text of an ``.ipynb`` file is not a notebook.
    """
    submission = Submission(path, stubs=frozenset(map(normal, stubs)))
    cells = dict(_cells(path, text)) if _is_notebook(path) else {str(path): text}
    for file, source in cells.items():
        plain = _without_magics(source) if _is_notebook(path) else source
        submission.statements += _statements(file, plain, submission.notes)
    return submission


def _is_notebook(path: Path) -> bool:
    return path.suffix.lower() == ".ipynb"


def text_of(path: Path) -> str:
    """Return the text of a file that may be a submission.

    Raises
    ------
    FileError
        If the file is missing, empty, too large, or not UTF-8.
    """
    if path.suffix.lower() not in ENDINGS:
        raise FileError(f"{path.name} is neither a notebook (.ipynb) nor a Python file (.py)")
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MOST_BYTES else b""
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise FileError(f"{path.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path.name} is not UTF-8 (byte {error.start}): save it as UTF-8"
        ) from None
    if size > MOST_BYTES:
        raise FileError(f"{path.name} has {size / 2**20:.0f} MB; at most 20 MB are read")
    if not text.strip():
        raise FileError(f"{path.name} is empty")
    return text


def _cells(path: Path, text: str) -> Iterator[tuple[str, str]]:
    """Yield the code cells of a notebook, of format 3 or 4, each with its name."""
    try:
        notebook = json.loads(text)
        sheets = notebook.get("worksheets", [notebook])
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        sources = [cell.get("source", cell.get("input", "")) for cell in code]
        texts = ["".join(source) for source in sources]
    except RecursionError:
        raise FileError(f"{path.name} is no notebook: nested too deeply") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path.name} is no notebook: {error}") from None
    for number, source in enumerate(texts, 1):
        yield f"{path} cell {number}", source


def _without_magics(source: str) -> str:
    """Replace IPython magics and shell commands by empty lines, which keep line numbers."""
    if source.lstrip().startswith("%%"):
        first = source.lstrip().split(None, 1)[0]
        if first not in ("%%time", "%%timeit", "%%capture"):
            return ""
    lines = source.split("\n")
    return "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)


def _statements(file: str, source: str, notes: list[str]) -> Iterator[TopLevelStatement]:
    try:
        tree = ast.parse(source, file)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        code = (
            source.splitlines()[line - 1].strip() if line and line <= source.count("\n") + 1 else ""
        )
        location = f", line {line}: {code}" if line else ""
        notes.append(f"{Path(file).name}{location}: {getattr(error, 'msg', error)}")
        return
    for number, node in enumerate(tree.body):
        yield TopLevelStatement(
            node, file, source, number, frozenset(_bound(node)), frozenset(_read(node))
        )


def _bound(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement binds or changes."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            for alias in inner.names:
                yield (alias.asname or alias.name).split(".")[0]
        elif isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
            yield inner.id
        elif isinstance(inner, ast.Attribute | ast.Subscript) and isinstance(inner.ctx, ast.Store):
            base: Any = inner
            while isinstance(base, ast.Attribute | ast.Subscript):
                base = base.value
            if isinstance(base, ast.Name):
                yield base.id
        elif isinstance(inner, ast.FunctionDef | ast.ClassDef):
            yield inner.name


def _read(node: ast.stmt) -> Iterator[str]:
    """Yield the global names that a statement reads, also in nested functions."""
    waiting = [symtable.symtable(ast.unparse(node), "", "exec")]
    while waiting:
        table = waiting.pop()
        is_top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (is_top or symbol.is_global()):
                yield symbol.get_name()
        waiting += table.get_children()
