"""Variables that are named after gradients: ``dh`` should hold the gradient at ``h``.

The loss is recorded with a node for every variable that it reads, so that the gradient at each of
them is known, whatever the right program calls it. The first variable that holds another value,
and the lines that this value comes from, back to variables that hold the right one, are where a
mistake is looked for first.
"""

from __future__ import annotations

import ast
import itertools
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.code import FunctionSource, nodes_of
from chainrule._src.check.edits import called_name
from chainrule._src.check.known import ValueTable
from chainrule._src.check.nodes import Recorded
from chainrule._src.check.sandbox import FAILURES
from chainrule._src.check.valuing import equal
from chainrule._src.check.watching import Site, Watch, is_number

NAMED = re.compile(r"(?:d_?L_?d_?|d_?|grad_?|g_?|delta_|nabla_)(\w+)|(\w+?)_?(?:grad|delta|bar)")


class LossVariables:
    """The variables that a loss reads: their values, and the gradients at them, by their names.

    Within a class those of the class alone count, if the loss runs it.
    """

    def __init__(
        self, codes: Sequence[FunctionSource], loss: Callable[[], Any], n: int | None
    ) -> None:
        watch = Watch(codes, lambda: {"loss": loss()}, scopes=False)
        value = np.asarray(watch.result["loss"], np.float64)
        recorded = Recorded(watch, {"loss": value}, {"loss": value}, set())
        adjoints = recorded.backward.adjoints([(recorded.results["loss"], np.ones(()))])
        self._watch, self._recorded, self._adjoints = watch, recorded, adjoints
        self._owners = {code.owner for code in codes}
        self._values: dict[tuple[str, str], list[Array]] = defaultdict(list)
        reads: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        sizes: set[int] = set()
        for site in watch.sites:
            nodes = recorded.nodes.get(site.key, ())
            name = name_of(site.node)
            if name and len(nodes) == len(site.trace.values):
                for node, read in zip(nodes, site.trace.values, strict=True):
                    code = site.code if isinstance(site.node, ast.Name) else None
                    reads[name, site.code.owner, code, np.asarray(read).tobytes()].append(node)
                    sizes.update(np.shape(read))
        gradients: dict[tuple[str, str], list[tuple[str, Array]]] = defaultdict(list)
        for (name, owner, *_), nodes in reads.items():
            orders = {node.order for node in nodes}
            first = [node for node in nodes if not _is_copy(node, orders, recorded.copies)]
            zeros = np.zeros(nodes[0].shape)
            gradient = sum((adjoints.get(node.order, zeros) for node in first), zeros)
            for key in {("", name), (owner, name)} if gradient.any() else ():
                gradients[key].append((name, gradient))
                self._values[key].append(nodes[0].value)
        inner: dict[tuple[str, str], list[tuple[str, Array]]] = defaultdict(list)
        for site in watch.sites:
            if name := _of_activation(site):
                for node in recorded.nodes.get(site.key, ()):
                    gradient = adjoints.get(node.order, np.zeros(node.shape))
                    for key in {("", name), (site.code.owner, name)}:
                        inner[key].append((name, gradient))
        self._inner = {key: ValueTable(some, n, sizes) for key, some in inner.items()}
        self._tables = {key: ValueTable(some, n, sizes) for key, some in gradients.items()}

    def holds(self, name: str, line: Site, value: Any) -> bool | None:
        """Return true if a variable that a line sets holds what it is named after.

        That is the value of this variable in the loss, or a gradient, perhaps but for an average;
        None if it is named after neither, or may stand for what an activation is applied to.
        """
        owner = self._owner(line)
        arrays = self._values.get((owner, variable_of(name)), ())
        if any(_fits(np.shape(value), array.shape) for array in arrays):
            inner = self._inner.get((owner, variable_of(name)))
            is_right = self.is_at(variable_of(name), line, value)
            is_open = inner is not None and (is_right or _is_in(inner, value))
            return None if is_open else is_right
        return any(equal(value, other) for other in self._values.get((owner, name), ())) or None

    def is_at(self, name: str, line: Site, value: Any) -> bool:
        """Return true if a value is the gradient at a variable, perhaps but for an average."""
        table = self._tables.get((self._owner(line), name))
        return table is not None and _is_in(table, value)

    def by_turn(self, parameter: Array) -> list[Array]:
        """Return the gradient at each use of a parameter in a loop; [] if it is used once."""
        uses: dict[int, list[list[Any]]] = defaultdict(list)
        for site in self._watch.sites:
            nodes = self._recorded.nodes.get(site.key, [])
            values = site.trace.values
            if len(nodes) == len(values) > 1 and all(
                np.shape(value) == parameter.shape and np.array_equal(value, parameter)
                for value in values
            ):
                uses[len(nodes)].append(nodes)
        zeros = np.zeros(parameter.shape)
        for _, sites in sorted(uses.items(), reverse=True):
            orders = {node.order for nodes in sites for node in nodes}
            first = [n for n in sites if not _is_copy(n[0], orders, self._recorded.copies)]
            shares = [
                sum((self._adjoints.get(node.order, zeros) for node in turn), zeros)
                for turn in zip(*first, strict=True)
            ]
            if any(share.any() for share in shares):
                return shares
        return []

    def _owner(self, line: Site) -> str:
        return line.code.owner if line.code.owner in self._owners else ""


