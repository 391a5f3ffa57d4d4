"""A random program: a small immutable structure that is printed as a function of NumPy."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule as cr
from chainrule._src.core.trees import leaves, map_leaves

ROWS = 40  # samples that can be had


class Failure(Exception):
    """A road that leads elsewhere: which one, in which way, and the details."""

    def __init__(self, road: str, way: str, detail: str = "") -> None:
        super().__init__(f"{road}: {way}\n{detail}")
        self.road, self.way, self.detail = road, way, detail


@dataclass(frozen=True)
class Node:
    """An expression: a template of Python with a place for each operand."""

    template: str
    operands: tuple[Node, ...] = ()

    def __str__(self) -> str:
        written = []
        for literal, place, alone in parsed(self.template):
            written.append(literal)
            if place is not None:
                text = str(operand := self.operands[place])
                written.append(text if alone or atomic(operand.template) else f"({text})")
        return "".join(written)

    def nodes(self) -> Iterator[Node]:
        yield self
        for operand in self.operands:
            yield from operand.nodes()

    def replaced(self, old: Node, new: Node) -> Node:
        if self == old:
            return new
        return Node(self.template, tuple(part.replaced(old, new) for part in self.operands))


@functools.lru_cache(10_000)
def parsed(template: str) -> list[tuple[str, int | None, bool]]:
    """Split a template: text, the operand that follows, and whether that stands alone there."""
    parts: list[tuple[str, int | None, bool]] = []
    pieces = re.split(r"\{(\d)\}", template)
    for i in range(0, len(pieces) - 1, 2):
        before, after = pieces[i], pieces[i + 2]
        alone = before.endswith(("(", "[", ", ")) and after.startswith((")", "]", ","))
        parts.append((before, int(pieces[i + 1]), alone))
    return [*parts, (pieces[-1], None, True)]


@functools.lru_cache(10_000)
def atomic(template: str) -> bool:
    """Whether an expression needs no parentheses, wherever it stands."""
    depth = 0
    for character in template:
        depth += (character in "([") - (character in ")]")
        if depth == 0 and character in " +-*/%@~|<>":
            return False
    return True


@dataclass(frozen=True)
class Array:
    """Numbers that go in: drawn by a seed, ``ROWS`` samples of them if ``rows``."""

    shape: tuple[int, ...]
    dtype: str = "float64"
    rows: bool = False
    layout: str = "C"
    span: int = 0  # of whole numbers: 0 … span - 1
    seed: int = 0

    def made(self, n: int | None = None) -> Any:
        rng = np.random.default_rng(self.seed)
        shape = (ROWS, *self.shape) if self.rows else self.shape
        if self.span:
            values = rng.integers(self.span, size=shape).astype(self.dtype)
        else:
            values = np.round(rng.normal(size=shape), 3).astype(self.dtype)
        return LAYOUTS[self.layout](values[:n] if self.rows else values)


def _reversed(a: Any) -> Any:
    every = (slice(None, None, -1),) * a.ndim
    return np.ascontiguousarray(a[every])[every]


def _strided(a: Any) -> Any:
    return np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a


def _swapped(a: Any) -> Any:
    return a.astype(a.dtype.newbyteorder())


LAYOUTS = {"C": np.ascontiguousarray, "F": np.asfortranarray, "reversed": _reversed,
           "strided": _strided, "big-endian": _swapped}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """``name = node``, perhaps behind the head of a loop; or a write, ``name[place] += node``."""

    name: str
    node: Node
    head: str = ""
    place: str = ""
    operator: str = "="

    def __str__(self) -> str:
        return f"{self.head}{self.name}{self.place} {self.operator} {self.node}"

    @property
    def writes(self) -> bool:
        """Whether it changes an array that is there."""
        return bool(self.place) or self.operator != "="


@dataclass(frozen=True)
class Program:
    """``f(p, *data)``: some statements and the loss; ``n`` samples when it is recorded."""

    params: Any
    data: tuple[tuple[str, Array], ...]
    statements: tuple[Statement, ...]
    loss: Node
    n: int
    sizes: tuple[int, ...]

    def __str__(self) -> str:
        names = ", ".join(["p", *(name for name, _ in self.data)])
        lines = [*map(str, self.statements), f"return {self.loss}"]
        return "\n    ".join([f"def f({names}):", *lines]) + "\n"

    def function(self, namespace: Any = np) -> Any:
        """Return the function, its ``np`` another library's if one is given."""
        space: dict[str, Any] = {"np": namespace, "cr": cr, "__name__": "program"}
        exec(compile(str(self), "<program>", "exec"), space)
        return space["f"]

    def arguments(self, n: int, dtype: Any = None) -> tuple[Any, ...]:
        """Return parameters and data for so many samples; floats of another type if it is given."""

        def made(array: Array) -> Any:
            values = array.made(n)
            return values.astype(dtype) if dtype and values.dtype.kind == "f" else values

        return (map_leaves(made, self.params), *(made(array) for _, array in self.data))

    def arrays(self) -> list[Array]:
        return [array for _, array in leaves(self.params)] + [array for _, array in self.data]

    def nodes(self) -> Iterator[Node]:
        for statement in self.statements:
            yield from statement.node.nodes()
        yield from self.loss.nodes()

    def has_unused_values(self) -> bool:
        """Whether a statement computes what nothing uses, which recordings leave out."""
        texts = [*map(str, self.statements), str(self.loss)]
        return any(
            not any(re.search(rf"\b{s.name}\b", text) for text in texts[i + 1 :])
            for i, s in enumerate(self.statements)
        )

    def pasted(self, n: int | None = None) -> str:
        """Write the program and its arguments, to be pasted."""
        names = ["p", *(name for name, _ in self.data)]
        given = zip(names, self.arguments(self.n if n is None else n), strict=True)
        lines = [f"{name} = {written(value)}" for name, value in given]
        return f"{self}{chr(10).join(lines)}\n"


def written(value: Any) -> str:
    """Write a tree of arrays as Python."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {written(part)}" for key, part in value.items()) + "}"
    if isinstance(value, tuple | list):
        inside = ", ".join(map(written, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside},)"
    array = np.asarray(value)
    text = f"np.array({array.tolist()}"
    plain = array.size and array.dtype in (np.float64, np.int64, np.bool_)
    text += ")" if plain else f", np.{array.dtype.name})"
    if array.size == 0 and array.shape != (0,):
        text += f".reshape({array.shape})"
    if not array.dtype.isnative:
        text += f".astype({array.dtype.str!r})"
    if array.flags.c_contiguous:
        return text
    if any(stride < 0 for stride in array.strides):
        every = ", ".join(["::-1"] * array.ndim)
        return f"{text}[{every}].copy()[{every}]"
    return f"np.asfortranarray({text})" if array.flags.f_contiguous else f"{text}  # strided"
