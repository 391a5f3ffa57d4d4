"""What a function reads from outside: every change of it is seen, or it is not seen through."""

import builtins
import functools
import itertools
import random
import sys
import time
import types
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import chainrule as cr
from chainrule.autodiff.names import watch_names
from chainrule.running.outside import Outside, UnclearError

W, X = np.ones(3), np.ones((4, 3))
STRENGTH = 0.5
BOX = {"power": 2, "inner": [1.0]}
Pair = namedtuple("Pair", "one other")


def seen(f, *args):
    """Return what a function reads when it is called; None where that cannot be seen."""
    with watch_names() as ran:
        f(*args or (W, X))
    try:
        return Outside(f, ran)
    except UnclearError:
        return None


class Plain:
    strength = 1.0
    box = [1.0]  # noqa: RUF012

    def __init__(self, power=2):
        self.power, self.inner = power, {"scale": [3.0]}

    def loss(self, w, X):
        return np.sum(w**self.power) * self.strength * self.inner["scale"][0] * self.helped()

    def helped(self):
        return self.box[0]

    def unused(self):
        return random.random()  # what was not called does not matter


class Callable_(Plain):
    def __call__(self, w, X):
        return self.loss(w, X)


@dataclass
class Made:
    power: int = 2
    scales: tuple = (1.0,)

    def loss(self, w, X):
        return np.sum(w**self.power) * self.scales[0]

    @property
    def whole(self):
        return self.power


def helper(w):
    return np.sum(w) * STRENGTH


def a_global():
    return lambda w, X: np.sum(w) * STRENGTH, lambda: globals().update(STRENGTH=0.7)


def a_global_of_what_it_calls():
    return lambda w, X: helper(w), lambda: globals().update(STRENGTH=0.7)


def another_helper():
    return lambda w, X: helper(w), lambda: globals().update(helper=lambda w: 1.0)


def other_code():
    def change():
        helper.__code__ = (lambda w: 2.0).__code__

    return lambda w, X: helper(w), change


def a_global_that_hides_a_builtin():
    return lambda w, X: sum(w), lambda: globals().update(sum=lambda w: 1.0)


def a_builtin():
    return lambda w, X: sum(w), lambda: setattr(builtins, "sum", len)


def a_cell():
    scale = 1.0

    def loss(w, X):
        return np.sum(w) * scale

    def change():
        nonlocal scale
        scale = 2.0

    return loss, change


def a_cell_of_what_it_calls():
    f, change = a_cell()
    return lambda w, X: f(w, X), change


def a_list_in_a_cell():
    scale = [[1.0]]
    return lambda w, X: np.sum(w) * scale[0][0], lambda: scale[0].__setitem__(0, 2.0)


def a_longer_list():
    scale = [1.0]
    return lambda w, X: np.sum(w) * len(scale), lambda: scale.append(2.0)


def a_dict():
    return lambda w, X: np.sum(w ** BOX["power"]), lambda: BOX.update(power=3)


def a_key():
    return lambda w, X: np.sum(w) * len(BOX), lambda: BOX.update(more=3)


def within_a_dict():
    return lambda w, X: np.sum(w) * BOX["inner"][0], lambda: BOX["inner"].append(3)


def a_set():
    names = {"a"}
    return lambda w, X: np.sum(w) * ("b" in names), lambda: names.add("b")


def within_a_tuple():
    pair = ([1.0], 2)
    return lambda w, X: np.sum(w) * pair[0][0], lambda: pair[0].insert(0, 2.0)


def a_name_in_a_space():
    space = types.SimpleNamespace(scale=1.0)
    return lambda w, X: np.sum(w) * space.scale, lambda: setattr(space, "scale", 2.0)


def within_a_named_tuple():
    pair = Pair([1.0], 2)
    return lambda w, X: np.sum(w) * pair.one[0], lambda: pair.one.insert(0, 2.0)


