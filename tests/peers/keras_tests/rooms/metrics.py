"""Metrics that are given NumPy's arrays."""

from tests.peers.keras_tests.adapting import with_arrays
from tests.peers.keras_tests.imports import Room

from chainrule import metrics
from chainrule.metrics import Metric

room = Room("metrics", vars(metrics))
PATCHES = {
    Metric: {name: with_arrays(vars(Metric)[name]) for name in ("update_state", "__call__")},
}