def _is_in(table: ValueTable, value: Any) -> bool:
    """Return true if a value is in a table, perhaps times the size of an axis."""
    return any(f > 0 for f in {match.factor for match in table.matches(value)} - {2, 0.5})


def _fits(shape: tuple[int, ...], array: tuple[int, ...]) -> bool:
    """Return true for the shape of an array, or of its row, perhaps transposed."""
    short, *longer = ([size for size in s if size > 1] for s in (shape, array, array[1:]))
    return short in longer or short[::-1] in longer


def _of_activation(site: Site) -> str:
    """Return the name of what is assigned a function of an expression that has no name; else ""."""
    match site.statement, site.node:
        case (
            ast.Assign([ast.Name() | ast.Attribute() as target], ast.Call(_, [argument, *options])),
            ast.BinOp() | ast.Call() as node,
        ) if argument is node and all(isinstance(part, ast.Constant) for part in options):
            return name_of(target)
    return ""


def _is_copy(node: Any, orders: set[int], copies: set[int]) -> bool:
    """Return true if a read reads what another read has put into a list or the like."""
    while node.order in copies and node.parents and not node.parents[0][0]:
        node = node.parents[0][1]
        if node.order in orders:
            return True
    return False


def name_of(node: ast.AST) -> str:
    """Return the name of a variable, an attribute, or an entry with a string as its key."""
    match node:
        case ast.Name(name) | ast.Attribute(_, name) | ast.Subscript(_, ast.Constant(str(name))):
            return name
    return ""


def variable_of(name: str) -> str:
    """Return the name of the variable whose gradient a name says it is; else ""."""
    match = NAMED.fullmatch(name)
    return (match[1] or match[2]) if match else ""


class ProgramWithNames(Protocol):
    """The parts of a `FaultyProgram` that the names of its variables are held against."""

    watch: Watch
    lines: dict[int, Site]
    settled: set[int]
    wrong: frozenset[str]
    expected: Mapping[str, Array]

    def reach(self, site: Site) -> frozenset[str]: ...


class ReadOfVariable(NamedTuple):
    """A read of a variable: when, the line that set it, and true if it holds what it should."""

    time: int
    site: Site
    line: Site
    is_right: bool