def an_array():
    mask = np.zeros(3)
    return lambda w, X: np.sum(w * mask), lambda: mask.__setitem__(0, 1.0)


def zeros_of_both_signs():
    mask = np.zeros(3)
    return lambda w, X: np.sum(np.copysign(w, mask)), lambda: mask.__setitem__(0, -0.0)


def an_array_by_its_base():
    base = np.zeros(6)
    mask = base[::2]
    return lambda w, X: np.sum(w * mask), lambda: base.__setitem__(0, 1.0)


def a_shape():
    mask = np.zeros((3, 1))
    return lambda w, X: np.sum(w * mask), lambda: mask.resize((1, 3), refcheck=False)


def a_default():
    def loss(w, X, scale=1.0):
        return np.sum(w) * scale

    return loss, lambda: setattr(loss, "__defaults__", (2.0,))


def a_default_by_name():
    def loss(w, X, *, scale=1.0):
        return np.sum(w) * scale

    return loss, lambda: loss.__kwdefaults__.update(scale=2.0)


def within_a_default():
    def loss(w, X, scale=[1.0]):  # noqa: B006
        return np.sum(w) * scale[0]

    return loss, lambda: loss.__defaults__[0].insert(0, 2.0)


def an_attribute_of_a_function():
    def loss(w, X):
        return np.sum(w) * loss.scale

    loss.scale = 1.0
    return loss, lambda: setattr(loss, "scale", 2.0)


def what_a_partial_holds():
    scale = [1.0]
    f = functools.partial(lambda scale, w, X: np.sum(w) * scale[0], scale)
    return f, lambda: scale.insert(0, 2.0)


def what_a_partial_holds_by_name():
    f = functools.partial(lambda w, X, scale: np.sum(w) * scale, scale=1.0)
    return f, lambda: f.keywords.update(scale=2.0)


def what_a_gradient_is_of():
    f, change = a_cell()
    return lambda w, X: np.sum(cr.grad(f)(w, X)), change


def a_function_that_was_made_before():
    f, change = a_cell()
    made = cr.grad(f)
    return lambda w, X: np.sum(made(w, X)), change


def an_attribute():
    thing = Plain()
    return thing.loss, lambda: setattr(thing, "power", 3)


def an_attribute_of_a_global():
    thing = Plain()
    return lambda w, X: thing.loss(w, X), lambda: setattr(thing, "power", 3)


def within_an_attribute():
    thing = Plain()
    return thing.loss, lambda: thing.inner["scale"].insert(0, 3.0)


def an_attribute_of_the_class():
    return Plain().loss, lambda: setattr(Plain, "strength", 3.0)


def within_an_attribute_of_the_class():
    return Plain().loss, lambda: Plain.box.insert(0, 3.0)


def an_attribute_that_hides_the_class():
    thing = Plain()
    return thing.loss, lambda: setattr(thing, "strength", 3.0)


def a_method():
    return Plain().loss, lambda: setattr(Plain, "helped", lambda self: 2.0)


def a_method_of_a_base():
    return Callable_(), lambda: setattr(Plain, "helped", lambda self: 2.0)


def a_method_that_hides_a_base():
    return Callable_(), lambda: setattr(Callable_, "helped", lambda self: 2.0)


def its_call():
    return Callable_(), lambda: setattr(Callable_, "__call__", lambda self, w, X: 0.0)


def its_class():
    class Other(Plain):
        strength = 4.0

    thing = Plain()
    return lambda w, X: thing.loss(w, X), lambda: setattr(thing, "__class__", Other)


def a_name_that_is_made_up():
    thing = Plain()
    thing.W_1 = [1.0]
    return lambda w, X: np.sum(w) * getattr(thing, f"W_{1}")[0], lambda: thing.W_1.insert(0, 2.0)


def a_pattern():
    thing = Plain()
    thing.W_1 = [1.0]

    def loss(w, X):
        match thing:
            case Plain(W_1=[scale]):
                return np.sum(w) * scale

    return loss, lambda: thing.W_1.__setitem__(0, 2.0)


