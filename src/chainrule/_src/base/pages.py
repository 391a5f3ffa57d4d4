"""Self-contained HTML pages: one file from a template, with all text escaped."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chainrule._src.base.escaping import Html
from chainrule._src.base.extras import needs

PAGES = "writing a page", "tables", "jinja2"  # what it needs
SHARED = Path(__file__).with_name("templates")  # folder of templates that others may include


def page(
    template: Path, filters: Mapping[str, Callable[..., Any]] | None = None, /, **values: Any
) -> str:
    """Return the HTML of a page. Values are escaped, unless they are `Html`.

    Parameters
    ----------
    template : Path
        A Jinja template.
    filters : dict of str to callable, optional
        Additional filters for the template.
    **values
        The template's variables; a missing one is an error.
    """
    with needs(*PAGES):
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([template.parent, SHARED]), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= filters or {}
    return environment.get_template(template.name).render(**values)


class HashedText(Html):
    """A style or a script of this package for a page; `hash` allows it in the page's policy."""

    __slots__ = ()

    @property
    def hash(self) -> str:
        """The source expression of a Content Security Policy."""
        return f"sha256-{base64.b64encode(hashlib.sha256(self.encode()).digest()).decode()}"


def packed(content: bytes) -> str:
    """Compress bytes with Deflate, and encode them in base64 for a page or a module."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(packer.compress(content) + packer.flush()).decode()
