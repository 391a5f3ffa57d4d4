"""The grammar: which NumPy a random program is made of.

A program grows by evaluation: a rule proposes an expression over what there is, and it is kept if
plain NumPy gives finite numbers of ordinary size for it, at every batch size.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.fuzz import rules
from tests.fuzz.programs import ROWS, Array, Node, Program, Statement

import chainrule as cr
from chainrule._src.core.trees import leaves, map_leaves

LARGEST, ENTRIES = 100.0, 600  # of what a program computes on its way
SOMETIMES, ALWAYS = 0.02, 0.004  # kept of what NumPy refuses: for some batch sizes, for all


@dataclass
class Item:
    """An expression and what it is at every batch size; an exception where NumPy refuses."""

    node: Node
    values: list[Any]
    trained: bool  # whether it depends on the parameters

    @property
    def value(self) -> Any:
        return self.values[0]


class Draw:
    """A program being made, from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        n = int(self.rng.choice([1, 2, 3, 4, 5, 6, 8]))
        shorter, larger = self.rng.integers(1, n + 1), self.rng.integers(n + 1, ROWS)
        empty = {0: 0} if self.rng.random() < 0.1 else {}
        self.n = n
        self.sizes = tuple({n: 0, 1: 0, 2: 0, int(shorter): 0, int(larger): 0, **empty})
        self.pool: list[Item] = []
        self.statements: list[Statement] = []
        self.dtype = self.pick(["float64"] * 3 + ["float32"])
        self.feature = int(self.rng.choice([1, 2, 3, 4]))
        self.library = self.chance(0.2)

    # What rules ask for.

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pick(self, choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def whole(self, low: int, high: int) -> int:
        """Return a whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def item(self, ndim: int = 0, kind: str = "f", most: int = 9) -> Item:
        """Return something that is there, the newer the likelier.

        Raises
        ------
        NoneFitsError
            If nothing has such a number of axes and dtype.
        """
        found = [
            item
            for item in self.pool
            if ndim <= np.ndim(item.value) <= most and item.value.dtype.kind in kind
        ]
        if not found:
            raise NoneFitsError
        if self.chance(0.6):
            found = [item for item in found if item.trained] or found
        return found[len(found) - 1 - int(len(found) * self.rng.random() ** 1.5)]

    # How it grows.

    def program(self) -> Program:
        self.inputs()
        try:
            for _ in range(self.whole(3, 9)):
                self.grow()
            loss = self.loss()
        except RefusedError as refused:
            loss = Node("np.sum({0})", refused.args)
        return Program(
            self.params, tuple(self.data.items()), tuple(self.statements), loss, self.n, self.sizes
        )

    def inputs(self) -> None:
        self.layers = self.pick([*rules.LAYERS]) if self.chance(0.15) else ""
        self.params = self.stack() if self.layers else self.tree(self.whole(1, 3), 0)
        rows = Array((self.feature,), self.pick([self.dtype] * 4 + ["float64"]), True)
        kinds = [
            Array((), self.dtype, True), Array((), "int64", True, span=3),
            Array((self.feature,), "uint8", True, span=256), Array((), "bool", True, span=2),
            Array((2, self.feature), self.dtype, True),
            Array((self.feature,), "bool", True, span=2),
            Array((1,), self.dtype, True), Array((0,), self.dtype, True),
            Array((self.feature,), "int64", True, span=5),
        ]  # fmt: skip
        self.data = {"X": self.varied(rows)}
        for name in ["y", "Z"][: self.whole(0, 2)]:
            self.data[name] = self.varied(self.pick(kinds))
        for path, array in leaves(self.params):
            text = "p" + "".join(f"[{part!r}]" for part in path)
            self.pool.append(Item(Node(text), [array.made() for _ in self.sizes], True))
        for name, array in self.data.items():
            self.pool.append(Item(Node(name), [array.made(n) for n in self.sizes], False))
        self.space = [
            {
                "np": np, "cr": cr, "p": map_leaves(lambda array: array.made(), self.params),
                **{name: array.made(n) for name, array in self.data.items()},
            }
            for n in self.sizes
        ]  # fmt: skip

    def tree(self, count: int, depth: int) -> Any:
        """Return parameters: one array, or a dict, list or tuple of such trees."""
        if depth > 1 or (depth and self.chance(0.7)) or count == 1:
            dtype = self.dtype if self.chance(0.95) else "float32"
            return self.varied(Array(self.shape(), dtype))
        parts = [self.tree(self.whole(1, count), depth + 1) for _ in range(count)]
        names = self.rng.permutation(["W", "b", "v", "scale", "E"])[:count].tolist()
        return self.pick([tuple, list, lambda parts: dict(zip(names, parts, strict=True))])(parts)

    def stack(self) -> Any:
        """Return parameters of layers that a loop goes through."""
        k = self.feature

        def arrays(*shape: int) -> list[Array]:
            return [self.varied(Array(shape, self.dtype)) for _ in range(2)]

        if "zip" in self.layers:
            return {"W": arrays(k, k), "b": arrays(k)}
        if "layer" in self.layers:
            pairs = zip(arrays(k, k), arrays(k), strict=True)
            return [{"W": W, "b": b} for W, b in pairs]
        return arrays(k, k)

    def shape(self) -> tuple[int, ...]:
        k = self.feature
        return self.pick(
            [(), (k,), (k,), (k, k), (k, k), (k, 3), (k, 1), (1, k), (3,), (2, k, 2), (1,)]
            + [(4, k), (2, 3), (0,), (k, 0)] * self.chance(0.3)
        )

    def varied(self, array: Array) -> Array:
        layout = self.pick(["C"] * 8 + ["F", "reversed", "strided"] * 2 + ["big-endian"])
        seed = int(self.rng.integers(2**31))
        return Array(array.shape, array.dtype, array.rows, layout, array.span, seed)

    def grow(self) -> None:
        """Add an expression to what there is, and most often a statement for it."""
        if self.chance(0.2 if self.layers else 0.06):
            self.loop()
            return
        if self.chance(0.06) and self.predictions():
            return
        for _ in range(20):
            try:
                node = self.pick(rules.RULES)(self)
            except NoneFitsError:
                continue
            values = self.evaluated(f"_ = {node}", self.space)
            if values is None and self.chance(ALWAYS) and self.trained(node):
                raise RefusedError(node)
            if values:
                item = Item(node, values, self.trained(node))
                if self.chance(0.6):
                    self.name(item)
                self.pool.append(item)
                return

    def trained(self, node: Node) -> bool:
        """Whether an expression depends on the parameters."""
        names = {str(item.node) for item in self.pool if item.trained}
        return any(not part.operands and str(part) in names for part in node.nodes())

    def name(self, item: Item) -> None:
        """Make a statement of an expression."""
        name = f"v{len(self.statements)}"
        self.statements.append(Statement(name, item.node))
        item.node = Node(name)
        for space, value in zip(self.space, item.values, strict=True):
            space[name] = value

    def loop(self) -> None:
        """Add a variable that a loop goes on changing, its shape kept."""
        start = self.item()
        item = Item(start.node, start.values, start.trained)
        self.name(item)
        self.pool.append(item)
        for _ in range(10):
            try:
                node = self.pick(rules.KEEPING)(self)
            except NoneFitsError:
                continue
            if item.node not in node.nodes():
                continue
            once = self.evaluated(f"_ = {node}", self.space)
            if not once or list(map(np.shape, once)) != list(map(np.shape, item.values)):
                continue  # for one size or another it would grow with every round
            if self.layers and self.chance(0.7):
                head, scaled, node = self.layers, rules.LAYERS[self.layers], item.node
            else:
                head, scaled = self.pick(rules.LOOPS)
            statement = Statement(str(item.node), Node(scaled, (node,)), head)
            spaces = [dict(space) for space in self.space]
            values = self.evaluated(str(statement), spaces, str(item.node))
            if values:
                self.statements.append(statement)
                self.space, item.values = spaces, values
                item.trained |= self.trained(node) or head == self.layers
                return

    def predictions(self) -> bool:
        """Add logits, probabilities and a loss of them, with writes in between, if they fit."""
        try:
            item = self.item(1, kind="f")
        except NoneFitsError:
            return False
        if any(np.shape(value)[-1:] == (1,) for value in item.values):
            return False  # the only class has probability 1, which losses of logits alone take as 1
        names = [Node(f"v{len(self.statements) + i}") for i in range(2)]
        logits, made = Node(rules.LOGITS, (item.node,)), self.pick(rules.PROBABILITIES)
        statements = [
            Statement(str(names[0]), logits), *self.writes(names[0], 0.3),
            Statement(str(names[1]), Node(made, (names[0],))),
            *self.writes(names[0], 0.5), *self.writes(names[1], 0.5),
        ]  # fmt: skip
        text = "\n".join(map(str, statements))
        spaces = [dict(space) for space in self.space]
        values = [self.evaluated(text, spaces, str(names[0]))]
        values.append(self.evaluated("pass", spaces, str(names[1])))
        loss = Node(self.pick(rules.LOSSES), (names[1], names[0]))
        values.append(self.evaluated(f"_ = {loss}", spaces))
        for node, some in zip((*names, loss), values, strict=True):
            if not some:
                return False
            self.pool.append(Item(node, some, item.trained))
        self.statements += statements
        self.space = spaces
        return True

    def writes(self, name: Node, share: float) -> list[Statement]:
        """Return writes into a variable: none, one or several."""
        writes = []
        while self.chance(share):
            place, operator, value = self.pick(rules.WRITES)
            place = place.replace("{0}", str(name))
            writes.append(Statement(str(name), Node(value, (name,)), "", place, operator))
        return writes

    def evaluated(self, text: str, spaces: Any, name: str = "_") -> list[Any] | None:
        """Return what a statement gives for every size, if it is to be kept."""
        values: list[Any] = []
        code = compiled(text)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for space in spaces:
                try:
                    exec(code, space)
                    value = space[name]
                    if not ordinary(value):
                        return None
                    values.append(value if isinstance(value, np.ndarray) else np.asarray(value)[()])
                except Exception as error:
                    if not values or not self.chance(SOMETIMES):
                        return None
                    space[name] = error
                    values.append(error)
        return values

    def loss(self) -> Node:
        """Return a sum of what there is, each made a number."""
        floats = [item for item in self.pool if item.value.dtype.kind == "f"]
        trained = [item for item in floats if item.trained]
        chosen = trained[-3:] + [item for item in floats[-1:] if not item.trained]
        parts = [rules.number(self, item) for item in reversed(chosen)]
        return Node(" + ".join(f"{{{i}}}" for i in range(len(parts))), tuple(parts))


def ordinary(value: Any) -> bool:
    """Whether a value is finite, and of ordinary size."""
    array = np.asarray(value)
    if array.size > ENTRIES or array.dtype.kind not in "fiub":
        return False
    largest = np.abs(array.astype(float)).max(initial=0.0)
    return bool(largest < LARGEST * (1 if array.dtype.kind == "f" else 100))


class RefusedError(Exception):
    """NumPy refuses an expression, and so must everything else."""


class NoneFitsError(Exception):
    """There is nothing yet that a rule could be applied to."""


@functools.lru_cache(10_000)
def compiled(text: str) -> Any:
    return compile(text, "<statement>", "exec")


def program_of(seed: int) -> Program:
    """Return the program of a seed."""
    return Draw(seed).program()
