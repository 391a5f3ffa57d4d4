"""Files of models and checkpoints."""

from chainrule._src.data import storage as _storage
from chainrule._src.data.storage import *

__all__ = _storage.__all__
