"""Speed up scikit-learn's own network in scripts that are not changed.

``python -m chainrule.accel script.py``, ``%load_ext chainrule.accel`` in a notebook, or `install`.
Training and prediction of `sklearn.neural_network.MLPClassifier` and ``MLPRegressor`` are replaced
within the classes, wherever they were imported before: objects and pickles remain scikit-learn's.
A call that is not replaced is logged by the logger ``chainrule.accel`` at the level INFO.

L-BFGS is left to scikit-learn, because its line searches enlarge rounding errors: a script would
print other numbers.
"""

from __future__ import annotations

import gc
import logging
from typing import Any

from chainrule._src.base.extras import needs

# scikit-learn makes many objects that stay: a collector that scans them again and again takes a
# tenth of the time of its import, which a short script would lose.
_collects = gc.isenabled()
gc.disable()
with needs("chainrule.accel", "tables", "sklearn", "joblib"):
    from joblib.externals.loky.backend import reduction
    from joblib.parallel import BatchedCalls
    from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron

    from chainrule._src.tabular.estimators.training import obstacle, output
if _collects:
    gc.freeze()
    gc.enable()

__all__ = ["install", "is_installed", "uninstall"]

_log = logging.getLogger("chainrule.accel")
_REPLACED = ("_fit_stochastic", "_fit_lbfgs", "_forward_pass_fast")
_theirs = {name: getattr(BaseMultilayerPerceptron, name) for name in _REPLACED}


def install() -> None:
    """Replace the training and prediction of scikit-learn's network by chainrule's.

    Examples
    --------
    >>> import chainrule.accel
    >>> chainrule.accel.install()
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> MLPClassifier(random_state=0).fit(X, y).score(X, y)
    1.0
    >>> chainrule.accel.uninstall()
    """
    for method in (_fit_stochastic, _fit_lbfgs, _forward_pass_fast):
        setattr(BaseMultilayerPerceptron, method.__name__, method)
    reduction.register(BatchedCalls, _reduced)


def uninstall() -> None:
    """Restore scikit-learn's own training and prediction.

    Examples
    --------
    >>> install()
    >>> uninstall()
    >>> is_installed()
    False
    """
    for name, method in _theirs.items():
        setattr(BaseMultilayerPerceptron, name, method)


def is_installed() -> bool:
    """Return true if chainrule trains scikit-learn's network.

    Returns
    -------
    bool

    Examples
    --------
    >>> install()
    >>> is_installed()
    True
    >>> uninstall()
    """
    return bool(BaseMultilayerPerceptron._fit_stochastic is _fit_stochastic)


def load_ipython_extension(shell: Any) -> None:
    """Install the replacement; IPython calls this for ``%load_ext chainrule.accel``.

    Parameters
    ----------
    shell : InteractiveShell
        IPython's shell, which is not used.

    Examples
    --------
    >>> load_ipython_extension(None)
    >>> is_installed()
    True
    >>> uninstall()
    """
    install()


def unload_ipython_extension(shell: Any) -> None:
    """Remove the replacement; IPython calls this for ``%unload_ext chainrule.accel``.

    Parameters
    ----------
    shell : InteractiveShell
        IPython's shell, which is not used.

    Examples
    --------
    >>> load_ipython_extension(None)
    >>> unload_ipython_extension(None)
    >>> is_installed()
    False
    """
    uninstall()


def _fit_stochastic(
    self: Any, X: Any, y: Any, sample_weight: Any, activations: Any, deltas: Any, coef_grads: Any,
    intercept_grads: Any, layer_units: Any, incremental: bool,
) -> None:  # fmt: skip
    why = obstacle(self, X, layer_units, incremental)
    if why is None:
        from chainrule._src.tabular.estimators.stochastic import fit_stochastic

        fit_stochastic(self, X, y, sample_weight, incremental)
        return
    _log_reason(self, why)
    _theirs["_fit_stochastic"](
        self, X, y, sample_weight, activations, deltas, coef_grads, intercept_grads, layer_units,
        incremental,
    )  # fmt: skip


def _fit_lbfgs(self: Any, *args: Any) -> None:
    _log_reason(self, "L-BFGS enlarges rounding errors, so that other numbers would be printed")
    _theirs["_fit_lbfgs"](self, *args)


def _log_reason(model: Any, why: str) -> None:
    _log.info("scikit-learn trains %s: %s", type(model).__name__, why)


def _forward_pass_fast(self: Any, X: Any, check_input: bool = True) -> Any:
    quick = output(self, X, check_input)
    return _theirs["_forward_pass_fast"](self, X, check_input) if quick is None else quick


def _reduced(calls: Any) -> Any:
    """Reduce joblib's calls for pickling, so that the receiving process installs first."""
    return (_install_and_make, calls.__reduce__()) if is_installed() else calls.__reduce__()


def _install_and_make(make: Any, args: Any) -> Any:
    install()
    return make(*args)
