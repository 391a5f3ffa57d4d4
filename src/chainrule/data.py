"""Data that a package ships: scikit-learn's handwritten digits."""

from chainrule._src.data import datasets as _datasets
from chainrule._src.data.datasets import *

__all__ = _datasets.__all__
