"""The judges of a program: every road it can go, and what each must agree with."""

from __future__ import annotations

import functools
import warnings
from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np
from tests.compile.wasm.host import in_wasm
from tests.fuzz import others
from tests.fuzz.programs import Failure, Program
from tests.fuzz.rounding import bounds

import chainrule as cr
from chainrule._src.core.backward import as_number
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.text.text import module_text
from chainrule.errors import ChainruleError

IN_NUMPY = ("eager", "recorded", "minimize", "second order", "scaled")


class InvalidError(Exception):
    """Plain NumPy gives something else than a finite number."""


class Case:
    """A program with what plain NumPy and chainrule's eager gradients make of it."""

    def __init__(self, program: Program) -> None:
        self.program, self.f = program, program.function()
        self.counts: Counter[str] = Counter()
        self.values = {n: attempted(self.f, self.arguments(n)) for n in program.sizes}
        first = self.values[program.n]
        self.refused = isinstance(first, Exception)
        if not self.refused and (np.shape(first) != () or not np.isfinite(first)):
            raise InvalidError
        self._bounds: dict[Any, Any] = {}

    def arguments(self, n: int) -> tuple[Any, ...]:
        return self.program.arguments(n)

    @functools.cached_property
    def eager(self) -> dict[int, Any]:
        """Value and gradient for every size, or the exception."""
        found = {}
        for n in self.program.sizes:
            found[n] = attempted(cr.value_and_grad(self.f), self.arguments(n))
            self.allowed("eager", found[n], n)
        return found

    def allowed(self, road: str, result: Any, n: int) -> bool:
        """Whether there is a result; what is raised must be what NumPy or chainrule may raise."""
        if not isinstance(result, Exception):
            return True
        numpys = type(self.values.get(n))
        if isinstance(result, ChainruleError) or issubclass(type(result), numpys):
            return False
        raise Failure(road, f"raises {type(result).__name__}", f"n = {n}: {result}") from result

    def agree(self, road: str, got: Any, expected: Any, n: int, f: Any, key: str = "") -> None:
        """Hold a result against another of the same computation ``f`` of these arguments."""
        one, two = list(leaves(got)), list(leaves(expected))
        if [path for path, _ in one] != [path for path, _ in two]:
            raise Failure(road, "another structure", f"{got} instead of {expected}")
        for i, ((path, a), (_, b)) in enumerate(zip(one, two, strict=True)):
            a, b = np.asarray(a), np.asarray(b)
            a = a.astype(a.dtype.newbyteorder("="), copy=False)  # NumPy keeps the order in copies
            for what in ("shape", "dtype"):
                if (one_has := getattr(a, what)) != (has := getattr(b, what)):
                    detail = f"n = {n}, {path}: {one_has} instead of {has}"
                    raise Failure(road, f"another {what}", detail)
            if np.array_equal(a, b, equal_nan=True):
                continue
            bound = self.bound(n, f, key)[i]
            with np.errstate(all="ignore"):
                apart = np.abs(a.astype(float) - b.astype(float))
                fine = (apart <= bound) | (np.isnan(a) & np.isnan(b)) | (a == b) | (bound == np.inf)
            if not fine.all():
                detail = f"n = {n}, {path}: {a.tolist()} instead of {b.tolist()}, bound {bound}"
                raise Failure(road, "other numbers", detail)
            self.counts["rounded otherwise"] += 1

    def slope(self, order: str, n: int, verdict: bool | None, detail: str) -> None:
        """Take the verdict of differences."""
        if verdict is False:
            raise Failure(f"eager{order}", "a wrong gradient", f"n = {n}: {detail}")
        told = "held against" if verdict else "cannot be told by"
        self.counts[f"gradient{order} {told} differences"] += 1

    def bound(self, n: int, f: Any, key: str) -> Any:
        if (n, key) not in self._bounds:
            self._bounds[n, key] = bounds(f, *self.arguments(n))
        return self._bounds[n, key]


def attempted(f: Any, args: tuple[Any, ...]) -> Any:
    """Return a result, or the exception."""
    try:
        return f(*args)
    except Failure:
        raise
    except Exception as error:
        return error


