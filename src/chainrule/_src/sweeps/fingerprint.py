"""Fingerprints of functions and objects that are stable between processes."""

from __future__ import annotations

import ast
import copyreg
import dis
import hashlib
import inspect
import os
import sys
import sysconfig
import textwrap
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from chainrule._src.base.config import Configurable
from chainrule._src.base.extras import needs
from chainrule._src.nn.network.conditions import digest

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))
DEEPEST = 60  # maximum depth of nested objects
PART, WHOLE = 80, 240  # maximum characters of a part and of the fingerprint
_INSTALLED = tuple(
    os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("purelib", "platlib")
)


def fingerprint(value: Any) -> str:
    """Return a text that is equal for equal objects, even in different processes.

    For a function it covers the code without comments, the defaults, the closure and the globals
    that the code names; for a class its base classes and its attributes; for other objects their
    class and the state that `pickle` would store. Objects of installed packages are represented by
    their names.

    Examples
    --------
    >>> def scaled(by):
    ...     return lambda x: by * x
    >>> fingerprint(scaled(2)) == fingerprint(scaled(2)), fingerprint(scaled(2))[-6:]
    (True, '(by=2)')
    >>> fingerprint(scaled(2)) == fingerprint(scaled(3))
    False
    """
    return _cut(_FingerprintReader().described(value), WHOLE)


def about(value: Any) -> Any:
    """Convert numbers, texts, lists and dicts to JSON types, and other objects to fingerprints."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if type(value) in (list, tuple):
        return [about(part) for part in value]
    if type(value) is dict:
        return {str(name): about(part) for name, part in value.items()}
    return fingerprint(value)


class _FingerprintReader:
    """Describes objects, each once; a repeated or cyclic reference becomes a number."""

    def __init__(self) -> None:
        self._met: dict[int, tuple[Any, str]] = {}  # keeps the objects, so that no id is reused
        self._depth = 0

    def text(self, value: Any) -> str:
        if isinstance(value, PLAIN):
            return _cut(repr(value), PART)
        if id(value) not in self._met:
            if self._depth == DEEPEST:
                return type(value).__qualname__
            self._met[id(value)] = value, f"no. {len(self._met)}"
            self._depth += 1
            self._met[id(value)] = value, _cut(self.described(value), PART)
            self._depth -= 1
        return self._met[id(value)][1]

    def described(self, value: Any) -> str:
        if isinstance(value, PLAIN):
            return repr(value)
        if isinstance(value, ModuleType):
            return f"module {value.__name__}"
        if isinstance(value, FunctionType | type):
            name = value.__qualname__
            if _is_installed(value.__module__) and "<" not in name:
                return f"{value.__module__}.{name}"
            return self._function(value) if isinstance(value, FunctionType) else self._class(value)
        if isinstance(value, CodeType):
            return self._code(value)
        if type(value) in (list, tuple, dict, set, frozenset):
            return self._collection(value)
        if isinstance(value, MethodType):
            return self._named(self.text(value.__func__), of=value.__self__)
        if isinstance(value, property):
            return self._named("property", get=value.fget, set=value.fset, delete=value.fdel)
        if hasattr(value, "__wrapped__"):
            return self.text(value.__wrapped__)
        if hasattr(value, "iloc"):
            return self._frame(value)
        if type(value) is np.ndarray:
            return self._objects(value) if value.dtype.hasobject else digest(value)
        return self._object(value)

    def _objects(self, array: Any) -> str:
        with needs("a sweep over arrays of objects", "tables", "joblib"):
            from joblib import hash as digest_of  # contents, where bytes are addresses

        try:
            content = f"with digest {digest_of(array)}"
        except Exception:  # not picklable: describe the items
            content = self.text(array.tolist())
        return f"{array.dtype} of shape {array.shape} {content}"

    def _object(self, instance: Any) -> str:
        """Describe an object by its class and its state."""
        name = self.text(type(instance))
        if isinstance(instance, Configurable):
            arguments = {k: vars(instance).get(k, v) if isinstance(v, PLAIN) else v
                     for k, v in instance.__config__.items()}  # fmt: skip
            # An automatic name contains a counter.
            arguments["name"] = instance.__config__.get("name")
            model: Any = instance
            weights = model.get_weights() if getattr(model, "built", False) else []
            more = {"weights": weights} if weights else {}
            return self._named(name, **_changed(type(instance), arguments), **more)
        if hasattr(instance, "get_params"):
            return self._named(name, **_changed(type(instance), instance.get_params(deep=False)))
        try:
            reducer: Any = copyreg.dispatch_table.get(type(instance))
            reduced: Any = reducer(instance) if reducer else instance.__reduce_ex__(4)
        except Exception:  # a lock or a file, which has no state that matters for a model
            return name
        if isinstance(reduced, str):
            return f"{name} {getattr(instance, '__module__', '')}.{reduced}"
        factory, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        parts = [self.text(part) for part in arguments if part is not type(instance)]
        if getattr(factory, "__name__", "") not in (
            "__newobj__",
            "__newobj_ex__",
            "_reconstructor",
        ):
            parts.insert(0, self.text(factory))
        if isinstance(state, dict):
            parts += [f"{key}={self.text(value)}" for key, value in state.items()]
        elif state is not None:
            parts.append(self.text(state))
        parts += [self.text(list(each)) for each in (items, pairs) if each is not None]
        return f"{name}({', '.join(parts)})"

    def _function(self, function: FunctionType) -> str:
        code, defaults = function.__code__, function.__defaults__ or ()
        named = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
        usual = dict(zip(named, defaults, strict=True)) | (function.__kwdefaults__ or {})
        # "=" keeps a default apart from a global of the same name.
        parts = {f"{name}=": value for name, value in usual.items()}
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                parts[name] = cell.cell_contents
            except ValueError:  # not yet set
                parts[name] = None
        parts |= dict(_globals_of(code, function.__globals__))
        parts |= {name: value for name, value in vars(function).items() if name != "__wrapped__"}
        code_digest = _hashed(_source(function) or self._code(code))
        return self._named(f"{function.__qualname__} with digest {code_digest} ", **parts)

    def _class(self, cls: type) -> str:
        members = {}
        for name, value in vars(cls).items():
            value = getattr(value, "__func__", value)
            if isinstance(value, FunctionType | property) or not name.startswith("__"):
                members[name] = value
        bases = {"bases": [base for base in cls.__bases__ if base is not object]}
        return self._named(cls.__qualname__, **(bases if bases["bases"] else {}), **members)

    def _code(self, code: CodeType) -> str:
        about = code.co_names, code.co_varnames, list(code.co_consts)
        return _hashed(f"{code.co_code!r} {self._collection(list(about))}")

    def _frame(self, frame: Any) -> str:
        """Return the text of a frame or a series of pandas."""
        names = getattr(frame, "columns", None)
        if names is None:
            name = getattr(frame, "name", None)
            return self._named("frame", name=name, columns=None, values=[np.asarray(frame)])
        columns = [np.asarray(frame[name]) for name in names]
        return self._named("frame", columns=list(names), values=columns)

    def _collection(self, items: Any) -> str:
        if isinstance(items, dict):
            pairs = [f"{self.text(key)}: {self.text(part)}" for key, part in items.items()]
            return f"{{{', '.join(pairs)}}}"
        parts = list(map(self.text, items))
        if isinstance(items, set | frozenset):
            return f"{{{', '.join(sorted(parts))}}}"
        return f"[{', '.join(parts)}]" if isinstance(items, list) else f"({', '.join(parts)})"

    def _named(self, what: str, /, **named_parts: Any) -> str:
        parts = [f"{name.rstrip('=')}={self.text(value)}" for name, value in named_parts.items()]
        return f"{what}({', '.join(parts)})" if parts else what.rstrip()


def _changed(cls: type, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that differ from their defaults, to keep fingerprints short."""
    usual = {n: each.default for n, each in inspect.signature(cls).parameters.items()}
    return {
        name: value
        for name, value in arguments.items()
        if not (name in usual and isinstance(value, PLAIN) and repr(value) == repr(usual[name]))
    }


