"""Networks as scikit-learn estimators."""

from typing import TYPE_CHECKING

from chainrule._src.tabular import estimators as _estimators
from chainrule._src.tabular.estimators import __getattr__ as __getattr__

if TYPE_CHECKING:
    from chainrule._src.tabular.estimators import *

__all__ = _estimators.__all__
