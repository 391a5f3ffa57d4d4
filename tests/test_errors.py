from chainrule._src.base.validation import lookup
from chainrule.errors import ChainruleError, DataError, ShapeError, UnknownNameError


def test_an_unknown_name_suggests_the_closest():
    error = UnknownNameError("activation", "Sigmod", ["relu", "sigmoid"])
    assert "did you mean 'sigmoid'" in str(error)
    assert "Valid: relu, sigmoid" in str(error)


def test_an_unknown_name_far_from_all_suggests_nothing():
    assert "did you mean" not in str(UnknownNameError("activation", "zzz", ["relu"]))
    assert "did you mean" not in str(UnknownNameError("activation", None, ["relu"]))


def test_errors_are_also_pythons_own_kind():
    for kind in (ShapeError, DataError, UnknownNameError):
        assert issubclass(kind, ChainruleError)
        assert issubclass(kind, ValueError)


def test_lookup_finds():
    assert lookup("number", "two", {"two": 2}) == 2
