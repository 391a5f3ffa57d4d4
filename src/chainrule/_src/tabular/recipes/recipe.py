"""How to train on a table."""

from __future__ import annotations

from dataclasses import dataclass

CLASS_WEIGHTS = {"none": None, "balanced": "balanced"}
PATIENCE = 10  # epochs without a lower loss that stopping early bears


@dataclass(frozen=True)
class Recipe:
    """Which network, trained how.

    Attributes
    ----------
    columns, drop, text : tuple of str
        Columns to learn from, by default all; not to learn from; to take as free text.
    max_categories : int
        Features of a column of text, at most.
    threshold : float or "balanced"
        Of two classes, the probability from which on the second is predicted; balanced: the one
        with the best balanced accuracy on rows kept aside.
    recipe : {"ensemble", "mlp", "linear", "realmlp"}
        Of `RECIPES`; other fields are here as the first one has them.
    cv : int
        Parts that are kept aside in turn to score it, at least 2; 0: none.
    ensemble : int
        Networks, from different seeds, whose outputs are averaged.
    interval : float
        Share of the true values that a quantity's interval is to hold; 0: no interval.
    target : str or None
        By default the data's own, if they have one.
    hidden : tuple of int
        Units of the hidden layers; none makes it softmax or linear regression.
    lr : float or None
        By default the optimizer's own.
    """

    target: str | None = None
    recipe: str = "ensemble"
    task: str = "auto"
    hidden: tuple[int, ...] = (64,)
    activation: str = "relu"
    dropout: float = 0.0
    l2: float = 0.0
    optimizer: str = "adam"
    lr: float | None = None
    epochs: int = 300
    batch_size: int = 32
    validation: float = 0.2
    early_stop: bool = True
    class_weight: str = "none"
    seed: int | None = 0
    columns: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    max_categories: int = 5000
    threshold: float | str = 0.5
    cv: int = 0
    ensemble: int = 5
    interval: float = 0.0
