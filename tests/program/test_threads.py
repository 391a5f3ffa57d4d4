"""Several threads record, write and compile at once."""

import gc
import sys
import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule.program.kernels import function_kernel
from chainrule.program.passes import expand, fixed
from chainrule.program.program import trace


@pytest.fixture
def restless():
    """Switch threads as often as it can be, also while Python parses: its collector runs Python."""
    before = sys.getswitchinterval(), gc.get_threshold()

    def collected(phase, info):
        sum(range(50))

    sys.setswitchinterval(1e-6)
    gc.set_threshold(20)
    gc.callbacks.append(collected)
    yield
    gc.callbacks.remove(collected)
    sys.setswitchinterval(before[0])
    gc.set_threshold(*before[1])


def network(params, X):
    for W in params:
        X = np.tanh(X @ W + X * 2) / (1 + X**2)
    return np.mean(X)


def test_syntax_trees_are_made_by_one_thread_at_a_time(restless):
    step = trace(cr.value_and_grad(network), expand)
    program = fixed(step([np.eye(3)] * 6, np.ones((4, 3))), 4)
    texts, errors = [], []

    def work():
        try:
            for _ in range(3):
                texts.append(function_kernel(program).text)
        except SystemError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(texts) == 12
    assert len(set(texts)) == 1
