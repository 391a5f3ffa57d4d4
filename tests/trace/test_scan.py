"""A recurrence is one equation: the same by every road, as a loop written out gives it."""

import numpy as np
import pytest
from tests.uber import assert_gradients, assert_same, assert_three_ways

import chainrule as cr
from chainrule._src.compile.lower import kernels
from chainrule._src.compile.running import steps
from chainrule._src.core.trees import leaves, map_leaves
from chainrule._src.nn.training.source import source

RNG = np.random.default_rng(0)
FORMS = {"W": (3, 4), "U": (4, 4), "b": (4,), "v": (4,)}


def unrolled(f, init, xs=None, length=None, reverse=False, recompute=False):
    """What `scan` means, as a loop."""
    steps = length if xs is None else len(next(leaf for _, leaf in leaves({"x": xs})))
    carry, ys = (
        map_leaves(lambda leaf: leaf if hasattr(leaf, "dtype") else np.asarray(leaf), init),
        [],
    )
    for t in reversed(range(steps)) if reverse else range(steps):
        carry, y = f(carry, map_leaves(lambda leaf, t=t: leaf[t], xs))
        ys.append(y)
    ys = ys[::-1] if reverse else ys
    return carry, map_leaves(lambda *parts: np.stack(parts), *ys)


def rnn(scan, p, X, **how):
    def cell(h, x):
        h = np.tanh(x @ p["W"] + h @ p["U"] + p["b"])
        return h, h

    h, hs = scan(cell, np.zeros((len(X), len(p["b"])), X.dtype), np.swapaxes(X, 0, 1), **how)
    return np.mean(h @ p["v"]) + np.mean(hs**2)


def lstm(scan, p, X, **how):
    def cell(carry, x):
        h, c = carry["h"], carry["c"]
        z = np.concatenate([x, h], axis=1) @ np.concatenate([p["W"], p["U"]]) + p["b"]
        f, i = cr.sigmoid(z), cr.sigmoid(z * 2)
        c = f * c + i * np.tanh(z)
        h = f * np.tanh(c)
        return {"h": h, "c": c}, (h, np.sum(c, axis=1))

    zeros = np.zeros((len(X), len(p["b"])), X.dtype)
    last, (hs, sums) = scan(cell, {"h": zeros, "c": zeros}, np.swapaxes(X, 0, 1), **how)
    return np.mean(last["h"] @ p["v"]) + np.mean(hs**2) + np.mean(np.sin(sums)) + np.mean(last["c"])


def running_sum(scan, p, X, **how):
    _, sums = scan(lambda s, x: (s + x @ p["W"], s), X[:, 0] @ p["W"], np.moveaxis(X, 1, 0), **how)
    return np.mean(np.tanh(sums) @ p["v"])


def running_product(scan, p, X, **how):
    product, seen = scan(
        lambda c, x: (c * (1 + np.mean(x) * p["b"]), c), np.ones(4, X.dtype), X[0], **how
    )
    return np.sum(product * p["v"]) + np.sum(seen)


def several_carries(scan, p, X, **how):
    def f(carry, x):
        count, h, W = carry
        h = np.tanh(x @ W + h * 0.5)
        return (count + 1, h, W * 0.9), (count, h.sum(axis=1))

    (count, h, W), (counts, sums) = scan(
        f, (np.int64(0), X[:, 0, :1] * p["v"], p["W"]), np.swapaxes(X, 0, 1), **how
    )
    return (
        np.mean(h) * count.astype(X.dtype)
        + np.sum(W)
        + np.mean(sums * counts[:, None].astype(X.dtype))
    )


def swapped(scan, p, X, **how):
    def f(carry, _):
        a, b = carry
        return (b, np.sin(a) + b * p["b"]), None

    a, b = scan(f, (X[:, 0] @ p["W"], X[:, 1] @ p["W"]), length=5, **how)[0]
    return np.mean(a * b)


def two_swapped(scan, p, X, **how):
    (a, b, c), _ = scan(
        lambda abc, x: ((abc[1], abc[0], abc[2] * x), abc[2]),
        (p["b"], p["v"], X[0, 0, 0]), X[0, :, 0], **how,
    )  # fmt: skip
    return np.sum(a * b * p["v"]) + np.sum(a) + c


def unchanged(scan, p, X, **how):
    (kept, total), kepts = scan(
        lambda c, x: ((c[0], c[1] + np.sum(c[0] * x[0, 0])), c[0]), (p["b"], np.sum(p["v"])),
        np.swapaxes(X, 0, 1), **how,
    )  # fmt: skip
    return np.sum(kept) * total + np.sum(kepts)


