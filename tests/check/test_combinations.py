"""Mistakes that combine what the code computes elsewhere, and what the slopes tell of changes."""

import ast
import inspect
import linecache

import numpy as np
import pytest
from tests.check.collection import KINDS, right_and_wrong, wrong_case, wrong_names

import chainrule as cr
from chainrule._src.check import explain
from chainrule._src.check.edits import Edit

pytestmark = pytest.mark.usefixtures("processor_time")


def flow_loss(params, X, v):
    s = np.tanh(X @ params["W"])
    return np.sum(np.sin(v * np.exp(s))) - np.sum(s)


def flow(params, X, v):
    s = np.tanh(X @ params["W"])
    dy = np.cos(v * np.exp(s))
    ds = dy * v * np.exp(s) - 1
    return {"W": X.T @ (ds * (1 - s**2))}


def recursion_loss(params, obs):
    a, c, m, loss = params["a"], params["c"], 0.5, 0.0
    for y in obs:
        p = a * m
        e = y - c * p
        k = p * c
        m = p + k * e
        loss = loss + e**2
    return loss


def recursion(params, obs):
    a, c, m, steps = params["a"], params["c"], 0.5, []
    for y in obs:
        before, p = m, a * m
        e = y - c * p
        k = p * c
        m = p + k * e
        steps.append((before, p, e, k))
    g = {"a": 0.0, "c": 0.0}
    dm = 0.0
    for before, p, e, k in steps[::-1]:
        de = dm * k + 2 * e
        dk = dm * e
        dp = dm + dk * c - de * c
        g["c"] += dk * p - de * p
        g["a"] += dp * before
        dm = dp * a
    return g


def gates_loss(params, xs):
    h, loss = np.zeros((len(xs[0]), 3)), 0.0
    for x in xs:
        z = np.concatenate([h, x], axis=1)
        f, u = np.tanh(z @ params["F"]), np.tanh(z @ params["U"])
        h = f * u
        loss = loss + np.sum((h @ params["V"]) ** 2)
    return loss


def gates(params, xs):
    n, h, steps = 3, np.zeros((len(xs[0]), 3)), []
    for x in xs:
        z = np.concatenate([h, x], axis=1)
        f, u = np.tanh(z @ params["F"]), np.tanh(z @ params["U"])
        h = f * u
        steps.append((z, f, u, h))
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dh_next = np.zeros_like(h)
    for z, f, u, h in reversed(steps):
        dy = 2 * h @ params["V"]
        grads["V"] += h.T @ dy
        dh = dy @ params["V"].T + dh_next
        df = dh * u * (1 - f**2)
        du = dh * f * (1 - u**2)
        grads["F"] += z.T @ df
        grads["U"] += z.T @ du
        dh_next = df @ params["F"][:n, :].T + du @ params["U"][:n, :].T
    return grads


def rms_loss(params, X):
    x = X @ params["W"]
    return np.sum(np.sin(x / np.sqrt(np.mean(x**2, axis=1, keepdims=True))))


def rms(params, X):
    x = X @ params["W"]
    r = np.sqrt(np.mean(x**2, axis=1, keepdims=True))
    h = x / r
    dh = np.cos(h)
    dx = (dh - h * np.mean(dh * h, axis=1, keepdims=True)) / r
    return {"W": X.T @ dx}


def tied_loss(params, X, deaths):
    loss = 0.0
    for x, n in zip(X, deaths, strict=True):
        loss = loss - n * np.log(np.sum(np.exp(x * params["w"])))
    return loss


def tied(params, X, deaths):
    grad = np.zeros_like(params["w"])
    for x, n in zip(X, deaths, strict=True):
        e = np.exp(x * params["w"])
        total = np.sum(e)
        grad -= n * x * e / total
    return {"w": grad}


