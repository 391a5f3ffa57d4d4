"""An optimizer as readable NumPy: its state, and its update rule."""

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

    If the rule is the same for all arrays, it is written once, as ``step``. The second result are
    the programs of the texts, which list the helpers that are called.

    Raises
    ------
    ExportError
        If the optimizer's initial state is neither constants nor copies of weights.
    """
    name = type(optimizer).__name__
    memory = map_leaves(np.asarray, optimizer.init(params))
    texts, programs = _step_by_step(optimizer, params, name) or _at_once(
        optimizer, params, memory, name
    )
    return [_start_text(memory, params, name), *texts], programs


def plainer(text: str) -> str:
    """Shorten floats: 0.09999999999999998 becomes 0.1; comments keep their columns."""
    return "\n".join(map(_plain_line, text.splitlines()))


def _plain_line(line: str) -> str:
    def shorter(match: re.Match[str]) -> str:
        short = f"{float(match[0]):.12g}"
        return short if len(short) < 10 else match[0]

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
    """Return code for a constant array in terms of its weight ``w``, else None."""
    if array.dtype != w.dtype or array.shape not in (w.shape, ()) or np.ptp(array):
        return None
    number = array.ravel()[0]
    if array.shape != w.shape:
        return f"w.dtype.type({number})"
    return "np.zeros_like(w)" if number == 0 else f"np.full_like(w, {number})"


def _entry_text(name: str, array: Any) -> str:
    return f'"{for_python(name)}": np.full({array.shape}, {array.flat[0]}, np.{array.dtype.name})'


def _step_by_step(optimizer: Any, params: Mapping[str, Any], name: str) -> Texts | None:
    """Return the texts of a step of one array and of the update that calls it for all arrays.

    None if the update of an array depends on other arrays.
    """
    plain = isinstance(optimizer, Optimizer) and type(optimizer).update is Optimizer.update
    if not plain or optimizer.global_clipnorm is not None:
        return None
    programs = [_step(optimizer, *param) for param in params.items()]
    about = STEP.format(name)
    texts = [function_text(program, "step", about, spread=True) for program in programs]
    if len(set(texts)) > 1:
        return None
    slots = [key for key, state in optimizer.init(params).items() if isinstance(state, dict)]
    return [plainer(texts[0]), _loop_text(list(_used(programs[0])), slots, name)], programs[:1]


def _step(optimizer: Optimizer, name: str, w: Any) -> Program:
    """Record the update of one array."""
    memory = map_leaves(np.asarray, optimizer.init({name: w}))
    slots = [key for key, value in memory.items() if isinstance(value, dict)]
    inputs = {"w": w, "g": w, **{k: v[name] if k in slots else v for k, v in memory.items()}}

    def step(inputs: Any) -> Any:
        state = {k: {name: inputs[k]} if k in slots else inputs[k] for k in memory}
        new, state = optimizer.update({name: inputs["w"]}, {name: inputs["g"]}, state)
        return (new[name], *(state[slot][name] for slot in slots))

    program = _recorded(step, inputs)
    variables = set(program.inputs)
    for key, leaf in zip(["w", *slots], program.result, strict=True):
        if isinstance(leaf, Variable) and leaf not in variables:
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
    sources = {"w": "w", "g": "gradients[name]"}
    for key in inputs:
        sources.setdefault(key, f'memory["{key}"]' + ("[name]" if key in slots else ""))
    arguments = ", ".join(sources[key] for key in inputs)
    if len(arguments) > 60:
        arguments = "".join(f"\n            {sources[key]}," for key in inputs) + "\n        "
    changed = ", ".join(["new[name]", *(f'kept["{slot}"][name]' for slot in slots)])
    empty = ", ".join(f'"{slot}": {{}}' for slot in slots)
    return (
        f'def update(params, gradients, memory):\n    """{UPDATE.format(name)}"""\n'
        + (f"    new, kept = {{}}, {{{empty}}}\n" if slots else "    new = {}\n")
        + f"    for name, w in params.items():\n        {changed} = step({arguments})\n"
        + f"    return new, {{**memory, {'**kept, ' * bool(slots)}"
        + '"iteration": memory["iteration"] + 1}'
    )


def _at_once(optimizer: Any, params: Any, memory: Any, name: str) -> Texts:
    """Return the text of an update of all arrays at once."""

    def update(inputs: Any) -> Any:
        return optimizer.update(inputs["params"], inputs["gradients"], inputs["memory"])

    program = _recorded(update, {"params": params, "gradients": params, "memory": memory})
    program.arguments = program.arguments["inputs"]
    text = function_text(program, "update", UPDATE.format(name))
    return [plainer(text)], [program]


def _recorded(f: Callable[..., Any], argument: Any) -> Program:
    """Record a rule with the variable names of the optimizer's own code."""
    with names_from(os.path.dirname(optimizers.__file__), schedules.__file__):
        program = trace(f)(argument)
    for equation in program.equations:
        if equation.output.name == "value":  # a cast's variable, whose name is meaningless
            equation.output.name = None
    return program