def always_the_same(scan, p, X, **how):
    def f(c, x):
        return np.ones(4, X.dtype), (c * np.mean(x), np.arange(3), p["v"])

    _, (ys, counted, vs) = scan(f, p["b"], np.swapaxes(X, 0, 1), **how)
    return np.sum(ys) + np.sum(counted.astype(X.dtype)) + np.sum(vs * vs)


def within_another(scan, p, X, **how):
    def outer(h, x):
        def inner(g, w):
            g = np.tanh(g * w + x @ p["W"])
            return g, np.sum(g)

        g, sums = scan(inner, h, p["U"], **how)
        return g, np.mean(sums)

    h, means = scan(outer, np.zeros((len(X), len(p["b"])), X.dtype), np.swapaxes(X, 0, 1), **how)
    return np.mean(h @ p["v"]) + np.sum(means)


def over_samples(scan, p, X, **how):
    h, hs = scan(lambda h, x: (np.tanh(x[0] @ p["W"] + h @ p["U"]), h), p["b"], X, **how)
    return np.sum(h * p["v"]) + np.mean(hs)


def masked(scan, p, X, **how):
    def f(h, x):
        new = np.tanh(x @ p["W"] + h)
        return np.where(x[:, :1] > 0, new, h), np.max(new, axis=0)

    h, tops = scan(f, np.zeros((len(X), len(p["b"])), X.dtype), np.swapaxes(X, 0, 1), **how)
    return np.mean(h @ p["v"]) + np.sum(tops)


def picked(scan, p, X, **how):
    places = np.argmax(X, axis=2)

    def f(h, place):
        h = np.tanh(p["W"][place] + h)
        return h, h[:, 1]

    h, ys = scan(f, np.zeros((len(X), len(p["b"])), X.dtype), np.swapaxes(places, 0, 1), **how)
    return np.mean(h @ p["v"]) + np.mean(ys)


BODIES = [
    rnn, lstm, running_sum, running_product, several_carries, swapped, two_swapped, unchanged,
    always_the_same, within_another, over_samples, masked, picked,
]  # fmt: skip


def made(dtype=float, forms=FORMS):
    return {name: (RNG.normal(size=form) / 2).astype(dtype) for name, form in forms.items()}


def data(n, steps=5, dtype=float, features=3):
    return RNG.normal(size=(n, steps, features)).astype(dtype)


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("how", [{}, {"reverse": True, "recompute": True}], ids=str)
@pytest.mark.parametrize("body", BODIES)
def test_three_ways_and_as_a_loop(body, how):
    def loss(p, X):
        return body(cr.scan, p, X, **how)

    p, X = made(), data(3)
    assert_three_ways(loss, p, X, others=[(p, data(6)), (p, data(1))])
    wanted = cr.value_and_grad(lambda p, X: body(unrolled, p, X, **how))(p, X)
    assert_same(cr.value_and_grad(loss)(p, X), wanted, rtol=1e-11, atol=1e-13)


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("body", BODIES)
def test_second_order(body):
    p, X = made(), data(3, 3)

    def of(scan):
        return lambda *leaves: body(scan, dict(zip(p, leaves, strict=True)), X)

    assert_gradients(of(cr.scan), *p.values())
    vs = made()

    def slope(scan, p):
        gradient = cr.grad(lambda p: body(scan, p, X))(p)
        return sum(np.sum(gradient[name] * vs[name]) for name in p)

    found, wanted = (cr.grad(lambda p, s=s: slope(s, p))(p) for s in (cr.scan, unrolled))
    assert_same(found, wanted, rtol=1e-10, atol=1e-12)
    traced = cr.trace(cr.grad(lambda p: slope(cr.scan, p)))(p)
    assert_same(traced(p), wanted, rtol=1e-10, atol=1e-12)


def summed(scan, p, X, **how):
    def f(carry, x):
        h, count = carry
        h = np.tanh(x @ p["W"] + h * p["b"])
        return (h, count + 1), (h, x[:, 0])

    (h, count), (hs, firsts) = scan(
        f, (np.ones((len(X), 4), X.dtype), 0), np.swapaxes(X, 0, 1), **how
    )
    return np.mean(h @ p["v"]) + np.sum(hs**2) + np.sum(firsts) + count


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("how", [{}, {"reverse": True}, {"recompute": True}], ids=str)
@pytest.mark.parametrize("steps", [0, 1, 2])
def test_few_steps(steps, how):
    program = assert_three_ways(
        lambda p, X: summed(cr.scan, p, X, **how), made(), data(4, steps),
        others=[(made(), data(2, steps))],
    )  # fmt: skip
    assert program.general


