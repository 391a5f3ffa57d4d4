"""Optional packages: installed with an extra of this package, and checked before any work."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from chainrule._src.base.errors import MissingDependencyError
from chainrule._src.base.interrupts import deferred

# Those whose modules have another name.
_DISTRIBUTIONS = {"PIL": "pillow", "markdown_it": "markdown-it-py", "sklearn": "scikit-learn"}


def needs(what: str, extra: str, *packages: str) -> deferred:
    """Check that packages are installed; return the block in which they are imported.

    Parameters
    ----------
    what : str
        The feature, as the message names it.
    extra : str
        The extra of this package that installs them; ``""`` where no extra does.
    *packages : str
        Names of the modules to import.

    Returns
    -------
    deferred
        A context manager, in which an interrupt waits until the imports are done.

    Raises
    ------
    MissingDependencyError
        If one is not installed.

    Examples
    --------
    >>> with needs("arithmetic", "", "numpy"):
    ...     import numpy
    >>> try:
    ...     needs("telepathy", "all", "numpy", "brainwaves")
    ... except MissingDependencyError as error:
    ...     print(error)
    telepathy needs brainwaves: pip install 'chainrule[all]'
    """
    missing = [_DISTRIBUTIONS.get(name, name) for name in packages if not is_installed(name)]
    if missing:
        names = ", ".join(missing[:-1]) + " and " * (len(missing) > 1) + missing[-1]
        source = f"'chainrule[{extra}]'" if extra else " ".join(missing)
        raise MissingDependencyError(f"{what} needs {names}: pip install {source}")
    return deferred()


def is_installed(package: str) -> bool:
    """Return true if a package can be imported; the package is not imported."""
    if package in sys.modules:
        return sys.modules[package] is not None
    return find_spec(package) is not None
