"""A model as a readable module that only needs NumPy.

The network, its loss and gradient, and the optimizer's rule are recorded and written as text. The
other parts come from templates.
"""

from __future__ import annotations

import io
import math
import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.base.escaping import for_python
from chainrule._src.base.validation import shape_text
from chainrule._src.core.equations import Variable
from chainrule._src.core.program import Program
from chainrule._src.core.transforms import value_and_grad
from chainrule._src.core.trees import leaves
from chainrule._src.data.preprocessing.calendar import Calendar
from chainrule._src.data.preprocessing.columns import OneHot, Picture
from chainrule._src.data.preprocessing.ranks import Ranks
from chainrule._src.data.preprocessing.steps import Step
from chainrule._src.data.preprocessing.words import Words
from chainrule._src.data.storage.files import check_writable, write_text, write_whole
from chainrule._src.export import ejected, templates
from chainrule._src.export.in_use import InUse
from chainrule._src.export.pieces import (
    WIDTH,
    assigned,
    described,
    quoted,
    section_text,
    target_text,
    text_of_parts,
    value_text,
    wrapped,
)
from chainrule._src.export.rules import plainer, rule_texts
from chainrule._src.nn.network.compiled import Compiled
from chainrule._src.nn.network.forward import Forward
from chainrule._src.nn.network.objective import Objective
from chainrule._src.nn.network.runs import example_data, outputs_of
from chainrule._src.text.helpers import bare_source, helpers_of, modules_of
from chainrule._src.text.text import function_text
from chainrule._src.trace.tracing import trace

LONGEST = 100  # columns of a line about a layer
ORDER = (
    "The network",
    "Functions used above",
    "Training",
    "From a table to the network",
    "What the outputs say",
    "The command line",
)
STEPS: dict[type, Any] = {
    OneHot: ejected.one_hot, Ranks: ejected.ranks, Picture: ejected.pixels,
    Calendar: ejected.times, Words: ejected.words,
}  # fmt: skip
USED = {ejected.words: (ejected.turned, ejected.hashed)}
READERS = {
    ejected.numbers: (ejected.number, ejected.understood, ejected.as_numbers),
    ejected.times: (ejected.time, ejected.understood, ejected.as_times),
}  # preprocessing function → functions that parse its texts; the last one calls the others
WRITTEN = {
    "with decimal points": False,
    "with decimal commas": True,
    "year first": "ymd",
    "day first": "dmy",
    "month first": "mdy",
    "hours and minutes": "",
}  # spelling of a column in the training data → the parser's argument


def eject(model: Compiled, path: str | os.PathLike[str]) -> None:
    """Write a model as a module and a file of weights; see `Sequential.eject`."""
    check_writable(path)
    module_path = Path(path)
    if module_path.suffix != ".py":
        raise DataError(f"eject: expected the name of a module, such as digits.py, received {path}")
    weights = module_path.with_suffix(".npz")
    check_writable(weights)
    text, arrays = _ModuleText(model, module_path.stem).text(), io.BytesIO()
    np.savez(arrays, **model.network.weights)
    write_whole(weights, [arrays.getvalue()])
    write_text(module_path, text)


CONSTRAIN = "            params = constrained(params)\n"


