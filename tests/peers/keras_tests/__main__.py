"""Print what of Keras's own tests passes: ``python -m tests.peers.keras_tests [family ...]``.

With ``--failures`` why the others fail; with ``--keras`` Keras itself is run, to see what does
not pass here in any case.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # before anything imports Keras

from tests.peers.keras_tests import FAMILIES
from tests.peers.keras_tests.running import LACKING, exceptions, files, outcomes, reason


def main():
    parser = argparse.ArgumentParser(prog="tests.peers.keras_tests", description=__doc__)
    parser.add_argument("families", nargs="*", default=list(FAMILIES), metavar="family")
    parser.add_argument("--failures", action="store_true", help="why tests fail, one a line")
    parser.add_argument("--keras", action="store_true", help="run Keras itself")
    args = parser.parse_args()
    known = exceptions()
    print(f"{'family':<14}{'tests':>7}{'passed':>8}{'applicable':>12}{'share':>8}")
    for family in args.families:
        found = {}
        for file in files(family):
            found |= outcomes(file, on_chainrule=not args.keras)
        failed = {test: why for test, why in found.items() if why is not None}
        reasons = {test: reason(test, known) for test in failed}
        left_out = [t for t, why in reasons.items() if why and not why.startswith(LACKING)]
        passed, applicable = len(found) - len(failed), len(found) - len(left_out)
        share = f"{passed / max(applicable, 1):.1%}"
        print(f"{family:<14}{len(found):>7}{passed:>8}{applicable:>12}{share:>8}")
        for test, why in failed.items():
            if args.failures or reasons[test]:
                print(f"    {test}  {why if args.failures else reasons[test]}")


main()