class Meaning:
    """The lines of a program that give variables what they are named after, or do not.

    Attributes
    ----------
    first : Site or None
        The first line whose variable should hold a gradient and holds another value.
    sentence : str
        What is wrong there, in one sentence.
    read : Site or None
        Where the variable is read.
    lines : list of Site
        This line and those that its value comes from, the nearest first; of none of them the value
        is known to be right.
    right : dict of int to int
        The statements from whose values right ones came, by their ids; until when they came.
    """

    def __init__(self, subject: ProgramWithNames, variables: LossVariables | None) -> None:
        self.subject, self.variables = subject, variables
        self.first: Site | None = None
        self.sentence = ""
        self.read: Site | None = None
        self.lines: list[Site] = []
        self.right: dict[int, int] = {}
        self._in_order = sorted(subject.lines.values(), key=lambda line: line.trace.order)
        self._setting: dict[str, list[Site]] = defaultdict(list)
        self._calling: dict[str, list[Site]] = defaultdict(list)
        for line in self._in_order:
            for name in {called_name(node) for node in nodes_of(line.statement)}:
                self._calling[name].append(line)
            for name in names_set(line.statement):
                self._setting[name].append(line)
        reads = sorted(self._reads(), key=lambda read: read.time)
        for read in reads:
            if read.is_right and self._is_right(read.line, read.time):
                continue
            if read.is_right:
                lines = self.upstream(read, into_calls=False)
                if variable_of(name_of(read.site.node)):  # of several results others may be wrong
                    lines = [line for line in lines if is_number(line.value)]
                self.right |= {id(line.statement): read.time for line in lines}
            elif self._tells(read) and not self._decides(read, reads):
                self.first, self.read, self.lines = read.line, read.site, self.upstream(read)
                name = name_of(read.site.node)
                self.sentence = (
                    f"{name} should be the gradient at {variable_of(name)}, after which it is "
                    f"named, and is not where line {read.site.line} reads it: the first wrong value"
                )
                self.right = {k: time for k, time in self.right.items() if time < read.time}
                break
        for line in self.lines:
            self.right.pop(id(line.statement), None)

    @property
    def alternatives(self) -> tuple[str, ...]:
        """The line that reads the first wrong value, before which a line may be missing."""
        return (f"line {self.read.line}, which reads it",) if self.read else ()

    def _is_right(self, line: Site, time: int) -> bool:
        """Return true if a line is settled, or was right when it ran last before a time."""
        key = id(line.statement)
        return key in self.subject.settled or _last(line, time) <= self.right.get(key, -1)

    def _reads(self) -> Iterator[ReadOfVariable]:
        """Yield the reads of variables that are named after something in the loss."""
        variables = self.variables
        for site in self.subject.watch.sites if variables else ():
            name = name_of(site.node) if isinstance(site.node, ast.Name | ast.Attribute) else ""
            if not self._setting.get(name) or name in names_set(site.statement):
                continue
            for time, value in zip(site.trace.times, site.trace.values, strict=True):
                if not is_number(value) or np.size(value) < 2 or not np.ptp(value):
                    continue
                line = self._source(site, name, time)
                is_right = variables.holds(name, line, value) if variables and line else None
                if line and is_right is not None:
                    yield ReadOfVariable(time, site, line, is_right)

    def _tells(self, read: ReadOfVariable) -> bool:
        """Return true if all wrong results, and no right one, come from an inner variable."""
        subject, variable = self.subject, variable_of(name_of(read.site.node))
        if subject.reach(read.site) != subject.wrong or subject.reach(read.line) - subject.wrong:
            return False
        results = [subject.expected[name] for name in subject.wrong]
        variables = self.variables
        return variables is not None and not any(
            variables.is_at(variable, read.line, result) for result in results
        )

    def _source(self, read: Site, name: str, time: int) -> Site | None:
        """Return the line that has set a variable last when it is read."""
        lines = self._setting[name]
        if isinstance(read.node, ast.Name):
            lines = [line for line in lines if line.code is read.code]
        line = max(lines, key=lambda line: _last(line, time), default=None)
        return line if line and _last(line, time) else None

    def filled(self, read: Site, time: int) -> Site | None:
        """Return the line that filled entries of a variable last, None if it was set as a whole."""
        line = self._source(read, name_of(read.node), time)
        targets = getattr(line.statement, "targets", None) if line else None
        target = targets[0] if targets else getattr(line and line.statement, "target", None)
        return line if isinstance(target, ast.Subscript) else None

    def _decides(self, wrong: ReadOfVariable, reads: list[ReadOfVariable]) -> bool:
        """Return true if a right value is computed from this one, so that it is right, too."""
        later = [r for r in reads if r.is_right and r.time > wrong.time
                 and wrong.line in self.upstream(r)]  # fmt: skip
        if not later:
            return False
        read = later[-1].site
        values: list[Any] = []

        def hook(key: int, value: Any) -> Any:
            if key == read.key:
                values.append(np.copy(value))
            return value * 1.5 if key == wrong.site.key else value

        try:
            self.subject.watch.run(hook)
        except FAILURES:
            return False
        return not all(map(equal, values, read.trace.values))

    def upstream(self, read: ReadOfVariable, into_calls: bool = True) -> list[Site]:
        """Return the lines that a value comes from, back to right and settled ones.

        If ``into_calls``, those of the functions that these lines call are among them.
        """
        lines: list[Site] = []
        callers: list[Site] = []
        names_before: set[tuple[FunctionSource | None, str]] = set()
        calls: list[tuple[int, int]] = []  # between these times other functions ran

        def add(line: Site) -> None:
            if line in lines or self._is_right(line, read.time):
                return
            last = _last(line, read.time)
            lines.append(line)
            calls.append((_start(line, last), last) if into_calls else (last, last))
            names = names_read(line.statement)
            want(line, names)
            for caller in self._calling[line.code.code_object.co_name]:
                after = bisect_left(caller.trace.times, last)
                ends = caller.trace.times[after : after + 1]
                if ends and _start(caller, ends[0]) < last < ends[0]:
                    for part in passed_on(caller.statement, line.code, names):
                        want(caller, names_read(part))
                        callers.append(caller)

        def want(line: Site, names: set[tuple[str, bool]]) -> None:
            names_before.update((line.code if is_own else None, name) for name, is_own in names)

        add(read.line)
        for line in reversed(self._in_order):
            last = _last(line, read.time)
            names = names_set(line.statement)
            feeds = any(
                (line.code, name) in names_before or (None, name) in names_before for name in names
            )
            if last and (feeds or any(start < last < end for start, end in calls)):
                add(line)
        return list(dict.fromkeys([*lines, *callers])) if into_calls else lines


