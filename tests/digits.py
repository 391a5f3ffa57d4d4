"""Fewer digits for a lab, for what holds for few as for many."""

import dataclasses


def with_few_digits(lab):
    """Give a lab a quarter of its training set, and return it."""
    d = lab.digits
    few = dataclasses.replace(d, X_train=d.X_train[:381], y_train=d.y_train[:381])
    vars(lab)["digits"] = few
    return lab
