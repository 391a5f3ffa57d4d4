"""Metrics as part of a recorded program."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import losses, metrics
from chainrule._src.base.config import made, plain
from chainrule._src.trace.tracing import trace

from .test_values import CASES, IDS, ROWS, batches

MATRICES = [
    ("ConfusionMatrix", {"num_classes": 4}, "labels", "shares"),
    ("MeanIoU", {"num_classes": 4}, "labels", "labels"),
]


@pytest.mark.sampled(quick=10)
@pytest.mark.parametrize("case", [*CASES, *MATRICES], ids=[*IDS, "matrix", "iou"])
def test_program_and_machine_code_measure_the_same(case):
    metric, data = getattr(metrics, case[0])(**case[1]), next(batches(case, 0))

    def measure(_, *data):  # both in one, which is compiled once
        return metric.measure(*data[:2]), metric.measure(*data)

    program, none = trace(measure)(np.zeros(1), *data), np.zeros(1)
    compiled = cr.jit(measure)
    assert program.general
    for rows in (ROWS, 5):
        batch = [part[:rows] for part in data]
        for run in (program, compiled):
            for found, expected in zip(run(none, *batch), measure(none, *batch), strict=True):
                assert found.keys() == expected.keys()
                for key, part in expected.items():
                    np.testing.assert_allclose(found[key], part, rtol=2e-6, atol=1e-6)


def test_accuracy_costs_no_softmax_in_a_training_step():
    loss, accuracy = losses.SparseCategoricalCrossentropy(), metrics.SparseCategoricalAccuracy()

    def step(W, X, y):
        p = cr.softmax(X @ W)
        return loss(y, p), accuracy.measure(y, p)

    program = trace(step)(np.eye(3), np.ones((5, 3)), np.arange(5) % 3)
    names = [equation.primitive.name for equation in program.equations]
    assert "log_softmax" in names
    assert "softmax" not in names


def test_losses_and_metrics_of_one_name_are_told_apart():
    for thing in (losses.MeanSquaredError(), metrics.MeanSquaredError()):
        assert type(made(plain(thing))) is type(thing)
