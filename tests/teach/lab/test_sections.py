import dataclasses
import pickle
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from tests.digits import with_few_digits

from chainrule import plots
from chainrule._src.teach.lab import hyperparameters
from chainrule._src.teach.lab.overfitting import converged, verdict
from chainrule._src.teach.lab.results import as_tables, format_number
from chainrule._src.teach.lab.sections import section_text
from chainrule.callbacks import History
from chainrule.errors import DataError, MissingDependencyError, UnknownNameError
from chainrule.lab import SECTIONS, Lab


@pytest.fixture(scope="module")
def small_lab():
    """Return a full lab with a quarter of the digits."""
    return with_few_digits(Lab(log=lambda line: None))


@pytest.mark.thorough  # every section runs
def test_numbers_in_rows_and_columns_are_a_table(quick_lab):
    [(columns, rows)] = as_tables(quick_lab.run("mini-batches").numbers)
    assert columns == ["", "updates per second", "train loss", "test accuracy", "gradient norm"]
    assert [row[0] for row in rows] == [
        f"batch {size}" for size in quick_lab.run("mini-batches").runs
    ]
    assert {len(row) for row in rows} == {5}
    for name in SECTIONS:
        if name != "keras":
            numbers = quick_lab.run(name).numbers
            texts = [text for _, rows in as_tables(numbers) for row in rows for text in row[1:]]
            assert texts == list(map(format_number, numbers.values()))


def test_numbers_are_shown_to_four_digits():
    shown = [format_number(value) for value in (348.7308, 66.8992, 9.5548, 0.0204, 1234.5, 12345.6)]
    assert shown == ["348.7", "66.9", "9.5548", "0.0204", "1234", "1.2e+04"]


def test_a_prediction_before_and_after_training_is_of_the_same_sample(quick_lab):
    for name in ("softmax-regression", "hidden-layer"):
        result = quick_lab.run(name)
        assert result.before.index == result.after.index


@pytest.mark.thorough  # many trainings
def test_means_over_trainings_say_so(quick_lab):
    result = quick_lab.run("framework")
    several = dataclasses.replace(result, trainings=3)
    assert "in the mean of 3 trainings" in several.findings
    assert "in the mean" not in result.findings
    assert result.trainings == 1


@pytest.mark.thorough  # many trainings
def test_the_best_cell_of_the_map_is_framed(quick_lab):
    result = quick_lab.run("hyperparameters")
    ax = result.plot_map()
    [frame] = ax.patches
    row, column = np.unravel_index(np.argmax(result.accuracies), result.accuracies.shape)
    assert (frame.get_x() + 0.5, frame.get_y() + 0.5) == (column, row)
    plt.close(ax.figure)


def test_arrows_of_a_graph_end_at_the_boxes():
    ax = plots.graph(["a", "b", "a long label\nof two lines"], [(0, 2), (1, 2)])
    ax.figure.canvas.draw()
    renderer = ax.figure.canvas.get_renderer()
    arrows = [text.arrow_patch for text in ax.texts if getattr(text, "arrow_patch", None)]
    boxes = [text.get_bbox_patch().get_window_extent(renderer) for text in ax.texts[:3]]
    assert len(arrows) == 2
    for arrow in arrows:
        path, _ = arrow._get_path_in_displaycoord()
        for box in boxes:
            assert not box.contains(*path[0].vertices[-1])
    plt.close(ax.figure)


def assert_complete(lab, name):
    """A section gives numbers, findings and pictures, and can be sent to another process."""
    result = lab.run(name)
    assert result is lab.run(name)
    assert result.numbers
    assert all(format_number(value) for value in result.numbers.values())
    assert len(result.findings) > 60
    for picture in result.pictures:
        assert picture.caption.endswith(".")
        ax = picture.draw(None)
        ax.figure.canvas.draw()
        plt.close(ax.figure)
    _, ax = plt.subplots()
    assert result.plot(ax) is ax
    plt.close(ax.figure)
    title, paragraphs = section_text(name)
    assert title
    assert paragraphs
    pickle.loads(pickle.dumps(result))  # the report draws it in another process


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("name", [name for name in SECTIONS if name != "keras"])
def test_every_section_gives_numbers_findings_and_pictures(name, quick_lab):
    assert_complete(quick_lab, name)


@pytest.mark.thorough  # a whole lab
@pytest.mark.parametrize("seed", range(2))
def test_the_labs_numbers_over_seeds(seed, full_lab):
    lab = Lab(seed=seed, log=lambda line: None) if seed else full_lab
    regression, hidden = lab.run("softmax-regression"), lab.run("hidden-layer")
    lines = [*regression.log, *hidden.log]

    loss, train, test = regression.scores[-1]
    assert regression.updates[-1] == 1500
    assert 0.225 <= loss <= 0.245
    assert train >= 0.945
    assert test >= 0.935

    assert hidden.history.epoch[-1] == 15
    assert 0.014 <= hidden.history.loss[-1] <= 0.033
    assert hidden.history.accuracy[-1] >= 0.995
    assert 0.94 <= hidden.history.val_accuracy[-1] <= 0.99
    assert regression.check.report.passed
    assert hidden.check.report.passed
    assert lines[-1].startswith("Epoch #15, train loss: 0.0")
    assert f"Update #1500, train loss: {loss:.4f}, train acc: {train:.3f}" in "\n".join(lines)


