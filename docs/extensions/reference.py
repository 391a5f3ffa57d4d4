"""The pages of the reference: every public name, grouped by task, from `groups.toml`."""

import importlib
import inspect
import re
import tomllib
import typing
from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.inspect import stringify_signature

from extensions.digests import write_changed

_NAME = """{name}
{line}

.. currentmodule:: {module}

.. auto{kind}:: {name}
{options}
.. minigallery:: chainrule.{name}
   :add-heading: In the gallery
"""
_OF_CLASS = "   :members: {members}\n   :show-inheritance:\n"
_BACK = re.compile(
    r'(generated/(chainrule\.(?:\w+\.)*)(\w+)\.html#)chainrule\.(?:\w+\.)*?(\3(?:\.\w+)*)"'
)


def pages(folder: Path) -> dict[str, str]:
    """Return the text of each file of the reference, by its path."""
    groups = tomllib.loads((folder / "groups.toml").read_text(encoding="utf-8"))
    inherited = groups.pop("inherited")
    modules = [module for group in groups.values() for module in group.get("modules", ())]
    homes = _homes(modules)
    of_groups = {f"{name}.md": _page(homes, **group) for name, group in groups.items()}
    direct = [("", name) for group in groups.values() for name in group.get("names", ())]
    of_names = {
        f"generated/{'.'.join(filter(None, ('chainrule', *home)))}.rst": _page_of_name(
            *home, inherited.get(home[1], ())
        )
        for home in [*direct, *homes.values()]
    }
    return of_groups | of_names


def _homes(modules: Iterable[str]) -> dict[int, tuple[str, str]]:
    """Return the module and the name under which each object is described, by its id.

    Of several it is the module that the source is named after, and the name that the object has.
    """
    homes, suits = {}, {}
    for module in modules:
        for name in _described(module):
            value = _value(module, name)
            suit = module in value.__module__.split("."), name == getattr(value, "__name__", None)
            if suit > suits.get(id(value), ()):
                homes[id(value)], suits[id(value)] = (module, name), suit
    return homes


def _page(
    homes: dict[int, tuple[str, str]],
    title: str,
    intro: str,
    modules: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
) -> str:
    parts = [f"# {title}", intro]
    if names:
        parts.append(_summary("chainrule", names))
    for module in modules:
        placed = {name: homes[id(_value(module, name))] for name in _described(module)}
        own = [name for name, home in placed.items() if home == (module, name)]
        parts += [f"## `chainrule.{module}`", _summary(f"chainrule.{module}", own)]
        others = [
            f"[`{name}`](#chainrule.{'.'.join(home)})"
            for name, home in placed.items()
            if home != (module, name)
        ]
        if others:
            parts.append(f"Also here: {', '.join(others)}.")
    return "\n\n".join(parts) + "\n"


def _page_of_name(module: str, name: str, inherited: Iterable[str]) -> str:
    value = _value(module, name)
    of_class = inspect.isclass(value)
    kind = "exception" if of_class and issubclass(value, BaseException) else "class"
    return _NAME.format(
        name=name,
        line="=" * len(name),
        module=f"chainrule.{module}".rstrip("."),
        kind=kind if of_class else "function",
        options=_OF_CLASS.format(members=_members(value, inherited))
        if kind == "class" and of_class
        else "",
    )


def _members(value: type, inherited: Iterable[str]) -> str:
    """Return the members that a page describes besides the class's own; "" for those alone."""
    own = [name for name, each in vars(value).items() if name[0] != "_" and inspect.getdoc(each)]
    return ", ".join([*own, *inherited]) if inherited else ""


def _described(module: str) -> list[str]:
    public = importlib.import_module(f"chainrule.{module}").__all__
    return [name for name in public if _has_page(_value(module, name))]


def _value(module: str, name: str) -> object:
    return getattr(importlib.import_module(f"chainrule.{module}".rstrip(".")), name)


def _has_page(value: object) -> bool:
    return callable(value) and typing.get_origin(value) is None


def _summary(module: str, names: Iterable[str]) -> str:
    listed = "".join(f"   {name}\n" for name in names)
    return (
        f"```{{eval-rst}}\n.. currentmodule:: {module}\n\n"
        f".. autosummary::\n   :toctree: generated\n\n{listed}```"
    )


def _write(app: Sphinx, _config: object) -> None:
    folder = Path(app.srcdir) / "reference"
    (folder / "generated").mkdir(exist_ok=True)
    texts = pages(folder)
    for name, text in texts.items():
        write_changed(folder / name, text)
    for path in (folder / "generated").iterdir():
        if f"generated/{path.name}" not in texts:
            path.unlink()


def _signature_of(
    _app: Sphinx, kind: str, _name: str, value: object, _options: object, text: str, _returns: str
) -> tuple[str, None] | None:
    """Give classes whose `__new__` takes anything the arguments of their `__init__`."""
    if kind != "class" or text != "(*args, **kwargs)":
        return None
    arguments = stringify_signature(inspect.signature(value), show_annotation=False)
    return arguments.partition(" -> ")[0], None


def _source_of(_app: Sphinx, module: str, name: str) -> str | None:
    """Give pages of source to code of this library alone, and not to what it inherits."""
    value = importlib.import_module(module)
    for part in name.split("."):
        value = getattr(value, part, None)
    home = getattr(value, "__module__", None) or module
    return None if home.startswith("chainrule") else module


def _link_back(_app: Sphinx, page: str, _template: str, context: dict, _doctree: object) -> None:
    """Lead from code to the name that its page describes: viewcode takes any public name."""
    if page.startswith("_modules/"):
        context["body"] = _BACK.sub(r'\1\2\4"', context["body"])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", _write)
    app.connect("autodoc-process-signature", _signature_of)
    app.connect("viewcode-follow-imported", _source_of)
    app.connect("html-page-context", _link_back)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
