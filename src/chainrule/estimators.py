"""Networks as scikit-learn estimators."""

from typing import TYPE_CHECKING

from chainrule._src.tabular.estimators import __all__

if TYPE_CHECKING:
    pass

__all__ = __all__
