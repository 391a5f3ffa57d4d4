"""The digits are scikit-learn's, split and scaled as scikit-learn would, to the last bit."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from chainrule.data import load_digits
from chainrule.errors import DataError


@pytest.mark.parametrize(("test_size", "seed"), [(0.15, 37), (0.5, 0), (100, 1)])
def test_digits_are_those_of_scikit_learn(test_size, seed):
    bunch = datasets.load_digits()
    pixels, target = bunch.data.astype("float32"), bunch.target.astype("int32")
    parts = train_test_split(pixels, target, test_size=test_size, random_state=seed)
    scaler = StandardScaler().fit(parts[0])
    digits = load_digits(test_size, seed)
    np.testing.assert_array_equal(digits.images, bunch.images)
    np.testing.assert_array_equal(digits.target, bunch.target)
    np.testing.assert_array_equal(digits.y_train, parts[2])
    np.testing.assert_array_equal(digits.y_test, parts[3])
    np.testing.assert_array_equal(digits.mean, scaler.mean_)
    np.testing.assert_array_equal(digits.scale, scaler.scale_)
    np.testing.assert_array_equal(digits.X_train, digits.scaler.transform(parts[0]))
    np.testing.assert_array_equal(digits.X_test, scaler.transform(parts[1]))
    assert digits.X_test.dtype == "float32"
    assert digits.y_train.dtype == digits.target.dtype == "int32"


def test_an_image_is_what_its_pixels_came_from(digits):
    back = digits.scaler.inverse_transform(digits.X_test[:1].astype(float))[0].reshape(8, 8)
    np.testing.assert_array_equal(digits.image(digits.X_test[0]), back)


@pytest.mark.parametrize("test_size", [0.0, 1.0, 1.5, 0, 1797, -1])
def test_a_split_leaves_samples_on_both_sides(test_size):
    with pytest.raises(DataError, match="test_size"):
        load_digits(test_size)


def test_digits_are_read_without_scikit_learn():
    code = (
        "import sys; from chainrule.data import load_digits; load_digits();"
        "print([name for name in sys.modules if name.startswith('sklearn')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
