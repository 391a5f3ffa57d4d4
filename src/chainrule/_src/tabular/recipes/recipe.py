"""Recipe for training on a table."""

from __future__ import annotations

from dataclasses import dataclass

CLASS_WEIGHTS = {"none": None, "balanced": "balanced"}
PATIENCE = 10  # epochs without a lower loss before early stopping


@dataclass(frozen=True)
class Recipe:
    """A kind of network with the settings of its training.

    Attributes
    ----------
    columns, drop, text : tuple of str
        Columns to learn from, by default all; columns to ignore; columns of free text.
    category, number : tuple of str
        Columns of numbers that are taken as categories; columns that are taken as quantities, texts
        of digits too. Other whole numbers of few values are tried as both.
    order : tuple of (str, tuple of str)
        Columns of text with their texts in ascending order, which become ranks.
    max_categories : int
        Maximum number of categories of a column that get a feature each.
    threshold : float or "balanced"
        With two classes, the probability above which the second is predicted; "balanced" chooses
        the threshold with the best balanced accuracy on the hold-out.
    recipe : {"ensemble", "mlp", "linear", "realmlp"}
        Name in `RECIPES`; the defaults of the other fields are those of the first one.
    cv : int
        Number of parts for cross-validation, at least 2; 0 for none.
    ensemble : int
        Number of networks, with different seeds, whose outputs are averaged.
    interval : float
        Share of the true values that a quantity's interval must contain; 0 for no interval.
    target : str or None
        Column to predict; by default the table's own target, if it names one.
    hidden : tuple of int
        Units of the hidden layers; empty for softmax or linear regression.
    lr : float or None
        Learning rate; by default the optimizer's.
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
    category: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    order: tuple[tuple[str, tuple[str, ...]], ...] = ()
    max_categories: int = 5000
    threshold: float | str = 0.5
    cv: int = 0
    ensemble: int = 5
    interval: float = 0.0
