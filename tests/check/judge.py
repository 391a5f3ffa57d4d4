"""Hold the diagnosis against a collection: ``python -m tests.check.judge [kind ...]``.

A kind is a name of ``cases/``, a file, or a folder of files; without any, all of ``cases/``. Prints
for each kind of network how many mistakes are caught, how many are named, how many lines are right,
and the time; with ``--missed`` what was said of those that are not. A mistake is named if the
diagnosis explains the gradient and says what it must: in its sentence, the mended line or what
stands behind ``or:``. The last line tells how many would count if the phrase could also stand in
the learner's own line, the names of files and parameters. A line is right if it is one of the
mistake's own. ``--right 20`` checks the right gradients alone, at real sizes and twenty draws.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from tests.check.collection import KINDS, Case, kinds_in, right_cases, wrong_cases

import chainrule as cr
from chainrule._src.check import clock
from chainrule._src.check.diagnosis import Diagnosis

ASKED = 0.9
MOST_BYTES = 3 << 30
MOST_SECONDS = 90


class Verdict(NamedTuple):
    name: str
    caught: bool
    named: bool
    line: bool
    seconds: float
    said: str
    error: str = ""
    loosely: bool = (
        False  # named and the line right, if the phrase may stand anywhere in the report
    )


def judge(case: Case) -> Verdict:
    """Check a wrong gradient, and whether the report says what is wrong, and where."""
    start = time.process_time()
    report = _report(case)
    seconds = time.process_time() - start
    if isinstance(report, str):
        return Verdict(case.name, False, False, False, seconds, report, report)
    found = report.diagnoses
    said = "\n".join(map(str, found))
    explained = bool(found) and all(d.kind != "not explained" for d in found)
    named = explained and _says(case, "\n".join(map(_own_words, found)))
    lines = {d.where.line for d in found if d.where is not None}
    line = all(lines & own for own in case.lines)
    loosely = explained and line and _says(case, said)
    return Verdict(case.name, not report.passed, named, line, seconds, said, loosely=loosely)


def _says(case: Case, text: str) -> bool:
    return all(re.search(phrase, text, re.IGNORECASE) for phrase in case.said)


def _own_words(diagnosis: Diagnosis) -> str:
    """Return the sentence, the mended line and the alternatives of a diagnosis."""
    repaired = diagnosis.where.repaired if diagnosis.where is not None else ""
    return "\n".join([diagnosis.what, repaired, *diagnosis.others])


def _report(case: Case) -> cr.check.GradientReport | str:
    """Return the report, or the exception that took its place."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cr.check_gradients(case.loss, case.gradients)(*case.args)
    except Exception as error:  # whatever it is, it is the verdict
        return f"{type(error).__name__}: {error}"


def apart(case: Case) -> Verdict:
    """Judge a case in a process of its own, which may take neither all memory nor all time.

    NumPy does not return to Python from some calls, so that no exception can end them.
    """
    if sys.platform == "win32":
        return judge(case)
    context = multiprocessing.get_context("fork")
    verdict, answer = context.Pipe(duplex=False)
    process = context.Process(target=_answered, args=(case, answer))
    process.start()
    answer.close()
    try:
        if verdict.poll(MOST_SECONDS):
            received: Verdict = verdict.recv()
            return received
        error = f"more than {MOST_SECONDS} s"
    except EOFError:
        error = "the process of the check ended"
    finally:
        process.kill()
        process.join()
    return Verdict(case.name, False, False, False, MOST_SECONDS, error, error)


def _answered(case: Case, answer: Connection) -> None:
    clock.WALL = 1000.0  # the processor's time is judged, whatever else the machine does
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    answer.send(judge(case))


def _of_kind(kind: str, draws: int = 0) -> tuple[str, list[Verdict], list[str]]:
    if draws:
        return kind, *_of_right(kind, draws)
    accused = []
    for case in right_cases(kind):
        report = _report(case)
        if isinstance(report, str) or not report.passed:
            accused.append(case.name)
    return kind, [apart(case) for case in wrong_cases(kind)], accused


def _of_right(kind: str, draws: int) -> tuple[list[Verdict], list[str]]:
    """Check the right gradients at real sizes; one is accused if any draw of it is."""
    verdicts, accused = [], []
    for seed in range(draws):
        for case in right_cases(kind, seed, real=True):
            verdict = apart(case)
            verdicts.append(verdict)
            if verdict.caught or verdict.error:
                accused.append(f"{case.name} (draw {seed}{verdict.error and ': ' + verdict.error})")
    return verdicts, accused


def main() -> int:
    """Judge the kinds named, or all; return how many shares fall short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=KINDS)
    parser.add_argument("--missed", action="store_true", help="print what was not named")
    parser.add_argument("--right", type=int, default=0, metavar="DRAWS", help="right ones alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    kinds = [k for kind in options.kinds for k in (_files(kind) if "/" in kind else [kind])]
    every: list[Verdict] = []
    accused: list[str] = []
    print(
        f"{'kind':22} {'wrong':>5} {'caught':>7} {'named':>7} {'line':>7} {'both':>7} "
        f"{'raised':>6} {'median s':>9} {'longest':>8}"
    )
    with ProcessPoolExecutor(options.jobs) as pool:
        for kind, verdicts, wronged in pool.map(partial(_of_kind, draws=options.right), kinds):
            _print(Path(kind).stem, verdicts)
            every += verdicts
            accused += wronged
            for verdict in verdicts if options.missed else ():
                if not (verdict.named and verdict.line):
                    print(
                        f"  {verdict.name}: caught {verdict.caught}, named {verdict.named}, "
                        f"line {verdict.line}, {verdict.seconds:.1f} s"
                    )
                    print("    " + verdict.said.replace("\n", "\n    "))
    _print("all", every)
    loosely = sum(v.loosely for v in every) / max(1, len(every))
    print(f"both, if the phrase may stand anywhere in the report: {loosely:.1%}")
    print(f"right gradients accused: {', '.join(accused) or 'none'}")
    if options.right:
        return bool(accused)
    named = [v for v in every if v.named]
    return int(len(named) < ASKED * len(every)) + bool(accused)


def _files(kind: str) -> list[str]:
    return kinds_in(Path(kind)) if Path(kind).is_dir() else [kind]


def _print(kind: str, verdicts: list[Verdict]) -> None:
    if not verdicts:
        return
    times = sorted(v.seconds for v in verdicts)
    named = [v for v in verdicts if v.named]
    shares = [
        sum(v.caught for v in verdicts) / len(verdicts),
        len(named) / len(verdicts),
        sum(v.line for v in named) / max(1, len(named)),
        sum(v.named and v.line for v in verdicts) / len(verdicts),
    ]
    print(
        f"{kind:22} {len(verdicts):5} {' '.join(f'{share:7.1%}' for share in shares)} "
        f"{sum(bool(v.error) for v in verdicts):6} {times[len(times) // 2]:9.2f} {times[-1]:8.2f}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
