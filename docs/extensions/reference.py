"""The pages of the reference: every public name, grouped by task, from `reference.toml`."""

import importlib
import tomllib
import typing
from pathlib import Path

from sphinx.application import Sphinx

from extensions.digests import write_changed


def pages(source: Path) -> dict[str, str]:
    """Return the text of each page of the reference, by its name."""
    groups = tomllib.loads((source / "reference" / "groups.toml").read_text(encoding="utf-8"))
    return {name: _page(**group) for name, group in groups.items()}


def _page(
    title: str, intro: str, modules: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> str:
    parts = [f"# {title}", intro]
    if names:
        parts.append(_summary("chainrule", names))
    for module in modules:
        public = importlib.import_module(f"chainrule.{module}").__all__
        described = [name for name in public if _has_page(module, name)]
        parts += [f"## `chainrule.{module}`", _summary(f"chainrule.{module}", described)]
    return "\n\n".join(parts) + "\n"


def _has_page(module: str, name: str) -> bool:
    value = getattr(importlib.import_module(f"chainrule.{module}"), name)
    return callable(value) and typing.get_origin(value) is None


def _summary(module: str, names: object) -> str:
    return (
        f"```{{eval-rst}}\n.. currentmodule:: {module}\n\n.. autosummary::\n   :toctree: generated\n\n"
        + "".join(f"   {name}\n" for name in names)
        + "```"
    )


def _write(app: Sphinx, _config: object) -> None:
    source = Path(app.srcdir)
    for name, text in pages(source).items():
        write_changed(source / "reference" / f"{name}.md", text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
