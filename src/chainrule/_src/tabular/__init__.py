"""scikit-learn estimators for tables, and recipes that train a network on a table."""
