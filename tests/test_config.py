"""Things described by their arguments."""

import copy

import pytest

from chainrule.config import Configurable, class_called, made, plain
from chainrule.errors import DataError, UnknownNameError


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
        "inner": {"class_name": "Base", "config": {"rate": 0.1, "limit": 2.0}},
        "rate": 0.5,
        "limit": None,
    }
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
    with pytest.raises(UnknownNameError, match="unknown base 'Deriv': did you mean 'Derived'"):
        class_called("Deriv", Base)
    with pytest.raises(DataError, match="must be a dict"):
        Base.from_config([1])


def test_what_cannot_be_described_says_so():
    with pytest.raises(DataError, match="cannot be described"):
        Base(rate=lambda: 1).get_config()
