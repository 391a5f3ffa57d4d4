"""The lab's sections in order: their modules and their texts."""

from __future__ import annotations

import inspect
from types import ModuleType

from chainrule._src.base.interrupts import load
from chainrule._src.base.registry import provides
from chainrule._src.base.validation import lookup

# Name → module, in the order of the lab. A new section is a module with a `run(lab)` that returns
# a `Result`, whose docstring is the section's title and introduction, and a line here.
SECTIONS: dict[str, str] = {
    "data": "chainrule._src.teach.lab.data",
    "softmax-regression": "chainrule._src.teach.lab.softmax_regression",
    "hidden-layer": "chainrule._src.teach.lab.hidden_layer",
    "worst-predictions": "chainrule._src.teach.lab.worst_predictions",
    "hyperparameters": "chainrule._src.teach.lab.hyperparameters",
    "mini-batches": "chainrule._src.teach.lab.mini_batches",
    "momentum": "chainrule._src.teach.lab.momentum",
    "keras": "chainrule._src.teach.lab.keras_network",
    "overfitting": "chainrule._src.teach.lab.overfitting",
    "reverse-mode": "chainrule._src.teach.lab.reverse_mode",
    "gradient-source": "chainrule._src.teach.lab.gradient_source",
    "compiled": "chainrule._src.teach.lab.compiled",
    "framework": "chainrule._src.teach.lab.minimal_framework",
}

SLOW_SECTIONS = {
    "keras": "importing Keras takes longer than all the rest of a quick run (--only keras runs it)"
}
"""What a quick run leaves out unless it is asked for by name, and why."""


@provides("lab section")
def section_module(name: str) -> ModuleType:
    """Return the module of a section, or an error that lists the sections."""
    module: ModuleType = load(lookup("section", name, SECTIONS))
    return module


def section_text(name: str) -> tuple[str, list[str]]:
    """Return a section's title and the paragraphs of its introduction."""
    title, *paragraphs = (inspect.getdoc(section_module(name)) or name).split("\n\n")
    return title.rstrip("."), paragraphs
