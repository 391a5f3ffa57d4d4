"""The functions that kernels call, as Python code that `reading` parses into nodes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._src.compile.lower.angles import ANGLES
from chainrule._src.compile.lower.elementary import ELEMENTARY
from chainrule._src.compile.lower.nodes import Buffer
from chainrule._src.compile.lower.powers import POWERS
from chainrule._src.compile.lower.reading import Function, function, known
from chainrule._src.compile.lower.routines import (
    BUFFERS,
    ROUTINES,
    WHOLE_BUFFERS,
    eliminate,
    factor,
    sort_places,
)
from chainrule._src.ops.random import mixed, random_bits

cdiv = crem = arrive = look = give_way = control = set_control = flushing = known


def _sign(x: Any) -> Any:
    return x if x != x else (1 if x > 0 else (-1 if x < 0 else 0))


def _abs(x: Any) -> Any:
    return -x if x < 0 else x


def _itself(x: Any) -> Any:
    return x


def _isnan(x: Any) -> Any:
    return x != x


def _isfinite(x: Any) -> Any:
    return abs(x) < np.inf


def _isinf(x: Any) -> Any:
    return abs(x) == np.inf


def _is_itself(x: Any) -> Any:
    return x == x


def _logaddexp(a: Any, b: Any) -> Any:
    high = b if a < b or b != b else a
    low = a if a < b or b != b else b
    return high + np.log1p(np.exp(low - high)) if high != low else high + 0.6931471805599453


def _mod(a: Any, b: Any) -> Any:
    rest = crem(a, b)
    other = rest != 0 and (rest < 0) != (b < 0)
    return rest + b if other else (rest if rest != 0 else np.copysign(0, b))


def _floordiv(a: Any, b: Any) -> Any:
    rest = crem(a, b)
    other = rest != 0 and (rest < 0) != (b < 0)
    whole = (a - rest) / b - (1 if other else 0)
    near = np.floor(whole)
    near = near + (1 if whole - near > 0.5 else 0)
    near = near if whole != 0 else np.copysign(0, a / b)
    return near if b != 0 else a / b


def _whole_floordiv(a: Any, b: Any) -> Any:
    by = 1 if b == 0 or b == -1 else b  # the processor traps at these
    quotient = cdiv(a, by)
    rest = a - quotient * by
    quotient = quotient - (1 if rest != 0 and (rest < 0) != (by < 0) else 0)
    return 0 if b == 0 else (-a if b == -1 else quotient)


def _whole_mod(a: Any, b: Any) -> Any:
    by = 1 if b == 0 or b == -1 else b
    rest = crem(a, by)
    return rest + by if rest != 0 and (rest < 0) != (by < 0) else rest


def _natural_floordiv(a: Any, b: Any) -> Any:
    return 0 if b == 0 else cdiv(a, 1 if b == 0 else b)


def _natural_mod(a: Any, b: Any) -> Any:
    return crem(a, 1 if b == 0 else b)


def _whole_pow(base: Any, exponent: Any) -> Any:
    power = base - base + 1
    while exponent > 0:
        power = power * (base if exponent % 2 == 1 else 1)
        base = base * base
        exponent = exponent // 2
    return power


def _wrap(index: Any, size: Any, fault: Any, number: Any) -> Any:
    position = index + size if index < 0 else index
    if position < 0 or position >= size:
        fault[0] = number
        position = 0
    return position


def _within(entry: Any, size: Any, fault: Any, number: Any) -> Any:
    wrong = not (entry >= 0 and entry < size and entry == np.floor(entry))
    if wrong:
        fault[0] = number
    return entry - entry if wrong else entry


def _meet(meeting: Any, threads: Any) -> None:
    if threads > 1:
        goal = (cdiv(arrive(meeting), threads) + 1) * threads
        turns = 0
        while look(meeting) < goal:
            turns += 1
            if turns > 1000:
                if meeting[1] != 0:  # nobody else will come
                    break
                give_way()


def _flush() -> Any:
    before = control()
    set_control(flushing(before))
    return before


def _restore(before: Any) -> None:
    set_control(before)


_BUFFERS = {"fault", "meeting", *WHOLE_BUFFERS}
FOR: dict[tuple[str, str], Callable[..., Any]] = {
    **ELEMENTARY, **POWERS, **ANGLES,
    ("sign", "f"): _sign, ("sign", "i"): _sign, ("sign", "u"): _sign,
    ("abs", "i"): _abs, ("abs", "u"): _itself, ("abs", "b"): _itself,
    ("isnan", "f"): _isnan, ("isfinite", "f"): _isfinite, ("isinf", "f"): _isinf,
    **{(name, kind): _isnan for name in ("isnan", "isinf") for kind in "iub"},
    **{("isfinite", kind): _is_itself for kind in "iub"},
    ("logaddexp", "f"): _logaddexp,
    ("mod", "f"): _mod, ("floordiv", "f"): _floordiv,
    ("mod", "i"): _whole_mod, ("floordiv", "i"): _whole_floordiv,
    ("mod", "u"): _natural_mod, ("floordiv", "u"): _natural_floordiv,
    ("pow", "i"): _whole_pow, ("pow", "u"): _whole_pow,
    ("mixed", "uint32"): mixed, ("random_bits", "uint32"): random_bits,
    ("wrap", "i"): _wrap, ("within", "f"): _within, ("within", "i"): _within,
    ("within", "u"): _within, ("meet", "i"): _meet, ("flush", "i"): _flush,
    ("restore", "i"): _restore,
    **{("sort_places", kind): sort_places for kind in "fiub"},
    ("factor", "f"): factor, ("eliminate", "f"): eliminate,
}  # fmt: skip


@functools.cache
def function_of(name: str, dtype: np.dtype[Any]) -> Function | None:
    """Return the function ``name`` for arguments of a dtype, or None."""
    source = FOR.get((name, dtype.name)) or FOR.get((name, dtype.kind))
    if source is None:
        return None
    integer = np.dtype(np.int64)
    names = source.__code__.co_varnames[: source.__code__.co_argcount]
    is_routine = name in ROUTINES

    def argument(parameter: str) -> Any:
        if parameter in _BUFFERS:
            return Buffer(parameter, (2,), integer, (0,), "fixed")
        if is_routine and parameter in BUFFERS:
            return Buffer(parameter, (2,), dtype, (0,), "fixed")
        return integer if is_routine or parameter in ("size", "number") else dtype

    typed = {parameter: argument(parameter) for parameter in names}
    return function(source, typed, f"{name}_{dtype.name}")
