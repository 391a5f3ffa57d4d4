"""What tells functions and objects apart, alike in each process: their code and all it reaches."""

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
DEEPEST = 60  # things within things that are read
PART, WHOLE = 80, 240  # characters of a part, and of the whole; the rest is a digest
_INSTALLED = tuple(
    os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("purelib", "platlib")
)


def fingerprint(thing: Any) -> str:
    """Return a text that is equal for equal things, in this process and in others.

    Of a function it tells the code without comments, its defaults, what it holds from where it was
    made, and the globals that it names; of a class its base classes and what it defines; of other
    things their class and what `pickle` would keep. Installed packages are told by their names.

    Examples
    --------
    >>> def scaled(by):
    ...     return lambda x: by * x
    >>> fingerprint(scaled(2)) == fingerprint(scaled(2)), fingerprint(scaled(2))[-6:]
    (True, '(by=2)')
    >>> fingerprint(scaled(2)) == fingerprint(scaled(3))
    False
    """
    return _cut(_Reader().described(thing), WHOLE)


def about(value: Any) -> Any:
    """Return numbers, texts, and lists and dicts of them, as JSON has them; else a fingerprint."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if type(value) in (list, tuple):
        return [about(part) for part in value]
    if type(value) is dict:
        return {str(name): about(part) for name, part in value.items()}
    return fingerprint(value)


class _Reader:
    """Reads things, each once: what is met again within itself is told by where it was met."""

    def __init__(self) -> None:
        self._met: dict[int, tuple[Any, str]] = {}  # the things too, so that no address is reused
        self._depth = 0

    def text(self, thing: Any) -> str:
        if isinstance(thing, PLAIN):
            return _cut(repr(thing), PART)
        if id(thing) not in self._met:
            if self._depth == DEEPEST:
                return type(thing).__qualname__
            self._met[id(thing)] = thing, f"no. {len(self._met)}"
            self._depth += 1
            self._met[id(thing)] = thing, _cut(self.described(thing), PART)
            self._depth -= 1
        return self._met[id(thing)][1]

    def described(self, thing: Any) -> str:
        if isinstance(thing, PLAIN):
            return repr(thing)
        if isinstance(thing, ModuleType):
            return f"module {thing.__name__}"
        if isinstance(thing, FunctionType | type):
            name = thing.__qualname__
            if _is_installed(thing.__module__) and "<" not in name:
                return f"{thing.__module__}.{name}"
            return self._function(thing) if isinstance(thing, FunctionType) else self._class(thing)
        if isinstance(thing, CodeType):
            return self._code(thing)
        if type(thing) in (list, tuple, dict, set, frozenset):
            return self._collection(thing)
        if isinstance(thing, MethodType):
            return self._named(self.text(thing.__func__), of=thing.__self__)
        if isinstance(thing, property):
            return self._named("property", get=thing.fget, set=thing.fset, delete=thing.fdel)
        if hasattr(thing, "__wrapped__"):
            return self.text(thing.__wrapped__)
        if hasattr(thing, "iloc"):
            names = getattr(thing, "columns", None)
            parts = {"name": getattr(thing, "name", None)} if names is None else {}
            columns = [thing] if names is None else [thing[name] for name in names]
            parts |= {"columns": names if names is None else list(names)}
            return self._named("frame", **parts, values=[np.asarray(c) for c in columns])
        if type(thing) is np.ndarray:
            return self._objects(thing) if thing.dtype.hasobject else digest(thing)
        return self._object(thing)

    def _objects(self, array: Any) -> str:
        with needs("a sweep over arrays of objects", "tables", "joblib"):
            from joblib import hash as digest_of  # contents, where bytes are addresses

        try:
            held = f"with digest {digest_of(array)}"
        except Exception:  # what cannot be pickled is read one by one
            held = self.text(array.tolist())
        return f"{array.dtype} of shape {array.shape} {held}"

    def _object(self, thing: Any) -> str:
        """Describe any thing by its class and what it is made of."""
        name = self.text(type(thing))
        if isinstance(thing, Configurable):
            given = {k: vars(thing).get(k, v) if isinstance(v, PLAIN) else v
                     for k, v in thing.__config__.items()}  # fmt: skip
            given["name"] = thing.__config__.get("name")  # one of its own counts things made
            model: Any = thing
            weights = model.get_weights() if getattr(model, "built", False) else []
            more = {"weights": weights} if weights else {}
            return self._named(name, **_changed(type(thing), given), **more)
        if hasattr(thing, "get_params"):
            return self._named(name, **_changed(type(thing), thing.get_params(deep=False)))
        try:
            known: Any = copyreg.dispatch_table.get(type(thing))
            kept: Any = known(thing) if known else thing.__reduce_ex__(4)
        except Exception:  # a lock, a file: nothing that a model is made of
            return name
        if isinstance(kept, str):
            return f"{name} {getattr(thing, '__module__', '')}.{kept}"
        made, given, state, items, pairs = (*kept, None, None, None)[:5]
        parts = [self.text(part) for part in given if part is not type(thing)]
        if getattr(made, "__name__", "") not in ("__newobj__", "__newobj_ex__", "_reconstructor"):
            parts.insert(0, self.text(made))
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
        held = {f"{name}=": value for name, value in usual.items()}  # a global may be called alike
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                held[name] = cell.cell_contents
            except ValueError:  # not yet set
                held[name] = None
        held |= dict(_globals_of(code, function.__globals__))
        held |= {name: value for name, value in vars(function).items() if name != "__wrapped__"}
        told = _hashed(_source(function) or self._code(code))
        return self._named(f"{function.__qualname__} with digest {told} ", **held)

    def _class(self, cls: type) -> str:
        held = {}
        for name, value in vars(cls).items():
            value = getattr(value, "__func__", value)
            if isinstance(value, FunctionType | property) or not name.startswith("__"):
                held[name] = value
        bases = {"bases": [base for base in cls.__bases__ if base is not object]}
        return self._named(cls.__qualname__, **(bases if bases["bases"] else {}), **held)

    def _code(self, code: CodeType) -> str:
        about = code.co_names, code.co_varnames, list(code.co_consts)
        return _hashed(f"{code.co_code!r} {self._collection(list(about))}")

    def _collection(self, things: Any) -> str:
        if isinstance(things, dict):
            pairs = [f"{self.text(key)}: {self.text(part)}" for key, part in things.items()]
            return f"{{{', '.join(pairs)}}}"
        parts = list(map(self.text, things))
        if isinstance(things, set | frozenset):
            return f"{{{', '.join(sorted(parts))}}}"
        return f"[{', '.join(parts)}]" if isinstance(things, list) else f"({', '.join(parts)})"

    def _named(self, what: str, /, **held: Any) -> str:
        parts = [f"{name.rstrip('=')}={self.text(value)}" for name, value in held.items()]
        return f"{what}({', '.join(parts)})" if parts else what.rstrip()


def _changed(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are not as usual, so that a text has room for them."""
    usual = {n: each.default for n, each in inspect.signature(cls).parameters.items()}
    return {
        name: value
        for name, value in given.items()
        if not (name in usual and isinstance(value, PLAIN) and repr(value) == repr(usual[name]))
    }


def _globals_of(code: CodeType, known: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the globals that a code names; of a module of one's own, what the code names in it."""
    for name in dict.fromkeys(_named_in(code)):
        if name in known:
            value = known[name]
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
    """Return a function's code as text without comments, where it has lines to itself."""
    if function.__name__ == "<lambda>":
        return None
    try:
        return ast.dump(ast.parse(textwrap.dedent(inspect.getsource(function))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None


def _is_installed(module: str | None) -> bool:
    """Whether a module is Python's, this package's or an installed one: its name tells it."""
    top = str(module).partition(".")[0]
    if top == "chainrule" or top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return True
    file = getattr(sys.modules.get(top), "__file__", None)
    return file is not None and os.path.realpath(file).startswith(_INSTALLED)


def _hashed(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="backslashreplace"), digest_size=8).hexdigest()


def _cut(text: str, most: int) -> str:
    """Return a text on one line, the rest of a long one as a digest."""
    return text if len(text) <= most else f"{text[: most - 30]}… {_hashed(text)}"