def test_the_digits_are_the_labs(digits):
    assert digits.X_train.shape == (1527, 64)
    assert digits.X_test.shape == (270, 64)
    assert digits.X_train.dtype == digits.X_test.dtype == np.float32
    assert digits.y_train.dtype == digits.y_test.dtype == np.int32
    np.testing.assert_allclose(digits.X_train.mean(axis=0), 0, atol=1e-5)
    scales = digits.X_train.std(axis=0)
    np.testing.assert_allclose(scales[scales > 0], 1, atol=1e-4)
    first = digits.image(digits.X_train[0])
    assert any(np.allclose(first, image, atol=1e-4) for image in digits.images)


def test_worst_predictions_are_ranked_by_loss(quick_lab):
    worst = quick_lab.run("worst-predictions")
    model = quick_lab.run("hidden-layer").model
    digits = quick_lab.digits
    ranked = worst.losses[worst.order]
    assert (np.diff(ranked) <= 0).all()
    first = worst.order[0]
    assert ranked[0] == pytest.approx(model.loss(digits.X_test[first], digits.y_test[first]))
    assert worst.confusion.sum() == len(digits.y_test)
    assert np.trace(worst.confusion) == (worst.y_true == worst.y_pred).sum()


@pytest.mark.thorough  # many epochs
def test_zero_start_fails_for_the_reason_given(monkeypatch):
    monkeypatch.setattr(hyperparameters, "EPOCHS", 1)
    monkeypatch.setattr(hyperparameters, "ORDERS", 2)  # of one there is no deviation
    monkeypatch.setattr(hyperparameters, "ACTIVATIONS", ["relu"])
    result = Lab(log=lambda line: None).run("hyperparameters")
    zeros, uniform = result.starts["zeros"], result.starts["uniform"]
    assert zeros.first_gradient == 0
    assert uniform.first_gradient > 1e-3
    assert zeros.spread[0] == 0
    assert zeros.spread[1] < 1e-6
    assert (zeros.distinct[1], uniform.distinct[1]) == (1, 10)
    assert zeros.history.loss[1] > 3 * uniform.history.loss[1]
    assert 0.05 <= result.best[1] <= 0.3
    assert result.accuracies.shape == (5, 13)


@pytest.mark.thorough  # many epochs
def test_mini_batches_and_momentum_tell_what_the_texts_say(small_lab):
    runs = small_lab.run("mini-batches").runs
    assert all((np.diff(run.seconds) > 0).all() for run in runs.values())
    assert [run.updates[-1] for run in runs.values()] == [5715, 720, 180, 45, 15]
    momentum = small_lab.run("momentum")
    assert momentum.losses[0.9][-1] < momentum.losses[0.0][-1] / 5
    assert momentum.batch_losses[0.9][0] == momentum.batch_losses[0.0][0]


@pytest.mark.thorough  # many epochs
def test_the_lab_overfits_and_says_so(small_lab):
    result = small_lab.run("overfitting")
    assert result.has_converged
    assert result.history.epoch[-1] >= 50
    assert result.verdict == "overfitting"
    assert "overfits" in result.findings


def history(accuracy, val_accuracy, loss, val_loss):
    made = History()
    for epoch in range(12):
        made.append(epoch, {"accuracy": accuracy, "val_accuracy": val_accuracy,
                            "loss": loss, "val_loss": val_loss})  # fmt: skip
    return made


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0.999, 0.95, 0.01, 0.2), "overfitting"),
        ((0.90, 0.89, 0.4, 0.41), "underfitting"),
        ((0.99, 0.985, 0.05, 0.06), "neither"),
    ],
)
def test_verdicts(numbers, expected):
    assert converged(history(*numbers))
    assert verdict(history(*numbers), True) == expected
    assert verdict(history(*numbers), False) == "not converged"


def test_not_converged_while_the_loss_still_falls():
    made = History()
    for epoch in range(20):
        made.append(epoch, {"loss": 1 / (epoch + 1), "accuracy": 0.9})
    assert not converged(made)


def test_same_seed_same_numbers():
    one, two = (with_few_digits(Lab(seed=7, quick=True, log=lambda line: None)) for _ in range(2))
    assert one.run("hidden-layer").history == two.run("hidden-layer").history


def test_an_unknown_section_and_a_wrong_seed():
    with pytest.raises(UnknownNameError, match="did you mean 'momentum'"):
        Lab().run("momentun")
    with pytest.raises(DataError, match="seed"):
        Lab(seed=-1)


def test_without_keras_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingDependencyError, match="pip install 'chainrule"):
        Lab(quick=True, log=lambda line: None).run("keras")


def test_compiled_training_is_the_same_training(small_lab):
    result = small_lab.run("compiled")
    # The lab's loss has 1e-8 inside its logarithm; and one sample at a time, rounding of 1e-16
    # grows by orders of magnitude over 23,000 updates.
    np.testing.assert_allclose(result.compiled[:6], result.by_hand[:6], rtol=1e-6)
    np.testing.assert_allclose(result.compiled, result.by_hand, rtol=1e-4)
    assert result.difference < 1e-3
    assert result.speed_up > 5