def conv_loss(params, x, stride):
    total = 0.0
    for i in range((len(x) - 3) // stride + 1):
        total = total + np.tanh(x[i * stride : i * stride + 3] @ params["k"])
    return total


def conv(params, x, stride):
    grad = np.zeros_like(params["k"])
    for i in range((len(x) - 3) // stride + 1):
        window = x[i * stride : i * stride + 3]
        grad += window * (1 - np.tanh(window @ params["k"]) ** 2)
    return {"k": grad}


def tanh_forward(z):
    a = np.tanh(z)
    return a, a


def tanh_backward(da, cache):
    return da * (1 - cache**2)


def sin_backward(da, cache):
    return da * np.cos(cache)


def cached_loss(params, X):
    a, _ = tanh_forward(X @ params["W"])
    return np.sum(np.sin(a @ params["V"]))


def cached(params, X):
    a, cache1 = tanh_forward(X @ params["W"])
    cache2 = a @ params["V"]
    dz = sin_backward(np.ones_like(cache2), cache2)
    dV = a.T @ dz
    da = dz @ params["V"].T
    dh = tanh_backward(da, cache1)
    return {"W": X.T @ dh, "V": dV}


MISTAKES = {
    "a factor of one term": (flow, "v * np.exp(s) - 1", "v - 1", "dy*v*np.exp(s)-1"),
    "a slope by its result": (flow, "(1 - s**2)", "(1 - s)", "(1-s**2)"),
    "a power in parentheses": (flow, "(1 - s**2)", "(1 - s)**2", "(1-s**2)"),
    "a term of a carried value": (recursion, "dm + dk * c - de * c", "dm + dk * c", "-"),
    "parentheses": (recursion, "dm + dk * c - de * c", "(dm + dk) * c - de * c", "dm+dk*c-de*c"),
    "a path of a matrix": (
        gates, " + du @ params[\"U\"][:n, :].T", "", "+du@params['U'][:n,:].T",
    ),
    "a mean that all share": (rms, " - h * np.mean(dh * h, axis=1, keepdims=True)", "", "np.mean("),
    "a whole number": (tied, "n * x * e", "x * e", "n"),
    "a stride": (conv, "x[i * stride : i * stride + 3]", "x[i : i + 3]", "x[i*stride:i*stride+3]"),
    "a backward pass": (cached, "tanh_backward(da, cache1)", "da", "tanh_backward("),
    "another backward pass": (
        cached, "tanh_backward(da", "sin_backward(da", "tanh_backward(da,cache1)",
    ),
}  # fmt: skip


ALSO = {"a whole number": 5}  # lines in which a mistake can be mended as well


def data_of(function):
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(8, 3)), rng.normal(size=(3, 4))
    return {
        flow: ({"W": W}, X, rng.normal(size=(8, 4))),
        recursion: ({"a": np.array(0.7), "c": np.array(0.4)}, rng.normal(size=9)),
        gates: ({"F": rng.normal(size=(5, 3)), "U": rng.normal(size=(5, 3)),
                 "V": rng.normal(size=(3, 2))}, rng.normal(size=(5, 4, 2))),
        rms: ({"W": W}, X),
        tied: ({"w": rng.normal(size=3)}, X, rng.integers(1, 5, 8)),
        conv: ({"k": rng.normal(size=3)}, rng.normal(size=17), 2),
        cached: ({"W": W, "V": rng.normal(size=(4, 2))}, X),
    }[function]  # fmt: skip


def mistaken(function, right, wrong, name):
    text, file, names = inspect.getsource(function), f"<{name}>", dict(globals())
    assert text.count(right) == 1
    changed = text.replace(right, wrong)
    linecache.cache[file] = (len(changed), None, changed.splitlines(keepends=True), file)
    exec(compile(changed, file, "exec"), names)
    line = text[: text.index(right)].count("\n") + 1
    return names[function.__name__], line


@pytest.mark.parametrize("name", MISTAKES)
def test_what_the_code_lacks_is_combined_of_what_it_computes(name):
    function, right, wrong, expected = MISTAKES[name]
    loss, data = globals()[f"{function.__name__}_loss"], data_of(function)
    assert cr.check_gradients(loss, function)(*data).passed
    gradients, line = mistaken(function, right, wrong, name)
    first = cr.check_gradients(loss, gradients)(*data).diagnoses[0]
    assert first.where is not None
    assert expected in first.where.repaired.replace(" ", "")
    assert first.where.line in (line, ALSO.get(name))


def differing(one, other):
    """Return the smallest expression in which two trees differ, of each; None for other parts."""
    if type(one) is not type(other):
        both = isinstance(one, ast.expr) and isinstance(other, ast.expr)
        return (one, other) if both else ()
    if isinstance(one, ast.AST):
        pairs = [
            (getattr(one, k, None), getattr(other, k, None)) for k in one._fields if k != "ctx"
        ]
    elif isinstance(one, list) and len(one) == len(other):
        pairs = list(zip(one, other, strict=True))
    else:
        return () if isinstance(one, list) or one != other else None
    found = [d for d in (differing(*pair) for pair in pairs) if d is not None]
    if len(found) == 1 and found[0]:
        return found[0]
    whole = isinstance(one, ast.expr) and isinstance(other, ast.expr)
    return None if not found else (one, other) if whole else ()


@pytest.mark.sampled(quick=6)
@pytest.mark.parametrize(
    ("kind", "number"),
    [
        pytest.param(kind, number, id=name)
        for kind in KINDS
        for number, name in enumerate(wrong_names(kind))
        if number % 4 == 2
    ],
)
def test_the_right_change_is_not_taken_for_one_that_mends_nothing(kind, number, monkeypatch):
    text = right_and_wrong(kind, number)[0]
    right = ast.parse(inspect.cleandoc(text) if text[:1] == " " else text).body[0]
    right.decorator_list = []
    mendable = []

    def ask(subject, *others):
        subject.deadline = None
        codes = [c for c in subject.codes if getattr(c.tree, "name", "") == right.name]
        pair = differing(codes[0].tree, right) if codes else ()
        site = next((s for s in subject.watch.sites if pair and s.node is pair[0]), None)
        if site is not None:
            edit = Edit(site.code, site.owner, site.field, site.index, pair[1], "other value", 1.0,
                        site.line, site.statement, None, site)  # fmt: skip
            repair = subject._repaired((edit,))
            if repair is not None and repair.mended == subject.wrong:
                mendable.append(set(subject.mendable(edit)) == subject.wrong)
        return (), None

    monkeypatch.setattr(explain, "_repaired", ask)
    case = wrong_case(kind, number)
    cr.check_gradients(case.loss, case.gradients)(*case.args)
    assert all(mendable)
