"""Every public name has a page in the reference, and every error a row in its table."""

import importlib
import inspect
import pkgutil
import tomllib
import typing
from pathlib import Path

import chainrule
import chainrule.errors

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
GROUPS = tomllib.loads((REFERENCE / "groups.toml").read_text(encoding="utf-8"))
INHERITED = GROUPS.pop("inherited")
CALLED = ("fit", "train", "compile", "evaluate", "predict", "predict_proba", "partial_fit")
# The façade repeats modules of `chainrule` under Keras's names, and refuses others by name.
REPEATED = ("chainrule.keras", "chainrule.__main__")


def described(module):
    """Return the public functions and classes of a module."""
    names = getattr(module, "__all__", ())
    values = {name: getattr(module, name) for name in names}
    return {n for n, v in values.items() if callable(v) and typing.get_origin(v) is None}


def test_every_public_name_is_in_the_reference():
    listed = {name for group in GROUPS.values() for name in group.get("names", ())}
    shown = {
        f"chainrule.{module}" for group in GROUPS.values() for module in group.get("modules", ())
    }
    walked = [module.name for module in pkgutil.walk_packages(chainrule.__path__, "chainrule.")]
    public = {name for name in walked if "._" not in name and not name.startswith(REPEATED)}
    modules = {name for name in public if described(importlib.import_module(name))}
    assert modules <= shown
    elsewhere = {name for module in shown for name in described(importlib.import_module(module))}
    assert described(chainrule) <= listed | elsewhere


def test_the_page_of_a_class_describes_what_one_calls():
    modules = [module for group in GROUPS.values() for module in group.get("modules", ())]
    values = [v for m in modules for v in vars(importlib.import_module(f"chainrule.{m}")).values()]
    missing = {
        f"{value.__name__}.{name}"
        for value in [chainrule.Sequential, *filter(inspect.isclass, values)]
        for name in CALLED
        if name not in vars(value)
        and getattr(getattr(value, name, None), "__module__", "").startswith("chainrule.")
        and name not in INHERITED.get(value.__name__, ())
    }
    assert missing == set()


def test_every_error_is_in_the_table():
    table = (REFERENCE / "errors.md").read_text(encoding="utf-8")
    errors = [v for v in vars(chainrule.errors).values() if inspect.isclass(v)]
    names = {e.__name__ for e in errors if issubclass(e, Exception)} - {"ChainruleError"}
    assert names == {name for name in names if f"| `{name}` |" in table}
