"""The lines that the results alone point at, arrays that are shared, and two mistakes at once."""

import numpy as np
import pytest

import chainrule as cr
from chainrule._src.base.errors import ChainruleError
from chainrule._src.check import repair
from chainrule._src.check.code import written
from chainrule._src.check.detached import recordable
from chainrule._src.check.recorded import Recording
from chainrule._src.check.right import right_gradient

pytestmark = pytest.mark.usefixtures("processor_time")
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
W = {"W1": rng.normal(size=(3, 4)), "b1": rng.normal(size=4), "W2": rng.normal(size=(4, 2))}


@pytest.fixture(name="rng")
def fresh():
    """Return a generator that does not depend on which tests ran before."""
    return np.random.default_rng(1)


def diagnosed(loss, gradients, *args):
    """Return the sentences of a report, and the lines as they must be."""
    found = cr.check_gradients(loss, gradients)(*args).diagnoses
    return [d.what for d in found], [d.where.repaired.strip() for d in found if d.where]


def states(p, rows):
    h = [np.zeros(2)]
    for row in rows:
        h.append(np.tanh(row @ p["Wx"] + h[-1] @ p["Wh"]))
    return h


def recurrent_loss(p, rows):
    return np.sum(np.square(states(p, rows)[1:]))


def recurrent_gradients(p, rows):
    h = states(p, rows)
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    d_next = np.zeros(2)
    for t in reversed(range(len(rows))):
        d_h = 2 * h[t + 1]
        d_z = d_h * (1 - h[t + 1] ** 2)
        grads["Wx"] += np.outer(rows[t], d_z)
        grads["Wh"] += np.outer(h[t], d_z)
        d_next[:] = p["Wh"] @ d_z
    return grads


def test_in_a_recurrence_the_results_alone_rule_out_all_lines_but_one(monkeypatch, rng):
    pinned = []

    def of_lines(subject, lines, *rest):
        pinned.append([(p.line, subject.ruled_out) for p in lines])
        return real(subject, lines, *rest)

    real = repair.in_lines
    monkeypatch.setattr(repair, "in_lines", of_lines)
    p = {"Wx": rng.normal(size=(3, 2)), "Wh": rng.normal(size=(2, 2))}
    what, lines = diagnosed(recurrent_loss, recurrent_gradients, p, X[:4])
    assert "the term d_next is missing" in what[0]
    assert lines == ["d_h = 2 * h[t + 1] + d_next"]
    first = recurrent_gradients.__code__.co_firstlineno
    assert [line - first for line, _ in pinned[0]] == [5, 6]  # each tells what the other must be
    assert pinned[0][0][1]  # the next line is ruled out


def hidden_loss(p, X, Y):
    h = np.tanh(X @ p["W1"] + p["b1"])
    return np.sum((h @ p["W2"] - Y) ** 2)


def test_an_array_with_two_names_must_be_copied():
    def gradients(p, X, Y):
        h = np.tanh(X @ p["W1"] + p["b1"])
        d_out = 2 * (h @ p["W2"] - Y)
        d_z = h
        d_z *= -h
        d_z += 1
        d_z *= d_out @ p["W2"].T
        return {"W1": X.T @ d_z, "b1": d_z.sum(axis=0), "W2": h.T @ d_out}

    what, lines = diagnosed(hidden_loss, gradients, W, X, Y)
    assert "d_z and h are the same array (an alias)" in what[0]
    assert lines[0] == "d_z = h.copy()"


def test_a_cache_that_is_changed_in_place_is_said_there():
    class Layer:
        def forward(self, p, X):
            self.h = np.tanh(X @ p["W1"] + p["b1"])
            return self.h @ p["W2"]

    def loss(p, X, Y):
        return np.sum((Layer().forward(p, X) - Y) ** 2)

    def gradients(p, X, Y):
        layer = Layer()
        d_out = 2 * (layer.forward(p, X) - Y)
        layer.h **= 2
        d_z = d_out @ p["W2"].T * (1 - layer.h)
        return {"W1": X.T @ d_z, "b1": d_z.sum(axis=0), "W2": layer.h.T @ d_out}

    what, lines = diagnosed(loss, gradients, W, X, Y)
    assert "layer.h is changed in place (overwritten)" in what[0]
    assert lines == ["d_z = d_out @ p['W2'].T * (1 - layer.h ** 2)"]


def test_copies_alone_never_mend_a_gradient_without_shared_arrays():
    def gradients(p, X, Y):
        h = np.tanh(X @ p["W1"] + p["b1"])
        d_out = 2 * (h @ p["W2"] - Y)
        d_z = d_out @ p["W2"].T
        d_z *= 1 - h
        return {"W1": X.T @ d_z, "b1": d_z.sum(axis=0), "W2": h.T @ d_out}

    what, _ = diagnosed(hidden_loss, gradients, W, X, Y)
    assert "in place" not in what[0]
    assert "alias" not in what[0]


def whole(p, X, Y):
    """Return a loss and its gradient, in which something has no derivative."""
    h = np.maximum(X @ p["W1"] + p["b1"], 0)
    r = h @ p["W2"] - Y
    rows, columns = np.unravel_index(np.flatnonzero(h > 0), h.shape)
    mask = np.zeros(h.shape)
    mask[rows, columns] = 1
    d_h = 2 * r @ p["W2"].T * mask
    return np.sum(r**2), {"W1": X.T @ d_h, "b1": d_h.sum(axis=0), "W2": h.T @ r}


