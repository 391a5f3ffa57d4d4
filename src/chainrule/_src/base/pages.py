"""Pages that need nothing else: one HTML file from a template, escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chainrule._src.base.extras import needs

PAGES = "writing a page", "tables", "jinja2"  # what it needs
SHARED = Path(__file__).with_name("templates")  # what templates may include


def page(
    template: Path, filters: Mapping[str, Callable[..., Any]] | None = None, /, **values: Any
) -> str:
    """Return a page; whatever values say on it is text, unless it is `Html`.

    Parameters
    ----------
    template : Path
        Of Jinja's language.
    filters : dict of str to callable, optional
        More of its filters.
    **values
        By the names that it uses; one that is missing is an error.
    """
    with needs(*PAGES):
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([template.parent, SHARED]), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= filters or {}
    return environment.get_template(template.name).render(**values)
