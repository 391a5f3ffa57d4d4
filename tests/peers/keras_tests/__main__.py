"""Print what of Keras's own tests passes: ``python -m tests.peers.keras_tests [family ...]``.

With ``--failures`` why the others fail; with ``--keras`` Keras itself is run, to see what does
not pass here in any case.
"""

import argparse
import fnmatch
import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # before anything imports Keras

from tests.peers.keras_tests import FAMILIES
from tests.peers.keras_tests.running import applicable, exceptions, of_family


def main():
    parser = argparse.ArgumentParser(prog="tests.peers.keras_tests", description=__doc__)
    parser.add_argument("families", nargs="*", default=list(FAMILIES), metavar="family")
    parser.add_argument("--failures", action="store_true", help="why tests fail, one a line")
    parser.add_argument("--keras", action="store_true", help="run Keras itself")
    args = parser.parse_args()
    known = exceptions()
    print(f"{'family':<14}{'tests':>7}{'passed':>8}{'applicable':>12}{'share':>8}")
    for family in args.families:
        found = of_family(family, on_chainrule=not args.keras)
        count, passed = len(applicable(found, known)), list(found.values()).count(None)
        print(f"{family:<14}{len(found):>7}{passed:>8}{count:>12}{passed / max(count, 1):>8.1%}")
        failed = {test: why for test, why in found.items() if why is not None}
        if args.failures:
            for test, why in failed.items():
                print(f"    {test}  {why}")
            continue
        for pattern, why in known.items():
            if tests := fnmatch.filter(failed, pattern):
                print(f"    {len(tests)} of {pattern}  {why}")


main()