def _last(line: Site, time: int) -> int:
    """Return when a line ran last before a time, 0 if it did not."""
    i = bisect_left(line.trace.times, time)
    return line.trace.times[i - 1] if i else 0


def _start(line: Site, end: int) -> int:
    """Return when the turn of a line began that ended at a time: when its parts were read."""
    parts = [part for part in line.near if part is not line and not part.nested]
    return min((_last(part, end) or end for part in parts), default=end)


def names_set(statement: Any) -> set[str]:
    """Return the variables and attributes that a statement sets, or changes in place."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return {name for target in targets if target for name in _set_by(target)}


def _set_by(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Tuple | ast.List):
        return [name for part in target.elts for name in _set_by(part)]
    while isinstance(target, ast.Subscript | ast.Starred):
        target = target.value
    return [name_of(target)]


def names_read(statement: ast.AST) -> set[tuple[str, bool]]:
    """Return the variables and attributes that a statement reads, with true for variables."""
    part: Any = statement
    if not isinstance(statement, ast.expr):
        part = getattr(statement, "value", None) or getattr(statement, "iter", statement)
    nodes = nodes_of(part)
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    changed = [t for t in targets if t and not isinstance(statement, ast.Assign | ast.For)]
    changed += [t for t in targets if isinstance(t, ast.Subscript)]  # other entries stay
    nodes += [node for target in changed for node in nodes_of(target)]
    some = [n for n in nodes if isinstance(n, ast.Name | ast.Attribute)]
    return {(name_of(node), isinstance(node, ast.Name)) for node in some}


def bare_names(node: ast.AST) -> set[str]:
    """Return the names of the variables and attributes that an expression reads."""
    return {name for name, _ in names_read(node)}


def passed_on(
    statement: ast.AST, code: FunctionSource, names: set[tuple[str, bool]]
) -> Iterator[ast.expr]:
    """Yield the arguments that a statement passes on to a function's parameters of some names."""
    parameters = [arg.arg for arg in code.tree.args.args]
    for node in nodes_of(statement):
        if isinstance(node, ast.Call) and called_name(node) == code.code_object.co_name:
            received = parameters[1:] if parameters[:1] == ["self"] else parameters
            words = ((word.arg, word.value) for word in node.keywords)
            pairs = itertools.chain(zip(received, node.args, strict=False), words)
            yield from (value for name, value in pairs if (name, True) in names)
