"""Where lines for people are printed: a terminal acts on nothing that data hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from chainrule._src.base.escaping import for_terminal


class Terminal(Console):
    """Prints text of any origin: control characters, which names may hold, as escapes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, **options})

    def render_str(self, text: str, **how: Any) -> Text:
        """Return text with its markup, as strings go, those in tables too."""
        return super().render_str(for_terminal(text), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is written, of bars and other things made of text as well."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(for_terminal(part.text), part.style)
