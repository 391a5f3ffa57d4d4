"""Whole networks: ``python -m tests.fuzz.networks --configurations 1000 --seed 0 --jobs 2``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.fuzz.jobs import fuzz, parser
from tests.fuzz.networks.configuration import Configuration, quiet
from tests.fuzz.networks.drawing import drawn

LIMIT, COMPILING = 60, 240  # seconds for a configuration


@dataclass
class Networks:
    """Random networks, a share of which is compiled as well."""

    compiled: float
    name = "configurations"

    def case(self, seed: int) -> Configuration:
        return drawn(seed, self.compiled)

    def judge(self, case: Configuration, seed: int, failed: str = "") -> Counter[str]:
        from tests.fuzz.networks.roads import judge  # PyTorch is slow to start

        return judge(case)

    def smaller(self, case: Configuration) -> Iterator[Configuration]:
        return case.smaller()

    def pasted(self, case: Configuration) -> str:
        return str(case)

    def limit(self, seed: int) -> int:
        return COMPILING if self.case(seed).compiled else LIMIT


def main() -> int:
    """Fuzz, and return an exit code."""
    made = parser("tests.fuzz.networks", "configurations", 1000)
    made.add_argument("--compiled", type=float, default=0.05, help="share to compile")
    options = made.parse_args()
    quiet()
    return fuzz(Networks(options.compiled), options.count, options.seed, options.jobs)


if __name__ == "__main__":
    sys.exit(main())
