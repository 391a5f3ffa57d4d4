"""The `chainrule` that a submission finds: its checks do nothing, answers are not in it."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NoReturn

REASON = "answers cannot be imported: chainrule has them, the exercise is to write them"


class _Checks:
    """`check` in a submission: every check is there and does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


class _Front(ModuleType):
    """The package: the checks and the data."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(f"chainrule.{name}: {REASON}")


class _Refusal(importlib.abc.MetaPathFinder):
    """Finds nothing below chainrule, and says why."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.split(".")[0] == "chainrule":
            raise ImportError(f"{name}: {REASON}")
        return None


def install() -> None:
    """Put the stub in the place of the package; its modules are no longer found by name."""
    from chainrule._src.data import datasets as data

    for name in [name for name in sys.modules if name.split(".")[0] == "chainrule"]:
        del sys.modules[name]
    front: Any = _Front("chainrule", "What of chainrule an exercise may use.")
    front.__path__ = []
    front.check, front.data, front.load_digits = _Checks(), data, data.load_digits
    sys.modules |= {"chainrule": front, "chainrule.data": data}
    sys.meta_path.insert(0, _Refusal())
