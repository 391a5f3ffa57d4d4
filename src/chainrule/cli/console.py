"""The consoles of the verbs: a terminal acts on nothing that data hold."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from chainrule.errors import printable


class Terminal(Console):
    """Prints text of any origin: control characters, which names may hold, as escapes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, **options)

    def render_str(self, text: str, **how: Any) -> Text:
        """Return text with its markup, as every string goes, those in tables too."""
        return super().render_str(printable(text), **how)
