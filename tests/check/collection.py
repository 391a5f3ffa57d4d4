"""Wrong gradients, each as a right one with some text exchanged, and what must be said of it.

A kind of network is a module: of ``cases/`` by its name, or any file by its path. In ``cases/`` a
style is one function of parameters and data. Elsewhere a module has ``RUNS``: pairs of a loss and a
gradient, that may share their code, as in courses where one function returns both.
"""

from __future__ import annotations

import inspect
import linecache
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, reduce
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from os.path import commonprefix
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HERE = Path(__file__).parent
KINDS = sorted(path.stem for path in (HERE / "cases").glob("*.py") if path.stem != "__init__")


def kinds_in(folder: Path) -> list[str]:
    """Return the kinds in a folder, as paths."""
    return [str(path) for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]


class Run(NamedTuple):
    """A loss and its gradient by name, and the arguments: ``problem(rng, **sizes)``.

    ``real`` holds the sizes of real data. If ``given`` is true, the loss is the right one whatever
    the mistake: a teacher wrote it.
    """

    loss: str
    gradients: str
    problem: Callable[..., tuple[Any, ...]]
    real: dict[str, int] | None = None
    given: bool = False


class Wrong(NamedTuple):
    """A mistake: in ``style``, a function, stands ``wrong`` instead of ``right``.

    ``said`` is a regular expression that the diagnosis must match, or one for each exchange;
    ``run`` the function that is checked where ``style`` is a helper of it, or a name of ``RUNS``.
    ``also`` are lines of the file, by a part of them, at which the mistake can be mended as well.
    """

    style: str
    right: str | tuple[str, ...]
    wrong: str | tuple[str, ...]
    said: str | tuple[str, ...]
    run: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """A network, a gradient of it by hand, and what is wrong with it."""

    name: str
    loss: Callable[..., Any]
    gradients: Callable[..., Any]
    args: tuple[Any, ...]
    lines: tuple[frozenset[int], ...] = ()  # of each mistake, those that may be pointed at
    said: tuple[str, ...] = ()


def right_cases(kind: str, seed: int = 0, real: bool = False) -> Iterator[Case]:
    """Yield the right gradients of a kind of network, at real sizes if that is asked for."""
    module, args = _kind(kind)
    if hasattr(module, "RUNS"):
        for name, run in module.RUNS.items():
            problem = run.problem(np.random.default_rng(seed), **((real and run.real) or {}))
            yield Case(f"{_stem(kind)}-{name}", *_of_run(module, run), problem)
        return
    helpers = {w.style for w in module.WRONG if w.run}
    for name, f in vars(module).items():
        if (
            inspect.isfunction(f)
            and f.__module__ == module.__name__
            and name not in ("problem", "loss")
            and list(inspect.signature(f).parameters)[:1] == ["params"]
            and name not in helpers
            and name in {w.run or w.style for w in module.WRONG}
        ):
            yield Case(f"{kind}-{name}", module.loss, f, args())


def wrong_cases(kind: str) -> Iterator[Case]:
    """Yield the wrong gradients of a kind of network."""
    for number in range(len(wrong_names(kind))):
        yield wrong_case(kind, number)


def wrong_names(kind: str) -> list[str]:
    """Return the names of the wrong gradients of a kind of network."""
    stem, wrong = _stem(kind), enumerate(_kind(kind)[0].WRONG)
    return [f"{stem}-{number}-{each.style}" for number, each in wrong]


def wrong_case(kind: str, number: int) -> Case:
    """Return one wrong gradient of a kind of network."""
    module, args = _kind(kind)
    wrong = module.WRONG[number]
    problem = args() if not hasattr(module, "RUNS") else _drawn(module.RUNS[wrong.run])
    return _mistaken(wrong_names(kind)[number], module, wrong, problem)


def right_and_wrong(kind: str, number: int) -> tuple[str, str]:
    """Return the text of a function, and with one of its mistakes, without running it."""
    module = _kind(kind)[0]
    wrong = module.WRONG[number]
    body = "".join(_lines_of(_style(module, wrong))[0])
    return body, _exchanged(wrong_names(kind)[number], body, wrong)[0]


def _stem(kind: str) -> str:
    return Path(kind).stem


def _style(module: Any, wrong: Wrong) -> Any:
    return reduce(getattr, wrong.style.split("."), module)


def _of_run(module: Any, run: Run) -> tuple[Any, Any]:
    return getattr(module, run.loss), getattr(module, run.gradients)


def _drawn(run: Run) -> tuple[Any, ...]:
    return run.problem(np.random.default_rng(0))


@cache
def _kind(kind: str) -> tuple[Any, Callable[[], Any]]:
    if kind.endswith(".py"):
        spec = spec_from_file_location(f"learners_{_stem(kind)}", kind)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module = import_module(f"tests.check.cases.{kind}")

    def args() -> tuple[Any, ...]:
        given: tuple[Any, ...] = module.problem(np.random.default_rng(0))
        return given

    return module, args


@cache
def _lines_of(function: Any) -> tuple[list[str], int]:
    return inspect.getsourcelines(function)


def _mistaken(name: str, module: Any, wrong: Wrong, args: Any) -> Case:
    """Return the case of a mistake: the module once more, with other text."""
    text = Path(module.__file__).read_text(encoding="utf-8")
    own, first = _lines_of(_style(module, wrong))
    before = "".join(text.splitlines(keepends=True)[: first - 1])
    body = "".join(own)
    after = text[len(before) + len(body) :]
    body, spans = _exchanged(name, body, wrong)
    text = before + body + after
    also = frozenset(
        number
        for number, line in enumerate(text.splitlines(), 1)
        if any(part in line for part in wrong.also)
    )
    lines = [_lines(text, len(before) + start, length) | also for start, length in spans]
    file = f"{Path(module.__file__).parent}/{name}.py"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    mistaken = types.ModuleType(f"{module.__name__}.{name}")
    mistaken.__file__ = file
    exec(compile(text, file, "exec", dont_inherit=True), vars(mistaken))
    if hasattr(module, "RUNS"):
        run = module.RUNS[wrong.run]
        loss, gradients = _of_run(mistaken, run)
        loss = getattr(module, run.loss) if run.given else loss
    else:
        loss, gradients = module.loss, getattr(mistaken, wrong.run or wrong.style)
    said = (wrong.said,) if isinstance(wrong.said, str) else wrong.said
    return Case(name, loss, gradients, args, tuple(lines), said)


def _exchanged(name: str, body: str, wrong: Wrong) -> tuple[str, list[tuple[int, int]]]:
    """Return a function's text with a mistake, and of each part where it stands, and its length."""
    spans: list[tuple[int, int]] = []
    pairs = [(e,) if isinstance(e, str) else e for e in (wrong.right, wrong.wrong)]
    for right, other in zip(*pairs, strict=True):
        assert body.count(right) == 1, f"{name}: {right!r} stands {body.count(right)} times"
        at = body.index(right)
        body = body.replace(right, other)
        same = len(commonprefix([right, other]))  # noqa: RUF071  # of texts, not of paths
        spans = [(s + len(other) - len(right) if s > at else s, n) for s, n in spans]
        spans.append((at + same, len(other.rstrip("\n")) - same))
    return body, spans


def _lines(text: str, start: int, length: int) -> frozenset[int]:
    """Return the lines of a mistake; where something is missing, those before and after it too."""
    first = text.count("\n", 0, start) + 1
    if length <= 0 and text[start - 1] == "\n":
        return frozenset(range(first - 2, first + 2))
    return frozenset(range(first, first + text.count("\n", start, start + max(0, length)) + 1))
