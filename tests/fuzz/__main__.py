"""The fuzzer: ``python -m tests.fuzz --programs 1000 --seed 0 --jobs 2 --compiled 0.01``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tests.fuzz.grammar import program_of
from tests.fuzz.jobs import fuzz, parser
from tests.fuzz.judges import InvalidError, judge
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

    def judge(self, case: Program, seed: int) -> Counter[str]:
        try:
            return judge(case, **self._options(seed))
        except InvalidError:
            return Counter({"without a number": 1})

    def smaller(self, case: Program) -> Iterator[Program]:
        return smaller(case)

    def pasted(self, case: Program) -> str:
        return case.pasted()

    def limit(self, seed: int) -> int:
        return COMPILING if any(self._options(seed).values()) else LIMIT

    def _options(self, seed: int) -> dict[str, bool]:
        """Return which of the slower roads a program takes, by its seed."""
        draws = np.random.default_rng([seed, 1]).random(2)
        return {"compiled": bool(draws[0] < self.compiled), "jax": bool(draws[1] < self.jax)}


def main() -> int:
    """Fuzz, and return an exit code."""
    made = parser("tests.fuzz", "programs", 1000)
    made.add_argument("--compiled", type=float, default=0.01, help="share to compile")
    made.add_argument("--jax", type=float, default=0.005, help="share to hold against JAX")
    options = made.parse_args()
    return fuzz(Programs(options.compiled, options.jax), options.count, options.seed, options.jobs)


if __name__ == "__main__":
    sys.exit(main())