class _ModuleText:
    """Builds the text of a module, section by section."""

    def __init__(self, model: Compiled, name: str) -> None:
        self.model, self.name, self.network = model, name, model.network
        self.used = InUse(model, "eject")
        self.X, self.y = example_data(self.network, model.loss)
        self.takes_several = isinstance(self.X, tuple)
        self.trains, self.state = model.loss is not None, self.network.state
        self.helpers: list[Any] = []

    def text(self) -> str:
        """Return the text of the module."""
        sections = {
            "The network": self._network(),
            "Training": self._training() if self.trains else [],
            "From a table to the network": self._table(),
            "What the outputs say": self._meaning(),
            "The command line": self._command_line(),
        }
        sections["Functions used above"] = [bare_source(f) for f in dict.fromkeys(self.helpers)]
        body = "\n\n".join(
            f"# ---- {title} ".ljust(WIDTH, "-") + "\n\n" + "\n\n".join(map(section_text, parts))
            for title in ORDER
            if (parts := sections[title])
        )
        return "\n\n".join([self._docstring() + "\n\n" + self._head(), body, templates.END])

    # The head of the module

    def _docstring(self) -> str:
        lines = [f"{self.name}: a neural network in NumPy alone, written by chainrule.", ""]
        lines += [*self._layers(), "", *self._usage()]
        if self.trains:
            rule, loss = self.model.optimizer, self.model.loss
            lines += ["", *textwrap.wrap(f"Training minimises {loss!r} by {rule!r}.", WIDTH)]
        return "\n".join(['"""' + for_python(lines[0]), *map(for_python, lines[1:]), '"""'])

    def _layers(self) -> Iterator[str]:
        """Yield a line for each layer: its name, the shape of its output, its options."""
        # The layers of several inputs are among the others.
        rows = [] if self.takes_several else [("X", shape_text(self.network.first.input_shape), "")]
        for layer in self.network.layers:
            about = re.sub(rf"(, )?name='{layer.name}'", "", repr(layer))
            rows.append((layer.name, shape_text(layer.output_shape), about))
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for name, shape, about in rows:
            line = f"    {name:<{wide[0]}}  {shape:<{wide[1]}}  {about}".rstrip()
            yield line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."

    def _usage(self) -> list[str]:
        samples = "samples.npz" if self.takes_several else "samples.npy"
        data = "rows.csv" if self.used.steps else samples
        lines = [f"Its weights are in {self.name}.npz, beside this file. On the command line,", ""]
        lines += [
            f"    python {self.name}.py {data}",
            "",
            "prints a prediction for every row, as CSV.",
        ]
        if not self.name.isidentifier():
            return lines
        X, y = f"{self.name}.features(table)", f"{self.name}.targets(values)"
        X = X if self.used.steps else "X"
        y = y if self.used.steps and self._meaning() else "y"
        lines[-1] += " In Python,"
        lines += ["", f"    import {self.name}", "", f"    weights = {self.name}.load()"]
        lines += [f"    scores = {self.name}.predict(weights, {X})"]
        if self.trains:
            lines += [f"    weights, losses = {self.name}.train(weights, {X}, {y}, epochs=5)"]
        if self.used.steps:
            return [*lines, "", "where table holds the values of columns by their names."]
        where = f"where X holds {self._samples()}"
        where = f"{where}, and y {self._targets()}." if self.trains else f"{where}."
        return [*lines, "", *textwrap.wrap(where, WIDTH)]

    def _samples(self) -> str:
        """Describe the samples."""
        return described(self.X, self.used.inputs, ["samples"] * len(self.used.inputs))

    def _targets(self) -> str:
        """Describe the targets: class numbers or values."""
        kinds = [
            "class numbers" if loss is not None and loss.takes_labels else "targets"
            for _, loss in outputs_of(self.network, self.model.loss)
        ]
        return described(self.y, self.used.outputs, kinds)

    def _head(self) -> str:
        quoted = [*self.helpers, *self._readers, *map(_step_of, self.used.steps)]
        modules = {name for helper in quoted for name in modules_of(helper)}
        modules |= {"csv", "os", "sys"}  # of the command line
        imports = "".join(f"\nimport {name}" for name in sorted(modules))
        text = templates.HEAD.format(imports=imports)
        if self.used.label:
            text += assigned("CLASS_NAMES", self.used.classes)
        if self.trains and self.state:
            text += (
                "# Only these weights are trained; the others are kept up as training goes on.\n"
            )
            text += assigned("TRAINED", self.network.params)
        return text

    # Sections

    def _network(self) -> list[str]:
        about = f"Return the outputs, {shape_text(self.network.last.output_shape)}."
        if len(self.model.output_names) > 1:
            about = f"Return the outputs {', '.join(self.used.outputs)}."
        elif self.used.outputs[0] == "probabilities":
            about = about.replace("outputs", "probabilities")
        forward = self._text(Forward(self.network).program(self.X), "predict", about)
        return [templates.LOAD, forward, *([self._loss_text()] if self.trains else [])]

    def _text(self, program: Program, name: str, about: str, **options: Any) -> str:
        self.helpers += helpers_of(program)
        return plainer(function_text(program, name, about, **options))

    def _loss_text(self) -> str:
        objective = Objective(self.network, self.model.loss, [])
        if not self.state:
            program = trace(value_and_grad(objective.plain_loss()))(
                self.network.params, self.X, self.y
            )
            about = "Return the mean loss of samples, and its gradient by each weight."
        else:
            program = trace(_with_state(objective))(self.network.params, self.X, self.y, self.state)
            about = "Return the mean loss of samples, its gradient, and the new state."
            _name(program.result[2])
        value = program.result[0]
        return self._text(program, "value_and_gradients", about, value=value, value_name="loss")

    def _training(self) -> list[str]:
        texts, programs = rule_texts(self.model.optimizer, self.network.params)
        self.helpers += [helper for program in programs for helper in helpers_of(program)]
        params, constrain = self.network.params, ""
        if any(self.network.places[name].about.constraint for name in params):
            program = trace(self.network.constrained)(params)
            about = "Return the weights that are to be after an update."
            texts, constrain = [*texts, self._text(program, "constrained", about)], CONSTRAIN
        averaged = getattr(self.model.optimizer, "use_ema", False)
        trained = 'memory["ema"]' if averaged else "params"
        first = "X[0]" if self.takes_several else "X"
        loop = templates.TRAIN.format(
            about=wrapped(f"X holds {self._samples()}; y holds {self._targets()}.", "    "),
            as_X=text_of_parts("X", self.X, lambda part, x: f"np.asarray({part}, np.{x.dtype})"),
            as_y=text_of_parts("y", self.y, target_text),
            count=f"len({first})",
            X_rows=text_of_parts("X", self.X, lambda part, _: f"{part}[rows]"),
            y_rows=text_of_parts("y", self.y, lambda part, _: f"{part}[rows]"),
            constrain=constrain,
            parts=templates.PARTS if self.state else templates.NO_PARTS,
            state=", state" if self.state else "",
            trained=f"{{**{trained}, **state}}" if self.state else trained,
        )
        return [*texts, loop]

    def _table(self) -> list[str]:
        if not self.used.steps:
            return []
        lines, functions = "", {}
        for step in self.used.steps:
            function = _step_of(step)
            for each in (*USED.get(function, ()), function):
                functions[each] = bare_source(each)
            options = "".join(
                f"        {quoted(key)}: {value_text(value, 8)},\n"
                for key, value in _options(step).items()
            )
            lines += f"    {quoted(step.name)}: ({function.__name__}, {{\n{options}    }}),\n"
        return [
            *functions.values(),
            f"COLUMNS = {{\n{lines}}}\n",
            templates.FEATURES.format(dtype=self.model.dtype),
        ]

    def _meaning(self) -> list[str]:
        """Return the functions that turn scores into labels or quantities."""
        target = self.used.quantity
        if target is not None:
            constants = templates.SCALE.format(
                name=quoted(target.name), mean=target.mean, scale=target.scale
            )
            if not target.interval:
                return [constants, templates.SCALED, templates.QUANTITIES]
            constants += templates.WIDENING.format(
                widening=target.widening, interval=target.interval
            )
            return [constants, templates.SCALED, templates.INTERVALS]
        if self.used.label is None:
            return []
        which = "np.argmax(scores, axis=1)"
        if self.network.last.output_shape[-1] == 1:
            which = f"(scores.reshape(-1) > {self.used.least:g}).astype(int)"
        elif self.used.threshold != 0.5:
            which = f"(scores[:, 1] > {self.used.threshold!r}).astype(int)"
        labels = templates.LABELS.format(which=which)
        return [labels, self._codes()] if self.used.steps else [labels]

    def _codes(self) -> str:
        """Return the function that turns class names into targets."""
        is_number = self.model.preprocessor.target.kind == "number"
        one_hot = self.y.ndim > 1 and self.y.shape[-1] > 1
        codes = "np.eye(len(CLASS_NAMES))" if one_hot else "np.arange(len(CLASS_NAMES))"
        return templates.CODES.format(
            codes=codes, key="str(int(value))" if is_number else "str(value)"
        )

    def _command_line(self) -> list[str]:
        about, reading = self._reading()
        names, rows = self._show()
        main = templates.MAIN.format(help=about, read=reading, names=names, rows=rows)
        read = {of.__name__: READERS[of][-1].__name__ for of in self._read}
        by_step = ", ".join(f"{step}: {reader}" for step, reader in read.items())
        lines = [f"    {quoted(name)}: {value_text(way, 4)},\n" for name, way in self._written()]
        spellings = f"\n{''.join(lines)}" if lines else ""
        readers = (
            [templates.READERS.format(by_step=by_step, known=spellings)] if self.used.steps else []
        )
        return [*map(bare_source, self._readers), *readers, main]

    def _written(self) -> Iterator[tuple[str, Any]]:
        """Yield the columns that were texts in training, with the parser's argument."""
        for column in self.model.preprocessor.columns if self.used.steps else ():
            if column.written is not None and column.written.reading in WRITTEN:
                yield column.name, WRITTEN[column.written.reading]

    @property
    def _read(self) -> list[Any]:
        """The preprocessing functions in use whose columns need a parser of texts."""
        return [of for of in READERS if of in map(_step_of, self.used.steps)]

    @property
    def _readers(self) -> list[Any]:
        """The functions that read files."""
        if self.takes_several:
            return [ejected.read_arrays]
        if not self.used.steps:
            return [ejected.read_numbers]
        functions = dict.fromkeys(function for of in self._read for function in READERS[of])
        return [*functions, ejected.read_table]

    def _reading(self) -> tuple[str, str]:
        """Return the help for the file of samples, and the code for reading."""
        if self.used.steps:
            return templates.TABLES, "features(read_table(options.data, READERS))"
        if self.takes_several:
            dtypes = ", ".join(
                f"{quoted(name)}: np.{x.dtype}"
                for name, x in zip(self.used.inputs, self.X, strict=True)
            )
            names = ", ".join(map(for_python, self.used.inputs))
            return f".npz with the arrays {names}", f"read_arrays(options.data, {{{dtypes}}})"
        sizes = ", ".join(map(str, self.X.shape[1:]))
        reading = f"read_numbers(options.data).reshape(-1, {sizes}).astype(np.{self.X.dtype})"
        return ".npy or .csv of numbers, a sample a row", reading

    def _show(self) -> tuple[str, str]:
        """Return code for the names of the printed columns, and code for the rows."""
        if self.used.quantity is not None:
            if self.used.quantity.interval:
                return '["prediction", "low", "high"]', "quantities(scores)"
            return '["prediction"]', "zip(quantities(scores))"
        shapes = [shape for shape, _ in outputs_of(self.network, self.model.loss)]
        if len(shapes) > 1:
            columns = [
                quoted(f"{name} {i}")
                for name, shape in zip(self.used.outputs, shapes, strict=True)
                for i in range(math.prod(size or 1 for size in shape[1:]))
            ]
            by_name = isinstance(self.network.stack.output_shape, Mapping)
            parts = "scores.values()" if by_name else "scores"
            rows = f"np.hstack([part.reshape(len(part), -1) for part in {parts}])"
            return f"[{', '.join(columns)}]", rows
        if self.used.label is None:
            sizes = self.network.last.output_shape[1:]
            names = f'[f"output {{i}}" for i in range({math.prod(size or 1 for size in sizes)})]'
            return names, "scores.reshape(len(scores), -1)"
        what = "probability of" if self.used.outputs[0] == "probabilities" else "output for"
        is_one = self.network.last.output_shape[-1] == 1
        class_list = "CLASS_NAMES[1:]" if is_one else "CLASS_NAMES"
        names = f'["prediction", *(f"{what} {{name}}" for name in {class_list})]'
        return names, "([name, *row] for name, row in zip(labels(scores), scores, strict=True))"


