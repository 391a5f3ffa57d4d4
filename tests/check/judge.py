"""Hold the diagnosis against the whole collection: ``python -m tests.check.judge [kind ...]``.

Prints for each kind of network how many mistakes are named, how many lines are right, and the
time; with ``--missed`` what was said of those that are not. A mistake is named if the diagnosis
explains the gradient and says what it must; a line is right if it is one of the mistake's own.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from tests.check.collection import KINDS, Case, right_cases, wrong_cases

import chainrule as cr

ASKED = 0.9


class Verdict(NamedTuple):
    name: str
    named: bool
    line: bool
    seconds: float
    said: str


def judge(case: Case) -> Verdict:
    """Check a wrong gradient, and whether the report says what is wrong, and where."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = cr.check_gradients(case.loss, case.gradients)(*case.args)
    seconds = time.perf_counter() - start
    found = report.diagnoses
    said = "\n".join(map(str, found))
    explained = bool(found) and all(d.kind != "not explained" for d in found)
    named = explained and all(re.search(phrase, said, re.IGNORECASE) for phrase in case.said)
    lines = {d.where.line for d in found if d.where is not None}
    return Verdict(case.name, named, all(lines & own for own in case.lines), seconds, said)


def _of_kind(kind: str) -> tuple[str, list[Verdict], list[str]]:
    accused = []
    for case in right_cases(kind):
        if not cr.check_gradients(case.loss, case.gradients)(*case.args).passed:
            accused.append(case.name)
    return kind, [judge(case) for case in wrong_cases(kind)], accused


def main() -> int:
    """Judge the kinds named, or all; return how many shares fall short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=KINDS)
    parser.add_argument("--missed", action="store_true", help="print what was not named")
    options = parser.parse_args()
    every: list[Verdict] = []
    accused: list[str] = []
    print(f"{'kind':22} {'wrong':>5} {'named':>7} {'line':>7} {'median s':>9} {'longest':>8}")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for kind, verdicts, wronged in pool.map(_of_kind, options.kinds):
            _print(kind, verdicts)
            every += verdicts
            accused += wronged
            for verdict in verdicts if options.missed else ():
                if not (verdict.named and verdict.line):
                    print(f"  {verdict.name}: named {verdict.named}, line {verdict.line}")
                    print("    " + verdict.said.replace("\n", "\n    "))
    _print("all", every)
    print(f"right gradients accused: {', '.join(accused) or 'none'}")
    named = [v for v in every if v.named]
    return int(len(named) < ASKED * len(every)) + bool(accused)


def _print(kind: str, verdicts: list[Verdict]) -> None:
    named = [v for v in verdicts if v.named]
    times = sorted(v.seconds for v in verdicts)
    line = sum(v.line for v in named) / max(1, len(named))
    print(
        f"{kind:22} {len(verdicts):5} {len(named) / len(verdicts):7.1%} {line:7.1%} "
        f"{times[len(times) // 2]:9.2f} {times[-1]:8.2f}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