def judge(program: Program, roads: Collection[str] = IN_NUMPY) -> Counter[str]:
    """Send a program down roads, by their names in ``ROADS``; return what happened.

    Raises
    ------
    Failure
        If one leads elsewhere.
    InvalidError
        If plain NumPy gives something else than a finite number.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        case = Case(program)
        values(case)
        first = case.eager[program.n]
        if isinstance(first, Exception):
            why = "as by NumPy" if case.refused else _message(first)
            case.counts[f"refused: {why}"] += 1
            return case.counts
        for road, travel in ROADS.items():
            if road in roads:
                travel(case)
        case.counts["judged"] += 1
    return case.counts


def values(case: Case) -> None:
    """The value is NumPy's; gradients have the parameters' structure, shapes and dtypes."""
    for n, found in case.eager.items():
        if isinstance(found, Exception):
            continue
        value, gradients = found
        expected = as_number(case.values[n])
        if isinstance(expected, Exception):
            raise Failure("eager", "goes on where NumPy refuses", f"n = {n}: {expected!r}")
        case.agree("eager value", (value,), (expected,), n, cr.value_and_grad(case.f))
        for (path, g), (_, x) in zip(leaves(gradients), leaves(case.arguments(n)[0]), strict=True):
            if np.shape(g) != x.shape or g.dtype != x.dtype.newbyteorder("="):
                detail = f"{path}: {np.shape(g)} {g.dtype} instead of {x.shape} {x.dtype}"
                raise Failure("eager", "a gradient of another shape or dtype", detail)
        own_memory("eager", gradients, case.arguments(n))


def own_memory(road: str, gradients: Any, args: Any) -> None:
    """Gradients can be written into: no other one and no argument changes."""
    others = [leaf for _, leaf in leaves(args)]
    for path, gradient in leaves(gradients):
        if np.ndim(gradient):
            if not gradient.flags.writeable:
                raise Failure(road, "a gradient is read-only", f"{path}")
            if any(np.may_share_memory(gradient, other) for other in others):
                raise Failure(road, "a gradient shares memory", f"{path}")
            others.append(gradient)


def differences(case: Case) -> None:
    """The gradient in float64 agrees with central differences, for two sizes."""
    for n in case.program.sizes[:2]:
        p, *data = case.program.arguments(n, np.float64)
        found = attempted(others.slope_agrees, (lambda p, data=data: case.f(p, *data), p))
        if case.allowed("eager", found, n):
            case.slope("", n, *found)


def library(case: Case, name: str, gradient: Any) -> None:
    """The gradient agrees with that of another library, where it knows the functions.

    At kinks and ties others may choose otherwise: differences decide.
    """
    if "cr." in str(case.program):
        return
    p, *data = case.program.arguments(case.program.n, np.float64)
    expected = attempted(gradient, (case.program.function, (p, *data)))
    if isinstance(expected, Exception):
        case.counts[f"{name} does not run it"] += 1
    elif others.gradient_agrees(lambda p: case.f(p, *data), p, expected):
        case.counts[f"{name} agrees"] += 1
    elif others.slope_agrees(lambda p: case.f(p, *data), p)[0]:
        case.counts[f"{name} differs, differences agree"] += 1
    else:
        case.counts[f"{name} differs, differences cannot tell"] += 1


def recorded(case: Case, f: Any = None, key: str = "") -> None:
    """A program and its text give the same as eager code, for every size they are made for."""
    f = f or case.f
    both = cr.value_and_grad(f)
    program = attempted(cr.trace(both), case.arguments(case.program.n))
    if not case.allowed(f"trace{key}", program, case.program.n):
        case.counts[f"not recorded: {_message(program)}"] += 1
        return
    space: dict[str, Any] = {}
    text = attempted(module_text, (program,))
    if not case.allowed(f"text{key}", text, case.program.n):
        case.counts[f"no text: {_message(text)}"] += 1
        return
    try:
        exec(compile(text, "<text>", "exec"), space)
    except SyntaxError as error:
        raise Failure(f"text{key}", "is no Python", f"{error}\n{text}") from error
    case.counts["general" if program.general else "for one size"] += 1
    for n in case.program.sizes:
        args = case.arguments(n)
        expected = case.eager[n] if not key else attempted(both, args)
        for road, run in (("program", program), ("text", space["value_and_gradients"])):
            got = attempted(run, args)
            if n != case.program.n and isinstance(got, ChainruleError | AssertionError):
                case.counts["not for another size"] += 1  # as the program or the text itself says
            elif n == 0 and road == "text" and isinstance(got, ZeroDivisionError):
                case.counts["a text divides by no samples"] += 1  # as Python does: 2 / n
            elif not case.allowed(road + key, got, n):
                if not isinstance(expected, Exception):
                    raise Failure(road + key, "refuses", f"n = {n}: {got}")
            elif isinstance(expected, IndexError) and case.program.has_unused_values():
                case.counts["an index that is not used is not checked"] += 1
            elif isinstance(expected, Exception) and n == 0 and road == "text":
                case.counts["a text is not tried without samples"] += 1
            elif isinstance(expected, Exception):
                raise Failure(road + key, "goes on where NumPy refuses", f"n = {n}: {got}")
            else:
                case.agree(road + key, got, expected, n, both, key)
                own_memory(road + key, got[1], args)


def second_order(case: Case) -> None:
    """The derivative of the slope along a direction, eagerly and recorded."""
    n, f = case.program.n, case.f  # f alone: each number in what slope refers to is a size to try
    direction = others.signs(case.arguments(n)[0], 1)

    def slope(p: Any, *data: Any) -> Any:
        parts = map_leaves(lambda g, v: np.sum(g * v), cr.grad(f)(p, *data), direction)
        return sum(part for _, part in leaves(parts))

    p, *data = case.program.arguments(n, np.float64)
    found = attempted(others.slope_agrees, (lambda p: slope(p, *data), p))
    if not case.allowed("eager of second order", found, n):
        case.counts[f"second order refused: {_message(found)}"] += 1
        return
    case.slope(" of second order", n, *found)
    recorded(case, slope, " of second order")


def minimized(case: Case, engine: str = "numpy") -> None:
    """A step of SGD changes the parameters by minus the gradient; a shorter batch follows."""
    n, rest = case.program.n, max(1, case.program.n // 2)
    p, *data = case.arguments(n + rest)
    floats = [x.dtype for _, x in leaves(p)] + [x.dtype for x in data if x.dtype.kind == "f"]
    dtypes = {dtype.newbyteorder("=") for dtype in floats}
    if len(dtypes) > 1:
        return
    loss = case.f if len(data) < 3 else lambda p, X, rest: case.f(p, X, *rest)
    for rows, rate in ((n, 1.0), (n + rest, 2.0**-12)):
        given = [x[:rows] for x in data]
        expected = attempted(_trained, (case.f, p, given, n, rate))
        if isinstance(expected, Exception):
            continue
        y = given[1:] if len(given) < 3 else (tuple(given[1:]),)
        run = functools.partial(
            cr.minimize, optimizer=cr.optimizers.SGD(rate), batch_size=n, shuffle=False,
            engine=engine, seed=0,
        )  # fmt: skip
        got = attempted(run, (loss, p, *given[:1], *y))
        road = f"minimize {engine}"
        if not case.allowed(road, got, n):
            case.counts[f"{road} refused: {_message(got)}"] += 1
            continue

        def updated(p: Any, *_: Any, given: Any = given, rate: float = rate) -> Any:
            return _trained(case.f, p, given, n, rate)

        case.agree(road, got[0], expected, n, updated, f"minimize {rate}")


def _trained(f: Any, p: Any, data: Any, size: int, rate: float) -> Any:
    """Return the parameters after an epoch by eager gradients."""
    for start in range(0, len(data[0]), size):
        gradient = cr.grad(f)(p, *(x[start : start + size] for x in data))
        p = map_leaves(lambda x, g: x - rate * g, p, gradient)
    return p


def jitted(case: Case) -> None:
    """Compiled for the size that it is recorded for, and for one sample."""
    fast = cr.jit(case.f)
    for n in {*case.program.sizes[:2], case.program.sizes[-1]}:
        got = attempted(fast, case.arguments(n))
        if not case.allowed("jit", got, n):
            case.counts[f"jit refused: {_message(got)}"] += 1
        elif isinstance(case.values[n], Exception):
            raise Failure("jit", "goes on where NumPy refuses", f"n = {n}: {got}")
        else:
            case.agree("jit", (got,), (case.values[n],), n, lambda *given: (case.f(*given),), "jit")


def compiled(case: Case) -> None:
    """The function, and a step of SGD, as machine code and as WebAssembly."""
    in_kernels(case)
    try:
        with in_wasm():
            in_kernels(case)
    except Failure as failure:
        raise Failure(f"wasm {failure.road}", failure.way, failure.detail) from failure


def in_kernels(case: Case) -> None:
    """The function, and a step of SGD, in kernels."""
    jitted(case)
    minimized(case, "compiled")
    scaled(case, [cr.jit])


def scaled(case: Case, roads: Any = (lambda f: lambda *args: cr.trace(f)(*args)(*args),)) -> None:
    """Numbers of Python's among the arguments promote as NumPy has it, recorded and compiled."""
    n = case.program.n

    def f(*args: Any) -> Any:
        *arrays, number = args
        return (case.f(*arrays) * number + number,)

    def by(number: Any) -> Any:
        return lambda *arrays: f(*arrays, number)

    for number in (2, 0.5, True, np.float32(0.5)):
        given = (*case.arguments(n), number)
        expected = attempted(f, given)
        for made in roads:
            got = attempted(made(f), given)
            if case.allowed("scaled", got, n) and not isinstance(expected, Exception):
                case.agree("scaled", got, expected, n, by(number), f"by {number!r}")


def eager(case: Case) -> None:
    """The gradient in float64 agrees with central differences and autograd."""
    differences(case)
    library(case, "autograd", others.by_autograd)


ROADS = {
    "eager": eager, "recorded": recorded, "minimize": minimized, "second order": second_order,
    "scaled": scaled, "compiled": compiled,
    "jax": functools.partial(library, name="jax", gradient=others.by_jax),
}  # fmt: skip


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:70]}"
