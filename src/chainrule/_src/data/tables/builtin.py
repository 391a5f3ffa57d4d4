"""The data sets that come with scikit-learn."""

from __future__ import annotations

import numpy as np

from chainrule._src.base.extras import needs
from chainrule._src.data.tables.table import ArrayTable, Table

BUILT_IN = ("breast_cancer", "diabetes", "digits", "iris", "wine")


def built_in(name: str) -> Table:
    """Return one of scikit-learn's data sets; its target is called ``target``.

    Examples
    --------
    >>> built_in("iris")
    <ArrayTable iris: 150 rows × 5 columns>
    """
    with needs(f"the data set {name}", "tables", "sklearn"):
        from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    columns = dict(zip(map(str, bunch.feature_names), bunch.data.T, strict=True))
    target = bunch.target
    if "target_names" in bunch:
        target = np.asarray(bunch.target_names).astype(str).astype(object)[target]
    return ArrayTable(name, {**columns, "target": target}, target="target")
