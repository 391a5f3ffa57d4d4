"""Cases judged in processes of their own: shared out, timed, made smaller where they fail."""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import pickle
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from tests.fuzz.programs import Failure

Outcome = tuple[str, str, str]  # the road, the way it fails, details
SECONDS = 60.0  # at most, that a case is made smaller
SHRUNK = 3  # of the cases that fail in one way


class Subject(Protocol):
    """What is fuzzed: cases by their seeds."""

    name: str  # of the cases

    def case(self, seed: int) -> Any:
        """Return the case of a seed."""

    def judge(self, case: Any, seed: int, failed: str = "") -> Counter[str]:
        """Return what was done, by how often; raise a `Failure` if something is wrong.

        ``failed`` is the road of a failure that is to be seen again.
        """

    def smaller(self, case: Any) -> Iterator[Any]:
        """Propose smaller cases, what leaves most away first; they need not make sense."""

    def pasted(self, case: Any) -> str:
        """Return the case as code that can be run."""

    def limit(self, seed: int) -> int:
        """Return the seconds that a case may take."""


class TooLongError(BaseException):
    """The time for a case is over."""


# A case that fails, made smaller


def failing(judge: Callable[[Any], Any], case: Any) -> Outcome | None:
    """Return how a case fails; None if it does not."""
    try:
        judge(case)
    except Failure as failure:
        return (failure.road, failure.way, failure.detail)
    except Exception:
        return None
    return None


def failing_apart(judge: Callable[[Any], Any], case: Any, seconds: float) -> Outcome | None:
    """Do the same in a process of its own, which may crash or hang."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, pickle.dumps(failing(judge, case)))
        os._exit(0)
    os.close(write)
    ready, _, _ = select.select([read], [], [], seconds)
    if not ready:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if not ready:
        return ("process", "hangs", f"for {seconds} seconds")
    if os.WIFSIGNALED(status):
        return ("process", "dies", f"of signal {os.WTERMSIG(status)}")
    outcome: Outcome | None = pickle.loads(told)
    return outcome


def shrunk(
    case: Any,
    outcome: Outcome,
    run: Callable[[Any], Outcome | None],
    smaller: Callable[[Any], Iterator[Any]],
    seconds: float = SECONDS,
) -> tuple[Any, Outcome]:
    """Return the smallest case found that fails in the same way, and how it fails."""
    end = time.monotonic() + seconds
    seen = {repr(case)}
    improved = True
    while improved:
        improved = False
        for candidate in smaller(case):
            if repr(candidate) in seen:
                continue
            if time.monotonic() > end:
                return case, outcome
            seen.add(repr(candidate))
            found = run(candidate)
            if found and found[:2] == outcome[:2]:
                case, outcome, improved = candidate, found, True
                break
    return case, outcome


# Processes


def work(pipe: Connection, subject: Subject) -> None:
    """Judge the cases, or shrink those, that the parent names."""
    signal.signal(signal.SIGPROF, _too_long)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        task, seed, outcome = pipe.recv()
        if task == "judge":
            pipe.send(_judged(subject, seed))
        else:
            judge = functools.partial(subject.judge, seed=seed, failed=outcome[0])
            run = functools.partial(failing_apart, judge, seconds=subject.limit(seed))
            case, found = shrunk(subject.case(seed), outcome, run, subject.smaller)
            pipe.send((Counter(), (*found[:2], f"{found[2]}\n{subject.pasted(case)}")))


def _too_long(*_: Any) -> None:
    raise TooLongError


def _judged(subject: Subject, seed: int) -> tuple[Counter[str], Outcome | None]:
    signal.setitimer(signal.ITIMER_PROF, subject.limit(seed))  # of the processor, which is shared
    try:
        return subject.judge(subject.case(seed), seed), None
    except Failure as failure:
        return Counter(), (failure.road, failure.way, failure.detail)
    except TooLongError:
        return Counter(), ("process", "hangs", f"for {subject.limit(seed)} seconds")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class Worker:
    """A process that judges; another one takes its place when it dies."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=work, args=(theirs, subject), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, task: str, seed: int, outcome: Outcome | None = None) -> None:
        """Hand out a case."""
        self.task, self.seed = task, seed
        self.patience = time.monotonic() + 2 * SECONDS + 4 * self.subject.limit(seed)
        self.pipe.send((task, seed, outcome))

    def taken(self) -> tuple[Counter[str], Outcome | None]:
        """Return the answer; that it died, if it did."""
        try:
            answer: tuple[Counter[str], Outcome | None] = self.pipe.recv()
        except EOFError:
            self.process.join()
            return Counter(), ("process", "dies", f"exit code {self.process.exitcode}")
        return answer


def parser(subject: str, cases: str, count: int) -> argparse.ArgumentParser:
    """Return what all fuzzers are told."""
    made = argparse.ArgumentParser(subject, description=f"random {cases}")
    made.add_argument(f"--{cases}", type=int, default=count, dest="count")
    made.add_argument("--seed", type=int, default=0, help="of the first")
    made.add_argument("--jobs", type=int, default=2, help="processes")
    return made


def fuzz(subject: Subject, count: int, seed: int, jobs: int) -> int:
    """Judge so many cases, print those that fail, and return an exit code."""
    seeds = iter(range(seed, seed + count))
    counts: Counter[str] = Counter()
    failures: dict[tuple[str, str], list[int]] = {}
    shrinks: list[tuple[str, int, Outcome]] = []
    started = last = time.monotonic()
    done = 0

    def busy(worker: Worker) -> bool:
        if shrinks:
            worker.give(*shrinks.pop())
        elif (following := next(seeds, None)) is not None:
            worker.give("judge", following)
        else:
            return False
        return True

    active = [worker for worker in [Worker(subject) for _ in range(jobs)] if busy(worker)]
    while active:
        ready = wait([worker.pipe for worker in active], timeout=1)
        for worker in list(active):
            if worker.pipe not in ready:
                if time.monotonic() > worker.patience:
                    worker.process.kill()
                continue
            found, outcome = worker.taken()
            counts.update(found)
            if worker.task == "judge":
                done += 1
                if outcome:
                    alike = failures.setdefault(outcome[:2], [])
                    alike.append(worker.seed)
                    if len(alike) <= SHRUNK:
                        shrinks.append(("shrink", worker.seed, outcome))
            elif outcome:
                print(
                    f"\n==== seed {worker.seed}: {': '.join(outcome[:2])}\n{outcome[2]}", flush=True
                )
            active.remove(worker)
            if not worker.process.is_alive():
                worker = Worker(subject)
            if busy(worker):
                active.append(worker)
        if time.monotonic() - last > 10:
            last = time.monotonic()
            said = f"{done} of {count}, {sum(map(len, failures.values()))} failed"
            print(f"{said}, {done / (last - started):.1f} /s", file=sys.stderr, flush=True)
    print(f"\n{count} {subject.name} from seed {seed}, {time.monotonic() - started:.0f} s")
    for what, times in counts.most_common(40):
        print(f"{times:8}  {what}")
    for (road, way), alike in sorted(failures.items(), key=lambda item: -len(item[1])):
        print(f"{len(alike):8}  FAILED  {road}: {way}, seeds {', '.join(map(str, alike[:10]))}")
    return 1 if failures else 0
