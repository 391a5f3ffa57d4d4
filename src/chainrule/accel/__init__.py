"""Train scikit-learn's networks of an unchanged script with chainrule."""

from chainrule._src.tabular.accel import install, load_ipython_extension, uninstall

__all__ = ["install", "load_ipython_extension", "uninstall"]