@pytest.mark.sampled(quick=3)
@pytest.mark.parametrize("body", BODIES)
def test_float32(body):
    p, X = made(np.float32), data(5, dtype=np.float32)
    value, gradient = cr.value_and_grad(lambda p: body(cr.scan, p, X))(p)
    assert value.dtype == np.float32
    assert {g.dtype for g in gradient.values()} == {np.dtype(np.float32)}
    assert_three_ways(lambda p, X: body(cr.scan, p, X), p, X)


REFUSED = {
    "pair": (lambda c, x: c + x, "must return a pair"),
    "structure": (lambda c, x: ((c, c), x), r"expected \*, received \(\*, \*\)"),
    "shape": (lambda c, x: (c * np.ones(2), x), r"carry has shape \(2,\), expected \(\)"),
    "dtype": (lambda c, x: (c.astype(np.float32), x), "dtype float32, expected float64"),
}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("case", REFUSED)
def test_a_step_that_does_not_fit_is_refused(case, wrapped):
    f, message = REFUSED[case]
    run = (
        cr.grad(lambda x: np.sum(cr.scan(f, 0.0, x)[0]))
        if wrapped
        else lambda x: cr.scan(f, 0.0, x)
    )
    with pytest.raises((cr.errors.ShapeError, cr.errors.DataError), match=message):
        run(np.ones(3))


def test_bad_arguments_are_refused():
    def f(c, x):
        return c, x

    with pytest.raises(cr.errors.ShapeError, match=r"received xs\['a'\] 2, xs\['b'\] 3"):
        cr.scan(f, 0.0, {"a": np.ones(2), "b": np.ones(3)})
    with pytest.raises(cr.errors.ShapeError, match="received xs 2, length 3"):
        cr.scan(f, 0.0, np.ones(2), 3)
    with pytest.raises(cr.errors.DataError, match="give the number of steps"):
        cr.scan(f, 0.0)
    with pytest.raises(cr.errors.DataError, match="whole number"):
        cr.scan(f, 0.0, length=-1)
    with pytest.raises(cr.errors.ShapeError, match="no axis"):
        cr.scan(f, 0.0, 1.0)
    with pytest.raises(cr.errors.DataError, match="function"):
        cr.scan(None, 0.0, np.ones(2))
    with pytest.raises(cr.errors.TraceError, match=r"np\.where"):
        cr.grad(lambda x: cr.scan(lambda c, x: (c + x if x > 0 else c, None), 0.0, x)[0])(
            np.ones(3)
        )


def test_the_text_is_a_loop_forward_and_one_backward():
    def loss(p, X):
        def cell(h, x):
            z = x @ p["W"] + h @ p["U"]
            h = np.tanh(z)
            return h, None

        h, _ = cr.scan(cell, np.zeros((len(X), 4)), np.swapaxes(X, 0, 1))
        return np.mean(h)

    text = cr.source(loss)({"W": np.ones((3, 4)), "U": np.eye(4)}, data(6))
    assert (
        text[text.index("    # forward") :]
        == """\
    # forward
    t1 = np.transpose(X, (1, 0, 2))              # (5, n, 3)
    h = np.zeros((n, 4))                         # (n, 4)
    hs = np.empty((5, n, 4))                     # (5, n, 4)
    h_before = np.empty((5, n, 4))               # (5, n, 4)
    for t in range(5):
        z = t1[t] @ W + h @ U                    # (n, 4)
        h_1 = np.tanh(z)                         # (n, 4)
        hs[t] = h_1                              # (n, 4)
        h_before[t] = h                          # (n, 4)
        h = h_1
    loss = np.mean(h)                            # ()

    # backward
    d_h = np.full((n, 4), 0.25 / n, np.float64)  # (n, 4)
    d_W = np.zeros((3, 4))                       # (3, 4)
    d_U = np.zeros((4, 4))                       # (4, 4)
    for t in reversed(range(5)):
        d_z = d_h * (1 - hs[t] ** 2)             # (n, 4)
        d_h = d_z @ U.T                          # (n, 4)
        d_W = d_W + t1[t].T @ d_z                # (3, 4)
        d_U = d_U + h_before[t].T @ d_z          # (4, 4)

    return loss, {"W": d_W, "U": d_U}
"""
    )


