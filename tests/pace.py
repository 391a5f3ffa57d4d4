"""The pace of the machine that tests run on: an emulated one, which sets it, is slower."""

import os

SLOWNESS = float(os.environ.get("CHAINRULE_TESTS_SLOWNESS", "1"))  # a factor of what tests wait
