"""The console: control characters in printed data are escaped, so they have no effect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from chainrule._src.base.escaping import for_terminal


class Terminal(Console):
    """Console that prints control characters, which names may contain, as escapes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, **options})

    def render_str(self, text: str, **how: Any) -> Text:
        """Return text with its markup; strings in tables are rendered by this, too."""
        return super().render_str(for_terminal(text), **how)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments to print, also those of progress bars and other renderables."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(for_terminal(part.text), part.style)
