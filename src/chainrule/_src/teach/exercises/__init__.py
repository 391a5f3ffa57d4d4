"""The checks of our labs' exercises, which the labs' sources name."""

from __future__ import annotations

import os

from chainrule._src.core.names import count_names

count_names(os.path.dirname(__file__))
