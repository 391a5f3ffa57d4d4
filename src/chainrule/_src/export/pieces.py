"""Short texts of Python from which an ejected module is put together."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from chainrule._src.base.escaping import for_python
from chainrule._src.base.validation import shape_text

WIDTH = 88  # columns of a line


def wrapped(text: str, indent: str) -> str:
    """Return a text in lines of `WIDTH` columns that begin with ``indent``."""
    lines = textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
    return "\n".join(lines)


def described(data: Any, names: Sequence[str], kinds: Sequence[str]) -> str:
    """Describe an array, or a tuple of arrays with names: kind and shape of each."""
    if not isinstance(data, tuple):
        return f"{kinds[0]}, shape {shape_text((None, *data.shape[1:]))}"
    texts = map(described, data, names, ([kind] for kind in kinds))
    return f"a tuple of {'; '.join(map(': '.join, zip(names, texts, strict=True)))}"


def text_of_parts(name: str, data: Any, text_of: Callable[[str, Any], str]) -> str:
    """Return the code of an array, or of a tuple of them, whose parts ``text_of`` writes."""
    if not isinstance(data, tuple):
        return text_of(name, data)
    return f"({', '.join(text_of(f'{name}[{i}]', part) for i, part in enumerate(data))})"


def target_text(part: str, target: Any) -> str:
    """Return the code of a target in its dtype and shape."""
    sizes = "".join(f", {size}" for size in target.shape[1:])
    return f"np.asarray({part}, np.{target.dtype}).reshape(-1{sizes})"


def quoted(text: str) -> str:
    """Return the code of a text."""
    return f'"{for_python(text)}"'


def assigned(name: str, texts: Iterable[str]) -> str:
    """Return the assignment of a tuple of texts."""
    return f"{name} = {value_text(tuple(texts), 0)}\n"


def value_text(value: Any, indent: int) -> str:
    """Return the code of a number or of a tuple of texts, wrapped to `WIDTH` columns."""
    if not isinstance(value, tuple):
        return repr(value)
    texts = list(map(quoted, value))
    line = f"({', '.join(texts)}{',' * (len(texts) == 1)})"
    if len(line) <= WIDTH - 2 * indent - 12:
        return line
    rows = [""]
    for text in texts:
        if len(rows[-1]) + len(text) > WIDTH - indent - 4:
            rows.append("")
        rows[-1] += f" {text}," if rows[-1] else f"{text},"
    inner = "".join(f"{' ' * (indent + 4)}{row}\n" for row in rows)
    return f"(\n{inner}{' ' * indent})"


def section_text(part: str) -> str:
    """Return a part of a section with one line break at its end."""
    return part.strip("\n") + "\n"
