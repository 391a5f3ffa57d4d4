"""A layer made from another one hands on what its weights are to be like."""

import numpy as np
import pytest

from chainrule.layers import Conv2D, Dense


class Ones(Dense):
    def __init__(self, **options):
        super().__init__(2, kernel_initializer="ones", **options)


class Both(Dense):
    def __init__(self):
        super().__init__(2, kernel_initializer="ones", bias_initializer="ones")


class Renamed(Dense):
    def __init__(self, units, start="zeros"):
        super().__init__(units, kernel_initializer=start)


class Own(Dense):
    def __init__(self, units, kernel_initializer="zeros", **options):
        super().__init__(units, kernel_initializer=kernel_initializer, **options)


@pytest.mark.parametrize(
    ("layer", "kernel", "bias"),
    [
        (Ones(), 1, 0), (Ones(bias_initializer="ones"), 1, 1), (Both(), 1, 1), (Renamed(2), 0, 0),
        (Renamed(2, "ones"), 1, 0), (Own(2), 0, 0), (Own(2, "ones"), 1, 0),
        (Own(2, bias_initializer="ones"), 0, 1),
    ],
)  # fmt: skip
def test_weights_are_as_was_handed_on(layer, kernel, bias):
    layer(np.ones((1, 3), "f4"))
    np.testing.assert_array_equal(layer.get_weights()[0], np.full((3, 2), kernel))
    np.testing.assert_array_equal(layer.get_weights()[1], np.full(2, bias))


def test_penalties_and_constraints_are_handed_on():
    class Held(Conv2D):
        def __init__(self):
            super().__init__(4, 3, kernel_regularizer="l2", kernel_constraint="non_neg")

    layer = Held()
    layer(np.ones((1, 8, 8, 1), "f4"))
    about = layer.weights[0].about
    assert type(about.regularizer).__name__ == "L2"
    assert type(about.constraint).__name__ == "NonNeg"


def test_wrong_arguments_are_told_as_before():
    with pytest.raises(TypeError, match="units"):
        Renamed()