def test_a_loss_that_comes_with_its_gradient_is_recorded_without_the_backward_pass():
    def loss(p, X, Y):
        return whole(p, X, Y)[0]

    def record(f):
        return right_gradient(f, W, (X, Y), len(X), ("X", "Y"))

    with pytest.raises(ChainruleError) as refused:
        record(loss)
    program = recordable(loss, (X, Y), W, refused.value, record)
    assert "d_W1" in program.text
    what, lines = diagnosed(loss, lambda p, X, Y: whole(p, X, Y)[1], W, X, Y)
    assert "factor 2" in what[0]
    assert "2 * " in lines[0]


def test_a_statement_that_decides_the_loss_is_never_left_out():
    def loss(p, X, Y):
        values = [float(x) for x in (X @ p["W1"]).ravel()]
        return np.sum(np.square(values)) + np.sum(p["b1"]) + np.sum(p["W2"])

    with pytest.raises(Exception, match=r".") as refused:
        Recording(loss, (X, Y), W)
    error = refused.value
    assert recordable(loss, (X, Y), W, error, lambda f: Recording(f, (X, Y), W)) is None


def test_two_mistakes_of_which_one_reaches_a_result_alone(rng):
    def loss(p, X, words):
        z = np.tanh(p["E"][words].sum(axis=1) @ p["W"] + p["b"])
        return np.mean(z**2)

    def gradients(p, X, words):
        bag = p["E"][words].sum(axis=1)
        z = np.tanh(bag @ p["W"] + p["b"])
        d_z = 2 * z / z.size
        d_E = np.zeros_like(p["E"])
        d_bag = d_z @ p["W"].T
        d_E[words] += d_bag[:, None]
        return {"W": bag.T @ d_z, "b": d_z.sum(axis=0), "E": d_E}

    p = {"E": rng.normal(size=(5, 3)), "W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
    words = rng.integers(0, 5, (8, 4))
    what, lines = diagnosed(loss, gradients, p, X, words)
    assert any("np.add.at" in line for line in lines)
    assert any("1 - z" in line for line in lines)
    assert len(what) == 2


def test_a_search_without_a_result_says_that_there_are_more_changes():
    noise = np.random.default_rng(5).normal(size=(3, 4))

    def gradients(p, X, Y):
        h = np.tanh(X @ p["W1"] + p["b1"])
        d_out = 2 * (h @ p["W2"] - Y)
        d_z = d_out @ p["W2"].T * (1 - h**2)
        return {"W1": noise, "b1": d_z.sum(axis=0), "W2": h.T @ d_out}

    what, _ = diagnosed(hidden_loss, gradients, W, X, Y)
    assert "no small change" not in " ".join(what)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def test_an_activation_that_is_right_in_itself_is_not_the_place_of_a_mistake(rng):
    def loss(p, X, Y):
        return np.sum(np.logaddexp(0, -2 * Y * (X @ p["W"])))

    def gradients(p, X, Y):
        slope = sigmoid(-2 * Y * (X @ p["W"]))
        d_z = -Y * slope
        return {"W": X.T @ d_z}

    p = {"W": rng.normal(size=(3, 2))}
    report = cr.check_gradients(loss, gradients)(p, X, np.sign(Y))
    assert "2" in report.diagnoses[0].where.repaired
    assert report.diagnoses[0].where.line > gradients.__code__.co_firstlineno


def padded(p, images, pad):
    wide = np.pad(p["W"] * images, ((0, 0), (pad, pad), (pad, pad)))
    return wide[:, 2:, 2:] * wide[:, :-2, :-2] + wide[:, 2:, :-2]


def test_a_border_that_is_not_left_out(rng):
    def loss(p, images, pad):
        return np.sum(padded(p, images, pad))

    def gradients(p, images, pad):
        _, H, W = images.shape
        wide = np.pad(p["W"] * images, ((0, 0), (pad, pad), (pad, pad)))
        d_wide = np.zeros_like(wide)
        d_wide[:, 2:, 2:] += wide[:, :-2, :-2]
        d_wide[:, :-2, :-2] += wide[:, 2:, 2:]
        d_wide[:, 2:, :-2] += 1
        d_images = d_wide[:, :H, :W]
        return {"W": (d_images * images).sum(axis=0)}

    p = {"W": rng.normal(size=(4, 5))}
    what, lines = diagnosed(loss, gradients, p, rng.normal(size=(6, 4, 5)), 1)
    assert "slice is off" in what[0]
    assert lines[0] == "d_images = d_wide[:, pad:pad + H, pad:pad + W]"


STRIDE = """import numpy as np

def gradients(p, row, options):
    stride = options["stride"]
    d_w = np.zeros(3)
    for i in range(3):
        start = i
        window = row[start : start + 3]
        d_w += 2 * np.sum(window * p["w"]) * window
    return {"w": d_w}
"""


def test_a_stride_that_is_computed_and_not_read(rng):
    def loss(p, row, options):
        step = options["stride"]
        return sum(np.sum(row[i * step : i * step + 3] * p["w"]) ** 2 for i in range(3))

    gradients = written(STRIDE, "gradients", "stride.py")
    p, row = {"w": rng.normal(size=3)}, rng.normal(size=11)
    _, lines = diagnosed(loss, gradients, p, row, {"stride": 2})
    assert lines[0] == "start = i * stride"


def test_the_bounds_of_a_clip_that_the_gradient_leaves_out(rng):
    def loss(p, X, Y):
        return np.sum((np.clip(X @ p["W"] + 3, 0, 6) / 6 - Y) ** 2)

    def gradients(p, X, Y):
        z = X @ p["W"]
        d_a = 2 * (np.clip(z + 3, 0, 6) / 6 - Y)
        d_z = d_a / 6
        return {"W": X.T @ d_z}

    what, lines = diagnosed(loss, gradients, {"W": 2 * rng.normal(size=(3, 2))}, X, Y)
    assert lines[0] == "d_z = d_a / 6 * ((z > -3) & (z < 3))"
    assert "once too often" not in what[0]
    assert "relu" not in what[0]