def _with_state(objective: Objective) -> Any:
    """Return a function of a loss's value, gradient and new state."""

    def value_and_gradients(params: Any, X: Any, y: Any, state: Any) -> Any:
        def loss(params: Any) -> Any:
            return objective.value(params, state, True, X, y)

        (value, (new, *_)), gradients = value_and_grad(loss, has_aux=True)(params)
        return value, gradients, new

    return value_and_gradients


def _name(state: Any) -> None:
    """Give the new values of a state names that begin with ``new_``."""
    for path, leaf in leaves(state):
        if isinstance(leaf, Variable) and leaf.name is None:
            leaf.name = f"new_{path[-1]}"


def _step_of(step: Step) -> Any:
    return STEPS.get(type(step), ejected.numbers)


def _options(step: Step) -> dict[str, Any]:
    """Return the options of a preprocessing step by name."""
    if isinstance(step, Words):
        return {"width": step.words}
    if isinstance(step, Ranks):
        scores = dict(zip(step.categories, step.scores, strict=True))
        return {"scores": scores, "marked": step.missing > 0}
    if isinstance(step, OneHot):
        marks = {"other": step.other > 0, "missing": step.missing > 0}
        return {"categories": step.categories, **marks}
    scale = {"mean": step.mean, "scale": step.scale}
    if isinstance(step, Picture):
        return scale
    parts = {"parts": step.parts} if isinstance(step, Calendar) else {}
    return {**scale, **parts, "marked": step.missing > 0}
