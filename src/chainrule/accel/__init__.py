"""Train scikit-learn's networks of an unchanged script with chainrule."""

from chainrule._src.tabular.accel import (
    install,
    is_installed,
    load_ipython_extension,
    uninstall,
    unload_ipython_extension,
)

__all__ = [
    "install",
    "is_installed",
    "load_ipython_extension",
    "uninstall",
    "unload_ipython_extension",
]
