"""Things described by their arguments."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from chainrule._src.base.arguments import Flag, Number, Positive
from chainrule._src.base.config import Configurable, class_called, described, made, plain
from chainrule._src.base.registered import known_as
from chainrule.errors import DataError, UnknownNameError
from chainrule.losses import Loss


class Base(Configurable):
    def __init__(self, rate=0.1, *, limit=None):
        self.rate, self.limit = rate, limit


class Derived(Base):
    def __init__(self, parts=(1, 2), inner=None, **options):
        super().__init__(**options)
        self.parts, self.inner = tuple(parts), inner


def test_a_description_makes_the_same_again():
    thing = Derived((3, 4), Base(limit=2.0), rate=0.5)
    config = thing.get_config()
    assert config == {
        "parts": [3, 4],
        "inner": {
            "class_name": "Base",
            "config": {"rate": 0.1, "limit": 2.0},
            "module": __name__,
        },
        "rate": 0.5,
        "limit": None,
    }
    with known_as({"Base": Base, "Derived": Derived}):
        again = made(plain(thing))
    assert (again.parts, again.inner.limit, again.rate) == ((3, 4), 2.0, 0.5)
    assert plain(again) == plain(thing)


def test_a_changed_number_is_described_as_it_is_now():
    thing = Base()
    thing.rate = 0.7
    assert thing.get_config()["rate"] == 0.7
    assert repr(thing) == "Base(rate=0.7)"


def test_a_copy_is_described_too():
    assert copy.deepcopy(Derived(rate=3.0)).get_config() == Derived(rate=3.0).get_config()


def test_unknown_arguments_and_classes_are_named():
    with pytest.raises(UnknownNameError, match="argument of Derived 'ratee': did you mean 'rate'"):
        Derived(ratee=1.0)
    with pytest.raises(UnknownNameError, match="unknown loss 'Hubert': did you mean 'Huber'"):
        class_called("Hubert", Loss)
    with pytest.raises(DataError, match="must be a dict"):
        Base.from_config([1])


def test_what_cannot_be_described_says_so():
    with pytest.raises(DataError, match="cannot be described"):
        Base(rate=lambda: 1).get_config()


class Gain(Configurable):
    def __init__(self, by=1.0):
        self.by = by


class BigGain(Gain):
    pass


GAINS = {"gain": Gain, "big_gain": BigGain}


@pytest.mark.parametrize(
    "given",
    [
        "BigGain",
        "big_gain",
        BigGain,
        {"class_name": "big_gain", "config": {}},
        {"class_name": "BigGain", "config": None, "module": "keras", "registered_name": "BigGain"},
    ],
)
def test_names_classes_and_descriptions_are_taken(given):
    assert repr(described("gain", given, GAINS, Gain)) == "BigGain()"


@pytest.mark.parametrize(
    "about",
    [
        {"class_name": "BigGain", "module": "there", "registered_name": "BigGain"},
        {"class_name": "BigGain", "module": None, "registered_name": "there>BigGain"},
        {"class_name": "there>BigGain"},
    ],
)
def test_a_description_of_somebody_else_s_is_never_one_of_ours(about):
    with pytest.raises(
        DataError, match=r"no gain '(there>)?BigGain' here: if it is one of your own"
    ):
        described("gain", about | {"config": {}}, GAINS, Gain)


def test_what_describes_nothing_stays_and_what_is_unknown_is_refused():
    assert described("gain", 3, GAINS, Gain) == 3
    for given in ("gian", {"class_name": "Base", "config": {}}):
        with pytest.raises(UnknownNameError, match="unknown gain"):
            described("gain", given, GAINS, Gain)


def test_a_description_of_keras_s_makes_what_is_within_another():
    within = {"module": "keras", "class_name": "Constant", "config": {"value": 2.0}}
    assert made({"inner": within | {"registered_name": None}})["inner"].value == 2.0


class Checked(Configurable):
    def __init__(self, units: Positive, rate: Number | None = None, bias: Flag = True):
        self.units, self.rate, self.bias = units, rate, bias


class Wider(Checked):
    def __init__(self, factor=2, **options):
        super().__init__(4 * factor, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Checked(0), "Checked: units must be a whole number of at least 1, received 0"),
        (lambda: Checked(None), "Checked: units must be a whole number"),
        (lambda: Checked(2, -1.0), "Checked: rate must be a finite number of at least 0"),
        (lambda: Checked(2, bias=None), "Checked: bias must be True or False, received None"),
        (lambda: Wider(0.5), "Wider: units must be a whole number"),
        (lambda: Wider(rate="x"), "Wider: rate must be a finite number"),
    ],
)
def test_arguments_are_checked_as_their_annotations_say(make, message):
    with pytest.raises(DataError, match=message):
        make()


def test_what_a_check_returns_is_what_init_is_given():
    thing = Checked(np.int64(3), np.float32(0.5), np.True_)
    assert [type(value) for value in vars(thing).values()][1:] == [int, float, bool]
    assert Checked(3).rate is None
    assert Wider().units == 8


def test_a_missing_argument_is_told_by_python():
    with pytest.raises(TypeError, match=r"__init__\(\) missing 1 required positional argument"):
        Checked()
