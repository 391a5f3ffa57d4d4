"""The lab's section that trains the same network in Keras."""

import numpy as np
import pytest
from tests.teach.lab.test_sections import assert_complete

pytest.importorskip("keras")


def test_the_section_gives_numbers_findings_and_pictures(quick_lab):
    assert_complete(quick_lab, "keras")


@pytest.fixture(scope="module")
def result(full_lab):
    return full_lab.run("keras")


def test_parameters_agree_after_fifteen_epochs(result):
    assert result.history.epoch[-1] == 15
    assert set(result.differences) == {"W_h", "b_h", "W_o", "b_o"}
    assert max(result.differences.values()) < 1e-4


def test_losses_agree_epoch_by_epoch(result):
    assert result.keras_history.epoch == result.history.epoch
    np.testing.assert_allclose(result.keras_history.loss, result.history.loss, atol=1e-4)


def test_likelihoods(result, full_lab):
    digits = full_lab.digits
    assert result.train_nll == pytest.approx(result.reported, abs=1e-5)
    assert result.sample.label == digits.y_test[42]
    assert result.sample.probabilities.sum() == pytest.approx(1, abs=1e-5)
    p = result.sample.probabilities[result.sample.label]
    assert result.sample_nll == pytest.approx(-np.log(p), abs=1e-5)