def all_attributes():
    thing = Plain()
    return lambda w, X: np.sum(w) * hasattr(thing, "".join("more")), lambda: setattr(
        thing, "more", 1
    )


def what_a_dataclass_is_made_of():
    return lambda w, X: Made().loss(w, X), lambda: setattr(Made, "power", 3)


def a_property():
    made = Made()

    def loss(w, X):
        return np.sum(w**made.whole)

    return loss, lambda: setattr(made, "power", 3)


def what_a_module_has():
    module = types.ModuleType("ours")
    module.scale = 1.0
    module.__file__ = __file__
    return lambda w, X: np.sum(w) * module.scale, lambda: setattr(module, "scale", 2.0)


def what_numpy_has():
    return lambda w, X: np.sum(w), lambda: setattr(np, "sum", np.mean)


def within_what_it_makes():
    scale = [1.0]

    def loss(w, X):
        class Inner:
            def of(self, w):
                return (lambda: np.sum(w) * scale[0])()

        return Inner().of(w)

    return loss, lambda: scale.insert(0, 2.0)


def what_reduce_calls():
    f, change = a_cell()
    return lambda w, X: functools.reduce(lambda a, b: a * f(b, X), [w, w]).sum(), change


def what_only_runs_in_a_scan():
    scale = [1.0]

    def loss(w, X):
        return np.sum(cr.scan(lambda c, x: (c + x * scale[0], None), w, X)[0])

    return loss, lambda: scale.insert(0, 2.0)


