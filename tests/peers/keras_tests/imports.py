"""Test files of Keras's, executed with an import that gives chainrule's classes."""

import builtins
import contextlib
import importlib
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from unittest import mock

HERE = Path(__file__).parent
DOORS = ("keras", "keras.src")
# What Keras gives at its door as well, and from which room it comes.
AT_THE_DOOR = {"Sequential": "models", "Model": "models", "Input": "layers", "Layer": "layers"}


class Missing:
    """A name that chainrule does not have: it may be imported, but not used."""

    def __init__(self, name):
        self._name = name

    def __call__(self, *args, **kwargs):
        raise NotImplementedError(f"chainrule has no {self._name}")

    def __getattr__(self, name):
        raise AttributeError(f"chainrule has no {self._name}")


class Room:
    """A module of Keras's, and the modules within it, whose names are chainrule's.

    ``scaffolding`` are names that remain Keras's, or True if all others do.
    """

    def __init__(self, name, names, scaffolding=()):
        self.__name__ = f"keras.src.{name}"
        self._names, self._scaffolding = names, scaffolding

    def __getattr__(self, name):
        if name in self._names:
            return self._names[name]
        if self._scaffolding is True or name in self._scaffolding:
            return real(self.__name__, name)
        if _is_module(f"{self.__name__}.{name}"):
            return self
        return Missing(f"{self.__name__}.{name}")


class Door:
    """`keras` or `keras.src`: to the rooms that are there, and to real Keras."""

    def __init__(self, name):
        self.__name__ = name

    def __getattr__(self, name):
        if name == "src":
            return Door("keras.src")
        if AT_THE_DOOR.get(name) in rooms():
            return getattr(rooms()[AT_THE_DOOR[name]], name)
        return rooms().get(name) or real(self.__name__, name)


class _Conftest:
    """What Keras's test files import from their `conftest`, which is not installed."""

    @staticmethod
    def skip_if_backend(*_):
        return lambda test: test


def real(module, name):
    """Return what Keras itself has: a module is imported only where no name stands for it."""
    within = importlib.import_module(module)
    if not hasattr(within, name) and _is_module(f"{module}.{name}"):
        return importlib.import_module(f"{module}.{name}")
    return getattr(within, name)


@cache
def rooms():
    """Return the rooms that chainrule fills, by name."""
    return {name: module.room for name, module in _fillings().items()}


@contextlib.contextmanager
def patched():
    """Let chainrule's classes be called as Keras's are."""
    with contextlib.ExitStack() as stack:
        for module in _fillings().values():
            for cls, attributes in getattr(module, "PATCHES", {}).items():
                for name, value in attributes.items():
                    stack.enter_context(mock.patch.object(cls, name, value, create=True))
        yield


@cache
def _fillings():
    names = [path.stem for path in HERE.glob("rooms/*.py") if path.stem != "__init__"]
    return {name: importlib.import_module(f"{__package__}.rooms.{name}") for name in names}


def redirected(name, globals=None, locals=None, fromlist=(), level=0):  # noqa: A002
    """Import as a test file does."""
    parts = name.split(".")
    if parts[0] != "keras":
        return _as_written(name, globals, locals, fromlist, level)
    if parts[-1].endswith("_test"):
        return load(name)
    if not fromlist:
        return Door("keras")
    if name in DOORS:
        return Door(name)
    room, *within = parts[2:] if name.startswith("keras.src.") else parts[1:]
    if room not in rooms():
        return importlib.import_module(name)
    found = getattr(rooms()[room], within[0]) if within else rooms()[room]
    return found if isinstance(found, Room) else importlib.import_module(name)


def _as_written(name, *args):
    return _Conftest if name == "conftest" else builtins.__import__(name, *args)


@cache
def load(name, on_chainrule=True):
    """Execute a test file and return it as a module; the same one for the same name."""
    path = Path(find_spec(name).origin)
    module = ModuleType(f"redirected.{name}" if on_chainrule else name)
    module.__file__ = str(path)
    importing = redirected if on_chainrule else _as_written
    module.__builtins__ = {**vars(builtins), "__import__": importing}
    sys.modules[module.__name__] = module
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), vars(module))
    return module


@cache
def _is_module(name):
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False
