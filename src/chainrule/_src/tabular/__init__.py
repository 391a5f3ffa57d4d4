"""scikit-learn estimators for tables, and recipes that train a network on a table."""

# The modules that other wings may import; the rest is private to this wing.
DOORS = (
    "recipes.ensembles", "recipes.folds", "recipes.importance", "recipes.kinds",
    "recipes.recipe", "recipes.scores", "recipes.tabular", "recipes.trained", "recipes.turns",
    "sweeps",
)  # fmt: skip