def _globals_of(code: CodeType, namespace: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the globals that code names, and attributes of modules that are not installed."""
    for name in dict.fromkeys(_named_in(code)):
        if name in namespace:
            value = namespace[name]
            yield name, value
            if isinstance(value, ModuleType) and not _is_installed(value.__name__):
                for part in _attributes(code):
                    if part in vars(value):
                        yield f"{name}.{part}", vars(value)[part]


def _named_in(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _named_in(part)


def _attributes(code: CodeType) -> dict[str, None]:
    parts = [_attributes(part) for part in code.co_consts if isinstance(part, CodeType)]
    return dict.fromkeys((*code.co_names, *(name for part in parts for name in part)))


def _source(function: FunctionType) -> str | None:
    """Return a function's syntax tree as text; None for a lambda or without source."""
    if function.__name__ == "<lambda>":
        return None
    try:
        return ast.dump(ast.parse(textwrap.dedent(inspect.getsource(function))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None


def _is_installed(module: str | None) -> bool:
    """Return true if a module belongs to Python, to this package or to an installed package."""
    top = str(module).partition(".")[0]
    if top == "chainrule" or top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return True
    file = getattr(sys.modules.get(top), "__file__", None)
    return file is not None and os.path.realpath(file).startswith(_INSTALLED)


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="backslashreplace"), digest_size=8).hexdigest()


def _cut(text: str, most: int) -> str:
    """Shorten a text; a digest replaces the rest of a long text."""
    return text if len(text) <= most else f"{text[: most - 30]}… {_hashed(text)}"
