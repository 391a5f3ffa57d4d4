"""The stub of `chainrule` that a submission imports: checks do nothing, answers are missing."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NoReturn

TEACHING = "chainrule._src.teach"
REASON = "answers cannot be imported: chainrule has them, the exercise is to write them"


class _Checks:
    """The module `check` for submissions: every check exists and does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


class _Front(ModuleType):
    """The package `chainrule` for submissions, which has the checks and the data only."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(f"chainrule.{name}: {REASON}")


class _Refusal(importlib.abc.MetaPathFinder):
    """A finder that raises an ImportError with the reason for every module of some packages."""

    def __init__(self, *packages: str) -> None:
        self._packages = packages

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if _belongs(name, self._packages):
            raise ImportError(f"{name}: {REASON}")
        return None


def install(kind: str) -> None:
    """Replace the package, or that of teaching alone; its modules can no longer be imported."""
    from chainrule._src.data import datasets as data

    packages = ("chainrule",) if kind == "bare" else (TEACHING, "chainrule.lab")
    for name in [name for name in sys.modules if _belongs(name, packages)]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Refusal(*packages))
    if kind == "library":
        teaching: Any = ModuleType(TEACHING, "The checks, which do nothing here.")
        teaching.check = _Checks()
        sys.modules[TEACHING] = teaching
        return
    front: Any = _Front("chainrule", "What of chainrule an exercise may use.")
    front.__path__ = []
    front.check, front.data, front.load_digits = _Checks(), data, data.load_digits
    sys.modules |= {"chainrule": front, "chainrule.data": data}


def _belongs(name: str, packages: Sequence[str]) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)
