from tests.peers.keras_tests.adapting import calls_with_arrays
from tests.peers.keras_tests.imports import Room

from chainrule import constraints

room = Room("constraints", vars(constraints))
PATCHES = calls_with_arrays(constraints, constraints.Constraint)
