"""What tests may ask of the machine that they run on; an emulated one is slower, and says so."""

import os
import sys

SLOWNESS = float(os.environ.get("CHAINRULE_TESTS_SLOWNESS", "1"))  # a factor of what tests wait
# To a process qemu gives another time at which it started than to others: they think it dead.
KNOWS_STARTS = sys.platform != "linux" or SLOWNESS == 1
# Windows has no such limit, macOS does not say what is in use, and qemu does as if it set one.
LIMITS_MEMORY = sys.platform == "linux" and SLOWNESS == 1
