"""Data in their own units, sequences as such, and learning rates that a gradient suggests."""

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.blackboard import subjects, views
from chainrule._src.blackboard.models import sequential
from chainrule._src.blackboard.own import UserFile
from chainrule.errors import DataError

RNG = np.random.default_rng(0)
FILE = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.uniform(-30, 30, (400, 2))
y = X @ np.array([2.0, -3.0]) + 50
params = {"w": np.zeros(2), "b": np.zeros(())}
def loss(params, X, y):
    return np.mean((X @ params["w"] + params["b"] - y) ** 2)
"""


def own(tmp_path, more=""):
    file = tmp_path / "mine.py"
    file.write_text(FILE + more)
    return UserFile(file, subjects.digits()).subject


def test_tables_bring_the_units_of_features_and_of_the_target():
    data = subjects.table("wine")
    raw = data.X * data.scale + data.mean
    assert data.features[0] == "alcohol"
    assert 10 < raw[:, 0].min() < raw[:, 0].max() < 16  # per cent
    diabetes = subjects.table("diabetes")
    assert 100 < diabetes.target.mean < 200
    header, arrays = views.setup(subjects.network(diabetes))
    assert header["data"]["target"] == vars(diabetes.target)
    assert len(arrays["mean"]) == len(diabetes.features)


def test_categories_keep_their_zeros_and_ones(tmp_path):
    rows = [f"{'ab'[i % 2]}{'cde'[i % 3]},{i % 7},{i % 2}" for i in range(60)]
    file = tmp_path / "table.csv"
    file.write_text("kind,size,class\n" + "\n".join(rows))
    data = subjects.table(str(file), "class")
    kinds = [i for i, name in enumerate(data.features) if name.startswith("kind=")]
    assert len(kinds) == 6
    assert set(data.mean[kinds]) == {0.0}
    assert set(data.scale[kinds]) == {1.0}


@pytest.mark.parametrize("shape", [(20, 1), (20, 3)])
def test_samples_of_few_values_a_step_are_sequences_and_no_pictures(shape):
    data = subjects.of_arrays(RNG.normal(size=(30, *shape)), np.arange(30) % 3)
    assert (data.sequence, data.image) == (shape, None)
    assert data.features[0].startswith("step 1")
    picture = subjects.of_arrays(RNG.normal(size=(30, 8, 8)), np.arange(30) % 3)
    assert (picture.sequence, picture.image) == (None, (8, 8))


def test_what_a_recurrent_model_takes_is_a_sequence():
    model = cr.Sequential([cr.layers.GRU(4), cr.layers.Dense(3, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    X, y = RNG.normal(size=(40, 8, 8)), np.arange(40) % 3
    assert sequential(model, X, y).data.sequence == (8, 8)


def test_a_loss_of_ones_own_starts_at_a_rate_with_which_it_falls(tmp_path):
    subject = own(tmp_path)
    X, y, params = subject.data.X, subject.data.y, dict(subject.params)
    losses = [subject.loss(params, X, y)]
    for _ in range(20):
        gradient = cr.grad(subject.loss)(params, X, y)
        params = {n: p - subject.settings["rate"] * gradient[n] for n, p in params.items()}
        losses.append(subject.loss(params, X, y))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 2


def test_the_file_can_set_the_rate_and_a_wrong_one_is_refused(tmp_path):
    assert own(tmp_path, "learning_rate = 0.03").settings["rate"] == 0.03
    with pytest.raises(DataError, match=r"mine.py: learning_rate must be a number from 1e-06"):
        own(tmp_path, "learning_rate = -1")


def test_a_loss_without_a_gradient_starts_at_the_usual_rate():
    def loss(params, X, y):
        raise ValueError("no")

    rate = subjects.suggested_rate(loss, {"w": np.zeros(2)}, subjects.digits())
    assert rate == subjects.DEFAULTS["rate"]
