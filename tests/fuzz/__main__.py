"""The fuzzer: ``python -m tests.fuzz --programs 1000 --seed 0 --jobs 2 --compiled 0.01``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tests.fuzz.grammar import program_of
from tests.fuzz.jobs import fuzz, parser
from tests.fuzz.judges import ROADS, InvalidError, judge
from tests.fuzz.programs import Program
from tests.fuzz.shrink import smaller

LIMIT, COMPILING = 10, 120  # seconds for a program


@dataclass
class Programs:
    """Random programs, a share of which takes the slower roads."""

    compiled: float
    jax: float
    name = "programs"

    def case(self, seed: int) -> Program:
        return program_of(seed)

    def judge(self, case: Program, seed: int, failed: str = "") -> Counter[str]:
        try:
            return judge(case, again(failed) or self._roads(seed))
        except InvalidError:
            return Counter({"without a number": 1})

    def smaller(self, case: Program) -> Iterator[Program]:
        return smaller(case)

    def pasted(self, case: Program) -> str:
        return case.pasted()

    def limit(self, seed: int) -> int:
        return COMPILING if {"compiled", "jax"} & {*self._roads(seed)} else LIMIT

    def _roads(self, seed: int) -> list[str]:
        """Return the roads that a program takes: a share of them the slower ones, by its seed."""
        shares = {"second order": 0.5, "scaled": 0.2, "compiled": self.compiled, "jax": self.jax}
        draws = np.random.default_rng([seed, 1]).random(len(ROADS))
        return [
            road for road, draw in zip(ROADS, draws, strict=True) if draw < shares.get(road, 1.0)
        ]


def again(failed: str) -> list[str]:
    """Return the roads to take to see a failure again, if it is known on which it was."""
    if failed in ("", "process"):
        return []
    if "compiled" in failed or "jit" in failed or "wasm" in failed:
        return ["compiled"]
    return ["second order"] if "second" in failed else ["eager", "recorded", "minimize"]


def main() -> int:
    """Fuzz, and return an exit code."""
    made = parser("tests.fuzz", "programs", 1000)
    made.add_argument("--compiled", type=float, default=0.01, help="share to compile")
    made.add_argument("--jax", type=float, default=0.005, help="share to hold against JAX")
    options = made.parse_args()
    return fuzz(Programs(options.compiled, options.jax), options.count, options.seed, options.jobs)


if __name__ == "__main__":
    sys.exit(main())
