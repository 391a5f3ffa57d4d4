"""What other libraries hold numbers in is refused with how to make an array of it."""

import numpy as np
import pytest
import scipy.sparse

import chainrule as cr
from chainrule.errors import DataError, TraceError

X, y, w = np.eye(3), np.ones(3), np.ones(3)
SPARSE = scipy.sparse.csr_array(X)


class Watched:
    """An array whose gradient another library follows."""

    requires_grad = True

    def __array__(self, *_, **__):
        raise RuntimeError("detach first")


class Frame:
    """Columns by name."""

    def __init__(self, values):
        self.values = values

    def to_numpy(self):
        return self.values

    def __array__(self, dtype=None, copy=None):
        return self.values


def loss(w, X, y):
    return np.mean((w @ X - y) ** 2)


def model():
    made = cr.Sequential([cr.layers.Dense(1)])
    made.compile(loss="mse")
    return made


USES = {
    "grad": lambda bad: cr.grad(loss)(w, bad, y),
    "parameters": lambda bad: cr.grad(loss)({"w": bad}, X, y),
    "source": lambda bad: cr.source(loss)(w, bad, y),
    "jit": lambda bad: cr.jit(loss)(w, bad, y),
    "minimize": lambda bad: cr.minimize(loss, w, bad, y, epochs=1),
    "fit": lambda bad: model().fit(bad, y, epochs=1, verbose=0),
    "softmax": lambda bad: cr.softmax(bad),
    "tensor": lambda bad: cr.Tensor(bad),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize(
    ("bad", "advice"),
    [(SPARSE, r"csr_array.*\.toarray\(\)"), (Watched(), r"Watched.*\.detach\(\)\.numpy\(\)")],
)
def test_what_has_to_be_made_an_array_first(use, bad, advice):
    with pytest.raises((DataError, TraceError), match=advice):
        use(bad)


@pytest.mark.parametrize("use", [USES[name] for name in ("grad", "parameters", "source", "jit")])
def test_frames_where_names_of_columns_would_be_lost(use):
    with pytest.raises(DataError, match=r"Frame, expected an array.*\.to_numpy\(\)"):
        use(Frame(X))


def test_frames_of_text():
    with pytest.raises(DataError, match=r"dtype is object; give its columns.*\.to_numpy\(\)"):
        cr.minimize(loss, w, Frame(np.array([["a", 1]], object)), y, epochs=1)


def test_a_sparse_matrix_on_the_left():
    with pytest.raises(TraceError, match=r"__matmul__ makes a plain array.*\.toarray\(\)"):
        cr.grad(lambda w: np.sum(SPARSE @ w))(w)


def test_whole_numbers_that_tell_shapes_or_lengths_are_to_be_fixed():
    for f in (
        lambda w, n: np.sum(np.tile(w, n)),
        lambda w, n: np.sum(np.reshape(w, (n, 1))),
        lambda w, n: sum(w[i] for i in range(n)),
    ):
        with pytest.raises(TraceError, match=r"record lambda w: f\(w, 3\)"):
            cr.source(f)(w, 3)


def test_a_loop_recorded_turn_by_turn_is_said_to_be_long():
    def chain(w, turns):
        for _ in range(turns):
            w = np.sin(w) * w
        return np.sum(w)

    with pytest.warns(UserWarning, match=r"the text has [\d,]+ lines, since a loop is recorded"):
        cr.source(lambda w: chain(w, 500))(w)
    cr.source(lambda w: chain(w, 20))(w)


def test_a_softmax_of_one_unit_is_warned_of():
    model = cr.Sequential([cr.layers.Dense(1, activation="softmax")])
    model.compile(loss="binary_crossentropy")
    with pytest.warns(UserWarning, match=r"softmax of one unit.*activation='sigmoid'"):
        model.fit(X, y, epochs=1, verbose=0)


@pytest.mark.parametrize(
    ("wish", "hint"),
    [("gradient", "grad"), ("soft_max", "softmax"), ("loss", "losses"), ("optim", "optimizers")],
)
def test_a_name_that_is_not_there_suggests_one_that_is(wish, hint):
    with pytest.raises(AttributeError, match=f"no attribute '{wish}': did you mean {hint}"):
        getattr(cr, wish)
    assert not hasattr(cr, "__wrapped__")
