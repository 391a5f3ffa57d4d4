"""The fuzzer: ``python -m tests.fuzz --programs 1000 --seed 0 --jobs 2 --compiled 0.01``."""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import signal
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np
from tests.fuzz.grammar import program_of
from tests.fuzz.judges import InvalidError, judge
from tests.fuzz.programs import Failure
from tests.fuzz.shrink import Outcome, failing_apart, shrunk

LIMIT, COMPILING = 10, 120  # seconds for a program
SHRUNK = 3  # of the programs that fail in one way


class TooLongError(BaseException):
    """The time for a program is over."""


def options_of(seed: int, compiled: float, jax: float) -> dict[str, bool]:
    """Return which of the slower roads a program takes: a share of them, by its seed."""
    draws = np.random.default_rng([seed, 1]).random(2)
    return {"compiled": bool(draws[0] < compiled), "jax": bool(draws[1] < jax)}


def work(pipe: Connection, compiled: float, jax: float) -> None:
    """Judge the programs, or shrink those, that the parent names."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        task, seed, outcome = pipe.recv()
        options = options_of(seed, compiled, jax)
        limit = LIMIT if not any(options.values()) else COMPILING
        if task == "judge":
            pipe.send(_judged(seed, limit, options))
        else:
            run = functools.partial(failing_apart, seconds=limit, **options)
            program, found = shrunk(program_of(seed), outcome, run)
            pipe.send((Counter(), (*found[:2], f"{found[2]}\n{program.pasted()}")))


def _too_long(*_: Any) -> None:
    raise TooLongError


def _judged(seed: int, limit: int, options: Any) -> tuple[Counter[str], Outcome | None]:
    signal.alarm(limit)
    try:
        return judge(program_of(seed), **options), None
    except Failure as failure:
        return Counter(), (failure.road, failure.way, failure.detail)
    except InvalidError:
        return Counter({"without a number": 1}), None
    except TooLongError:
        return Counter(), ("process", "hangs", f"for {limit} seconds")
    finally:
        signal.alarm(0)


class Worker:
    """A process that judges; another one takes its place when it dies."""

    def __init__(self, *shares: float) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=work, args=(theirs, *shares), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, task: str, seed: int, outcome: Outcome | None = None) -> None:
        self.task, self.seed, self.since = task, seed, time.monotonic()
        self.pipe.send((task, seed, outcome))

    def taken(self) -> tuple[Counter[str], Outcome | None] | None:
        """Return the answer; that it died, if it did."""
        try:
            answer: tuple[Counter[str], Outcome | None] = self.pipe.recv()
        except EOFError:
            self.process.join()
            return Counter(), ("process", "dies", f"exit code {self.process.exitcode}")
        return answer


def main() -> int:
    """Fuzz, and return an exit code."""
    parser = argparse.ArgumentParser("tests.fuzz", description="random NumPy programs")
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first program")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--compiled", type=float, default=0.01, help="share to compile")
    parser.add_argument("--jax", type=float, default=0.005, help="share to hold against JAX")
    options = parser.parse_args()
    seeds = iter(range(options.seed, options.seed + options.programs))
    counts: Counter[str] = Counter()
    failures: Counter[Any] = Counter()
    shrinks: list[tuple[str, int, Outcome]] = []
    shares = (options.compiled, options.jax)
    workers = [Worker(*shares) for _ in range(options.jobs)]
    started = last = time.monotonic()

    def busy(worker: Worker) -> bool:
        if shrinks:
            worker.give(*shrinks.pop())
        elif (seed := next(seeds, None)) is not None:
            worker.give("judge", seed)
        else:
            return False
        return True

    active = [worker for worker in workers if busy(worker)]
    done = 0
    while active:
        ready = wait([worker.pipe for worker in active], timeout=1)
        for worker in list(active):
            if worker.pipe not in ready:
                if time.monotonic() - worker.since > 3 * COMPILING:
                    worker.process.kill()
                continue
            answer = worker.taken()
            found, outcome = answer
            counts.update(found)
            if worker.task == "judge":
                done += 1
                if outcome:
                    failures[outcome[:2]] += 1
                    if failures[outcome[:2]] <= SHRUNK:
                        shrinks.append(("shrink", worker.seed, outcome))
            elif outcome:
                print(
                    f"\n==== seed {worker.seed}: {outcome[0]}: {outcome[1]}\n{outcome[2]}",
                    flush=True,
                )
            active.remove(worker)
            if not worker.process.is_alive():
                worker = Worker(*shares)
            if busy(worker):
                active.append(worker)
        if time.monotonic() - last > 10:
            last = time.monotonic()
            rate = done / (last - started)
            print(
                f"{done} of {options.programs}, {sum(failures.values())} failed, {rate:.0f} /s",
                file=sys.stderr,
                flush=True,
            )
    summary(options, counts, failures, time.monotonic() - started)
    return 1 if failures else 0


def summary(options: Any, counts: Counter[str], failures: Counter[Any], seconds: float) -> None:
    """Print what was done, and how often."""
    print(f"\n{options.programs} programs from seed {options.seed}, {seconds:.0f} s")
    for what, count in counts.most_common(40):
        print(f"{count:8}  {what}")
    for (road, way), count in failures.most_common():
        print(f"{count:8}  FAILED  {road}: {way}")


if __name__ == "__main__":
    sys.exit(main())