def test_programs_and_kernels_grow_with_no_step():
    def sizes(steps):
        p, X = made(), data(8, steps)
        program = cr.trace(cr.value_and_grad(lambda p, X: rnn(cr.scan, p, X)))(p, X)
        text = source(lambda p, X: rnn(cr.scan, p, X), "kernel", batch_size=8)(p, X)
        return len(program.equations), len(text.splitlines())

    assert sizes(20) == sizes(1000)  # a product of so few terms as of 2 steps is written out


def test_values_are_kept_for_the_way_back_or_computed_again():
    p, X = made(), data(4)

    def stacks(recompute):
        def loss(p):
            return lstm(cr.scan, p, X, recompute=recompute)

        program = cr.trace(cr.value_and_grad(loss))(p)
        forward = next(e for e in program.equations if e.primitive.name == "scan")
        return len(forward.output.shape)

    assert stacks(True) == 2 + 2 + 2  # the last carry, what is asked for, the carries before
    assert stacks(False) > stacks(True)


@pytest.mark.sampled(quick=4)
@pytest.mark.parametrize("body", BODIES)
def test_compiled(body):
    def f(p, X):
        return cr.value_and_grad(lambda p: body(cr.scan, p, X))(p)

    p, X = made(), data(5)
    compiled = cr.jit(f)
    for given in (X, data(7), data(4, 5)):  # any number of samples, of which some are steps
        assert_same(compiled(p, given), f(p, given), rtol=1e-10, atol=1e-12)


@pytest.mark.sampled(quick=2)
@pytest.mark.parametrize("body", [rnn, lstm, masked, within_another])
def test_the_number_of_threads_changes_no_bit(body, monkeypatch):
    monkeypatch.setattr(kernels, "LARGE", 0.0)
    monkeypatch.setattr(steps, "digest", lambda *_: None)  # of what is not as usual
    p, X = (
        made(forms={"W": (8, 32), "U": (32, 32), "b": (32,), "v": (32,)}),
        data(64, 6, features=8),
    )

    def trained(cores, engine="compiled"):
        monkeypatch.setenv("CHAINRULE_NUM_THREADS", str(cores))
        how = {"batch_size": 24, "epochs": 3, "seed": 0, "engine": engine}
        return cr.minimize(lambda p, X: body(cr.scan, p, X) ** 2, p, X, **how)[0]

    one = trained(1)
    for cores in (2, 4):
        for name, found in trained(cores).items():
            np.testing.assert_array_equal(found, one[name])
    assert_same(one, trained(1, "numpy"), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("body", [rnn, within_another])
@pytest.mark.parametrize(("epochs", "engine"), [(1, "numpy"), (2000, "compiled")])
def test_the_default_engine_counts_what_runs_in_every_step(body, epochs, engine):
    p, X = made(), data(5)

    def trained(**how):
        how |= {"batch_size": 5, "epochs": epochs, "seed": 0}
        return cr.minimize(lambda p, X: body(cr.scan, p, X) ** 2, p, X, **how)[0]

    by_default, as_told = trained(), trained(engine=engine)
    for name, found in by_default.items():
        np.testing.assert_array_equal(found, as_told[name])


def test_two_functions_that_share_tensors_from_outside():
    """What a step takes from outside may itself be recorded, at any level."""
    p, X = made(), data(3)

    def loss(p):
        W = p["W"] * np.sum(p["b"])
        inner = cr.grad(lambda b: rnn(cr.scan, {**p, "W": W, "b": b}, X))(p["b"])
        return np.sum(inner**2)

    def same(p):
        W = p["W"] * np.sum(p["b"])
        inner = cr.grad(lambda b: rnn(unrolled, {**p, "W": W, "b": b}, X))(p["b"])
        return np.sum(inner**2)

    assert_same(cr.grad(loss)(p), cr.grad(same)(p), rtol=1e-11, atol=1e-13)
    assert_three_ways(lambda p, X: rnn(cr.scan, {**p, "W": p["W"] * 2}, X), p, X)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_an_index_out_of_range_in_a_later_step_is_told_with_its_row(engine):
    def loss(p, X):
        h, _ = cr.scan(
            lambda h, place: (np.tanh(p["W"][place] + h), None), np.zeros((len(X), 4)), X.T
        )
        return np.mean(h)

    places = np.array([[0, 1], [1, 0], [0, 7]])
    with pytest.raises(cr.errors.OutOfRangeError, match=r"index 7 .* in row 2"):
        cr.minimize(loss, made(), places, batch_size=3, epochs=1, engine=engine)