CHANGES = [
    value for name, value in list(globals().items())
    if isinstance(value, types.FunctionType) and value.__module__ == __name__
    and value.__code__.co_argcount == 0 and name not in ("seen",)
]  # fmt: skip


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Undo what the changes do to what all tests share."""
    for name in ("STRENGTH", "helper"):
        monkeypatch.setitem(globals(), name, globals()[name])
    monkeypatch.setitem(globals(), "sum", sum)
    monkeypatch.delitem(globals(), "sum")
    monkeypatch.setattr(builtins, "sum", sum)
    monkeypatch.setattr(np, "sum", np.sum)
    monkeypatch.setattr(helper, "__code__", helper.__code__)
    for cls in (Plain, Callable_, Made):
        for name in ("strength", "helped", "__call__", "power"):
            if name in vars(cls):
                monkeypatch.setattr(cls, name, vars(cls)[name])
    before = dict(BOX, inner=[1.0])
    yield
    BOX.clear()
    BOX.update(before)
    Plain.box[:] = [1.0]
    if "helped" in vars(Callable_):
        del Callable_.helped


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.__name__)
def test_a_change_is_seen(case):
    loss, change = case()
    found = seen(loss)
    assert found is not None
    assert found.holds()
    loss(W, X)
    assert found.holds()
    change()
    assert not found.holds()


def test_what_is_not_read_may_change():
    thing = Plain()
    thing.history = []
    found = seen(thing.loss)
    thing.history.append(1)
    thing.more = 2
    BOX["power"] = 4
    assert found.holds()


def test_what_writes_to_what_it_reads_is_another_each_time():
    count = [0]

    def loss(w, X):
        count[0] += 1
        return np.sum(w) * count[0]

    found = seen(loss)
    assert found.holds()
    loss(W, X)
    assert not found.holds()


LARGE = np.zeros(2**18)
SLOTTED = type("Slotted", (), {"__slots__": ("scale",)})()
SLOTTED.scale = 1.0
NUMBERS = iter(range(10**6))
VECTOR = np.zeros(3).view(type("Vector", (np.ndarray,), {}))
COUNTED = type("Counted", (list,), {})([1.0])
NUMBER = type("Number", (float,), {})(2)
TENSOR = cr.Tensor(1.0)
DRAWING = np.random.default_rng(0)
AUTO = np.vectorize(lambda x: x * STRENGTH)
UFUNC = np.frompyfunc(lambda x: x * STRENGTH, 1, 1)
GENERATED = (x for x in itertools.count())
FILE = sys.__stdout__
SPACE = {"__builtins__": {"len": lambda w: next(NUMBERS)}, "np": np}
exec("def elsewhere(w, X): return np.sum(w) * len(w)", SPACE)


class Meta(type):
    @property
    def scale(cls):
        return next(NUMBERS)


class Metal(metaclass=Meta):
    pass


@functools.cache
def cached(x):
    return next(NUMBERS)


UNCLEAR = {
    "the time": lambda w, X: np.sum(w) * time.time(),
    "chance": lambda w, X: np.sum(w) * random.random(),
    "NumPy's chance": lambda w, X: np.sum(w) * np.random.normal(),  # noqa: NPY002
    "a generator made anew": lambda w, X: np.sum(w) * np.random.default_rng().normal(),
    "a generator": lambda w, X: np.sum(w) * DRAWING.normal(),
    "its method": lambda w, X, normal=DRAWING.normal: np.sum(w) * normal(),
    "an iterator": lambda w, X: np.sum(w) * next(NUMBERS),
    "Python's generator": lambda w, X: np.sum(w) * next(GENERATED),
    "a file": lambda w, X: np.sum(w) * FILE.closed,
    "an import": lambda w, X: np.sum(w) * __import__("math").pi,
    "its globals": lambda w, X: np.sum(w) * globals()["STRENGTH"],
    "text that is run": lambda w, X: eval("np.sum(w)", {"np": np, "w": w}),
    "a large array": lambda w, X: np.sum(w) * LARGE[0],
    "slots": lambda w, X: np.sum(w) * SLOTTED.scale,
    "a kind of array": lambda w, X, v=VECTOR: np.sum(w * v.mean()),
    "a kind of list": lambda w, X, v=COUNTED: np.sum(w) * v[0],
    "a vectorized function": lambda w, X: np.sum(AUTO(np.ones(2))) + np.sum(w),
    "a ufunc of one's own": lambda w, X: np.sum(w) * UFUNC(1.0),
    "a method of a list": lambda w, X, pop=[1.0, 2.0].pop: np.sum(w) * pop(),
    "a cache": lambda w, X: np.sum(w) * cached(1.0),
    "other builtins": SPACE["elsewhere"],
    "a class of classes": lambda w, X: np.sum(w) * Metal.scale,
    "memory as it is found": lambda w, X: np.sum(w) * 0 * np.empty(1)[0],
    "an identity": lambda w, X: np.sum(w) * id(w),
    "a table of ours": lambda w, X: np.sum(cr.activations.get("tanh", "here")(w)),
    "a tensor": lambda w, X, t=TENSOR: np.sum(w) * t.value,
    "the system": lambda w, X: np.sum(w) * len(sys.argv),
    "a number of its own kind": lambda w, X, n=NUMBER: np.sum(w) * n,
}


@pytest.mark.parametrize("loss", UNCLEAR.values(), ids=UNCLEAR.keys())
def test_what_cannot_be_seen_through_has_no_snapshot(loss):
    assert seen(loss) is None


def test_an_import_within():
    def loss(w, X):
        import math

        return np.sum(w) * math.pi

    assert seen(loss) is None


def test_an_attribute_that_is_made_when_it_is_asked_for():
    class Hidden:
        def __getattr__(self, name):
            return HIDDEN[name]

    HIDDEN = {"f": lambda w: np.sum(w)}
    hidden = Hidden()
    found = seen(lambda w, X: hidden.f(w))
    assert found is not None
    HIDDEN["f"] = lambda w: 2 * np.sum(w)
    assert not found.holds()


def test_a_profiler_of_others_leaves_nothing_to_see():
    sys.setprofile(lambda *_: None)
    try:
        assert (seen(lambda w, X: np.sum(w)) is None) == (sys.version_info < (3, 12))
    finally:
        sys.setprofile(None)
