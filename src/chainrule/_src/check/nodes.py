"""A recording of a learner's code: every expression, at every turn, is its own node.

Its backward pass gives the slopes of results along the values of all expressions at once.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.check.watching import Watch, is_number
from chainrule._src.core.backward import ancestors, passing
from chainrule._src.core.captured import around
from chainrule._src.core.primitive import Rule
from chainrule._src.core.tensor import Level, Tensor

SAME = 2e-5  # the share of a right result by which a result that is called right may differ
LINEAR = 1e-7  # the share by which a response may differ from the one that was measured
Results = Mapping[str, Any]


class Recorded:
    """A recording of a learner's code, with a node of its own for every expression at every turn.

    A new result of an operation is such a node. What is read once more, such as a variable, gets
    one, a copy, so that its adjoint is that of this one use.

    Parameters
    ----------
    watch : Watch
    before, expected : mapping
        The results, and the right ones. Entries of these that are NaN are unknown.
    left_out : set of int
        The keys of expressions that get no node.

    Raises
    ------
    ValueError
        If the code does something else where tensors take the place of arrays.
    """

    def __init__(
        self, watch: Watch, before: Results, expected: Mapping[str, Array], left_out: set[int]
    ) -> None:
        level = Level()
        self.nodes: dict[int, list[Tensor]] = defaultdict(list)
        numbers: dict[int, int] = {}  # of functions and of statements, as they stand in the code
        self._places = tuple(
            np.array([numbers.setdefault(id(part), len(numbers)) for part in parts], int)
            for parts in ([s.code for s in watch.sites], [s.statement for s in watch.sites])
        )
        copied = {s.key for s in watch.sites if isinstance(s.node, ast.Name)} | watch.written
        orders: set[int] = set()
        self.copies: set[int] = set()  # the orders of the nodes that copy what is read

        def hook(key: int, value: Any) -> Any:
            is_new = isinstance(value, Tensor) and value.base is None and value.order not in orders
            if key not in left_out and (isinstance(value, Tensor) or is_number(value)):
                if key in copied or not is_new:
                    value = value + Tensor.made(np.zeros(np.shape(value)), level)
                    self.copies.add(value.order)
                self.nodes[key].append(value)
            if isinstance(value, Tensor):
                orders.add(value.order)
            return value

        with level.captured:
            self.results = around.result(watch.run(hook))
        outputs = [self.results[name] for name in expected if name in before]
        self.backward = Backward([t for t in outputs if isinstance(t, Tensor)], self.copies)
        self.before: dict[str, Array] = {}
        self.gaps: dict[str, Array] = {}
        for name, right in expected.items():
            start = np.asarray(before.get(name), np.float64)
            if start.shape != right.shape:
                continue
            value = getattr(self.results[name], "value", self.results[name])
            if not np.allclose(value, start, rtol=1e-9):
                raise ValueError(f"{name} is another one where tensors take the place of arrays")
            self.before[name] = start
            self.gaps[name] = np.where(np.isnan(right), 0.0, right - start)
        self.known = {name: ~np.isnan(expected[name]) for name in self.gaps}
        self.norms = {
            name: float(np.linalg.norm(v + self.gaps[name])) for name, v in self.before.items()
        }

    @cached_property
    def carried(self) -> set[int]:
        """The keys of expressions of which an earlier value is read at a later turn of a loop.

        Such a read depends on a value before the newest one, or it stands before the expression in
        the code, or in its statement and runs for the next time.
        """
        keys = {node.order: key for key, nodes in self.nodes.items() for node in nodes}
        last = {key: nodes[-1].order for key, nodes in self.nodes.items() if len(nodes) > 1}
        loops, ends = np.array(list(last), int), np.array(list(last.values()), int)
        column = {key: i for i, key in enumerate(last)}
        codes, places = self._places
        never = np.full(len(loops), np.iinfo(int).max)
        newest, counts = np.full(len(loops), -1), np.zeros(len(loops), int)
        oldest: dict[int, Array] = {}  # the oldest value of each that a node is computed from
        runs: dict[int, int] = defaultdict(int)
        carried = np.zeros(len(loops), bool)
        for node in reversed(self.backward.nodes):
            inputs = [oldest[parent.order] for _, parent in node.parents if parent.order in oldest]
            before = np.minimum.reduce(inputs) if inputs else never
            key = keys.get(node.order)
            if key is not None:
                runs[key] += 1
                is_here = codes[key] == codes[loops]
                is_earlier = is_here & (places[key] < places[loops])
                is_next = is_here & (places[key] == places[loops]) & (runs[key] > counts)
                reads = (before < never) & (node.order <= ends)
                carried |= reads & ((before < newest) | is_earlier | is_next)
                if key in column:
                    before = before.copy()
                    i = column[key]
                    before[i] = min(before[i], node.order)
                    newest[i] = node.order
                    counts[i] += 1
            oldest[node.order] = before
        return set(loops[carried].tolist())


class Backward:
    """The backward pass of a recording, prepared for many passes.

    Parameters
    ----------
    outputs : sequence of Tensor
    copies : set of int
        The orders of nodes that copy their first operand.

    Attributes
    ----------
    nodes : list of Tensor
        The outputs and all that they were computed from, the latest first.
    """

    def __init__(self, outputs: Sequence[Tensor], copies: set[int]) -> None:
        self.nodes = ancestors(*outputs)
        self._steps = [(node, _parts(node, copies)) for node in self.nodes]

    def adjoints(self, seeds: Iterable[tuple[Tensor, Any]]) -> dict[int, Any]:
        """Return the adjoints of nodes, by their order, for outputs with their seeds."""
        adjoints: dict[int, Any] = {output.order: seed for output, seed in seeds}
        was, passing.backward = passing.backward, True
        try:
            for node, parts in self._steps:
                g = adjoints.get(node.order)
                for parent, rule in parts if g is not None else ():
                    share = (
                        g if rule is None else rule(g, node.value, *node.operands, **node.params)
                    )
                    if share is not None:
                        before = adjoints.get(parent)
                        adjoints[parent] = share if before is None else before + share
        finally:
            passing.backward = was
        return adjoints


def _parts(node: Tensor, copies: set[int]) -> list[tuple[int, Rule | None]]:
    """Return the operands of a node by their order, each with the rule of its adjoint.

    The rule is None where the adjoint is that of the node.
    """
    if node.order in copies:
        return [(parent.order, None) for i, parent in node.parents if not i]
    if node.primitive is None or node.primitive.gradients is None:
        return []
    rules = [(parent.order, node.primitive.gradients[i]) for i, parent in node.parents]
    return [(order, rule) for order, rule in rules if rule is not None]


class Combination:
    """A random combination of entries of some results, and its slopes along all expressions."""

    def __init__(
        self, recorded: Recorded, names: Collection[str], rng: np.random.Generator
    ) -> None:
        self.weights = {n: recorded.known[n] * rng.standard_normal(v.shape)
                        for n, v in recorded.before.items() if n in names}  # fmt: skip
        self.gap = sum(float(np.vdot(w, recorded.gaps[n])) for n, w in self.weights.items())
        self.scale = sum(
            recorded.norms[n] * float(np.linalg.norm(w)) for n, w in self.weights.items()
        )
        self.slack = SAME * self.scale + 1e-300
        results = [(recorded.results[n], w) for n, w in self.weights.items()]
        seeds = [r for r in results if isinstance(r[0], Tensor)]
        self._adjoints = recorded.backward.adjoints(seeds)
        self._nodes = recorded.nodes

    def slopes(self, key: int) -> list[Array]:
        """Return the slopes along the values of an expression at all its turns."""
        nodes = self._nodes.get(key, [])
        return [np.asarray(self._adjoints.get(node.order, np.zeros(node.shape))) for node in nodes]

    def predicts(self, key: int, shifts: list[Any], before: Results, after: Results) -> bool:
        """Return true if the slopes tell how results respond to what was added to an expression."""
        ends = {name: np.asarray(after[name], np.float64) for name in self.weights}
        if any(end.shape != self.weights[n].shape for n, end in ends.items()):
            return False
        change = sum(float(np.vdot(w, ends[n] - before[n])) for n, w in self.weights.items())
        size = sum(
            float(np.linalg.norm(w) * np.linalg.norm(ends[n])) for n, w in self.weights.items()
        )
        slopes = self.slopes(key)
        if len(slopes) != len(shifts) or not np.isfinite(size):
            return False
        predicted = sum(float(np.vdot(s, shift)) for s, shift in zip(slopes, shifts, strict=True))
        return abs(predicted - change) <= LINEAR * (size + self.scale)
