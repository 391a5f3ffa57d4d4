"""scikit-learn's own tests of its network, from the installed wheel, run on chainrule.

``python -m tests.peers.redirected classes`` gives ``test_mlp.py`` chainrule's classes where it
imports scikit-learn's; ``accel`` runs all tests of the room with `chainrule.accel` installed. Every
network is trained by chainrule, also where scikit-learn's own loop would be done sooner. Prints how
many fits that were.
"""

import os
import sys

import pytest
import sklearn.neural_network as room

import chainrule as cr
import chainrule.accel
from chainrule._src.tabular.estimators import cost, stochastic

ROOM = "sklearn.neural_network.tests"


def main(how, *options):
    """Run the tests; return pytest's exit code."""
    cost.SHORT = cost.CALL = 0
    fits, fit = [], stochastic.fit_stochastic

    def counted(model, X, Y, weight, incremental, engine="numpy", validation=None):
        fits.append(engine)
        fit(model, X, Y, weight, incremental, "numpy", validation)  # each network is another

    stochastic.fit_stochastic = counted
    if how == "accel":
        chainrule.accel.install()
    else:
        room.MLPClassifier, room.MLPRegressor = (
            cr.estimators.MLPClassifier,
            cr.estimators.MLPRegressor,
        )
    tests = ROOM if how == "accel" else f"{ROOM}.test_mlp"
    code = pytest.main(["-c", os.devnull, "-p", "no:cacheprovider", "--pyargs", tests, *options])
    print("fits:", len(fits))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
