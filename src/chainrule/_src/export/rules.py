"""An optimizer as readable NumPy: what it remembers, and its step."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import starmap
from typing import Any

import numpy as np

from chainrule._src.base.errors import ExportError
from chainrule._src.base.escaping import for_python
from chainrule._src.core.equations import Variable
from chainrule._src.core.names import names_from
from chainrule._src.core.program import Program
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.nn import optimizers, schedules
from chainrule._src.nn.optimizers import Optimizer
from chainrule._src.text.text import function_text
from chainrule._src.trace.tracing import trace

Texts = tuple[list[str], list[Program]]
START = "Return what {} remembers before the first update."
STEP = "Return one array after a step of {}, and what is remembered of it."
UPDATE = "Return new weights, and what {} remembers then."


def rule_texts(optimizer: Any, params: Mapping[str, Any]) -> Texts:
    """Return the functions ``start(params)`` and ``update(params, gradients, memory)`` as text.

    Where the rule is the same for arrays of every shape, it is written once, as ``step``. The
    programs behind the texts come second: they tell which helpers are called.

    Raises
    ------
    ExportError
        If an optimizer starts from arrays that cannot be written down.
    """
    name = type(optimizer).__name__
    memory = map_leaves(np.asarray, optimizer.init(params))
    texts, programs = _step_by_step(optimizer, params, name) or _at_once(
        optimizer, params, memory, name
    )
    return [_start_text(memory, params, name), *texts], programs


def plainer(text: str) -> str:
    """Write 1 - 0.9 as 0.1, not as 0.09999999999999998; comments stay where they are."""
    return "\n".join(map(_plain_line, text.splitlines()))


def _plain_line(line: str) -> str:
    def shorter(found: re.Match[str]) -> str:
        short = f"{float(found[0]):.12g}"
        return short if len(short) < 10 else found[0]

    short = re.sub(r"\d+\.\d{14,}", shorter, line)
    return short.replace("  # ", " " * (len(line) - len(short)) + "  # ", 1)


def _start_text(memory: Mapping[str, Any], params: Mapping[str, Any], name: str) -> str:
    lines = "".join(
        f'        "{for_python(key)}": {_start_of(key, value, params, name)},\n'
        for key, value in memory.items()
    )
    about = START.format(name)
    return f'def start(params):\n    """{about}"""\n    return {{\n{lines}    }}'


def _start_of(key: str, value: Any, params: Mapping[str, Any], name: str) -> str:
    if not isinstance(value, Mapping):
        if value.ndim == 0:
            return f"np.{value.dtype.name}({value})"
    elif set(value) == set(params):
        texts = {_filled_text(value[name], w) for name, w in params.items()}
        if None in texts and all(np.array_equal(value[name], w) for name, w in params.items()):
            texts = {"w.copy()"}
        if len(texts) == 1 and None not in texts:
            return f"{{name: {texts.pop()} for name, w in params.items()}}"
        if not any(map(np.ptp, value.values())):
            return f"{{{', '.join(starmap(_entry_text, value.items()))}}}"
    raise ExportError(
        f"eject: {name} starts with other arrays than constants or copies, in {key!r}"
    )


def _filled_text(array: Any, w: Any) -> str | None:
    """Return how an array of one number is made, by the array that it belongs to."""
    if array.dtype != w.dtype or array.shape not in (w.shape, ()) or np.ptp(array):
        return None
    number = array.ravel()[0]
    if array.shape != w.shape:
        return f"w.dtype.type({number})"
    return "np.zeros_like(w)" if number == 0 else f"np.full_like(w, {number})"


def _entry_text(name: str, array: Any) -> str:
    return f'"{for_python(name)}": np.full({array.shape}, {array.flat[0]}, np.{array.dtype.name})'


def _step_by_step(optimizer: Any, params: Mapping[str, Any], name: str) -> Texts | None:
    """Return a step of one array, and the update made of it; None if arrays depend on others."""
    plain = isinstance(optimizer, Optimizer) and type(optimizer).update is Optimizer.update
    if not plain or optimizer.global_clipnorm is not None:
        return None
    programs = [_step(optimizer, *param) for param in params.items()]
    about = STEP.format(name)
    texts = [function_text(program, "step", about, spread=True) for program in programs]
    if len(set(texts)) > 1:
        return None
    slots = [key for key, kept in optimizer.init(params).items() if isinstance(kept, dict)]
    return [plainer(texts[0]), _loop_text(list(_used(programs[0])), slots, name)], programs[:1]


def _step(optimizer: Optimizer, name: str, w: Any) -> Program:
    """Record the update of one array."""
    memory = map_leaves(np.asarray, optimizer.init({name: w}))
    slots = [key for key, value in memory.items() if isinstance(value, dict)]
    given = {"w": w, "g": w, **{k: v[name] if k in slots else v for k, v in memory.items()}}

    def step(given: Any) -> Any:
        state = {k: {name: given[k]} if k in slots else given[k] for k in memory}
        new, state = optimizer.update({name: given["w"]}, {name: given["g"]}, state)
        return (new[name], *(state[slot][name] for slot in slots))

    program = _recorded(step, given)
    inputs = set(program.inputs)
    for key, leaf in zip(["w", *slots], program.result, strict=True):
        if isinstance(leaf, Variable) and leaf not in inputs:
            leaf.name = f"new_{key}"
    return program


def _used(program: Program) -> Iterator[str]:
    """Yield the names of the inputs that a program uses."""
    used = {v for equation in program.equations for v in equation.variables}
    used |= {v for _, v in leaves(program.result) if isinstance(v, Variable)}
    for (_, name), variable in leaves(program.arguments):
        if variable in used:
            yield str(name)


def _loop_text(inputs: list[str], slots: list[str], name: str) -> str:
    found = {"w": "w", "g": "gradients[name]"}
    for key in inputs:
        found.setdefault(key, f'memory["{key}"]' + ("[name]" if key in slots else ""))
    given = ", ".join(found[key] for key in inputs)
    if len(given) > 60:
        given = "".join(f"\n            {found[key]}," for key in inputs) + "\n        "
    changed = ", ".join(["new[name]", *(f'kept["{slot}"][name]' for slot in slots)])
    empty = ", ".join(f'"{slot}": {{}}' for slot in slots)
    return (
        f'def update(params, gradients, memory):\n    """{UPDATE.format(name)}"""\n'
        + (f"    new, kept = {{}}, {{{empty}}}\n" if slots else "    new = {}\n")
        + f"    for name, w in params.items():\n        {changed} = step({given})\n"
        + f"    return new, {{**memory, {'**kept, ' * bool(slots)}"
        + '"iteration": memory["iteration"] + 1}'
    )


def _at_once(optimizer: Any, params: Any, memory: Any, name: str) -> Texts:
    """Return the update of all arrays, line by line."""

    def update(given: Any) -> Any:
        return optimizer.update(given["params"], given["gradients"], given["memory"])

    program = _recorded(update, {"params": params, "gradients": params, "memory": memory})
    program.arguments = program.arguments["given"]
    text = function_text(program, "update", UPDATE.format(name))
    return [plainer(text)], [program]


def _recorded(f: Callable[..., Any], given: Any) -> Program:
    """Record a rule with the names that its own code has."""
    with names_from(os.path.dirname(optimizers.__file__), schedules.__file__):
        program = trace(f)(given)
    for equation in program.equations:
        if equation.output.name == "value":  # of a cast: it says nothing
            equation.output.name = None
    return program
