"""What a page is told of one sample's way through a network, against NumPy and Node."""

import functools
import json
import math
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from tests.compile.lower.node import needs_node, run_in_node
from tests.fuzz.grammar import program_of
from tests.trace.test_program import random_losses

import chainrule as cr
from chainrule import layers
from chainrule._src.blackboard.anatomy import Body, anatomy, anatomy_of, key_of
from chainrule._src.blackboard.entries import OPERATIONS, REDUCTIONS
from chainrule._src.blackboard.models import layered
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.subjects import digits
from chainrule._src.blackboard.subjects import network as lab_network
from chainrule._src.blackboard.views import Scorer, view
from chainrule._src.core.primitive import primitive_named
from chainrule._src.core.trees import leaves
from chainrule._src.trace.tracing import Recorder
from chainrule.errors import ChainruleError

PAGE = Path(__file__).parents[2] / "blackboard-web" / "src" / "anatomy.ts"
RNG = np.random.default_rng(0)
PARAMS = {
    "W_h": RNG.normal(size=(64, 10)), "b_h": RNG.normal(size=10),
    "W_o": RNG.normal(size=(10, 10)), "b_o": RNG.normal(size=10),
}  # fmt: skip
X, Y = RNG.normal(size=(5, 64)), RNG.integers(0, 10, size=5)


def forward(params, X):
    h = cr.sigmoid(X @ params["W_h"] + params["b_h"])
    return cr.softmax(h @ params["W_o"] + params["b_o"])


def lab_loss(params, X, y):
    z_h = X @ params["W_h"] + params["b_h"]
    h = cr.sigmoid(z_h)
    z_o = h @ params["W_o"] + params["b_o"]
    return cr.nll(cr.one_hot(10, y), cr.softmax(z_o))


def entry_values(entry, shape, values):
    """Return a value by how each of its entries comes about."""
    index = np.indices((*shape, *entry["axes"]))

    def taken(operand):
        assert len(operand["strides"]) == len(index)
        held = np.atleast_1d(values[operand["name"]] if "name" in operand else operand["value"])
        place = operand["offset"] + np.tensordot(operand["strides"], index, 1).astype(int)
        for pick in operand.get("picks", ()):
            by = taken(pick).astype(int)
            place = place + pick["step"] * np.where(by < 0, by + pick["size"], by)
        return np.ravel(held)[place]

    operands = [taken(operand) for operand in entry["operands"]]
    if entry["op"] in ("copy", "multiply"):  # of any number
        found = functools.reduce(np.multiply, operands)
    elif entry["op"] == "at":
        number, by, place, size = operands
        found = np.where(np.where(by < 0, by + size, by) == place, number, 0)
    else:
        found = primitive_named(entry["op"]).value(*operands)
    axes = tuple(range(len(shape), len(index)))
    return getattr(np, entry["reduce"])(found, axis=axes) if entry["reduce"] else found


def flat(value):
    parts = getattr(value, "parts", [value])
    return np.concatenate([np.ravel(part).astype(float) for part in parts])


def values_of(body, args):
    """Return every value by its name."""
    variables = list(body.program.variables)
    given = [np.asarray(leaf) for _, leaf in leaves(list(args))]
    inputs = [*body.program.inputs]
    program = replace(body.program, arguments={f"a{i}": v for i, v in enumerate(inputs)},
                      result=variables, batch=None)  # fmt: skip
    with np.errstate(all="ignore"):
        found = program(
            *(x if x.shape == v.shape else x[:1] for x, v in zip(given, inputs, strict=True))
        )
    return {body.names[v]: flat(value) for v, value in zip(variables, found, strict=True)}


def assert_told(f, args):
    """Every entry is what it is said to come from; return how many are told, and of how many."""
    body = Body(Recorder(f, args).program(1), args, "loss")
    told, values = body.as_dict(), values_of(body, args)
    for equation in told["equations"]:
        assert 0 <= equation["line"] < len(told["lines"])
        assert {*equation["uses"]} <= values.keys()
        if equation["entry"] is not None:
            with np.errstate(all="ignore"):
                found = entry_values(equation["entry"], equation["shape"], values)
            wanted = values[equation["name"]]
            np.testing.assert_allclose(
                np.ravel(found), wanted, rtol=1e-12, atol=1e-12, err_msg=equation["code"]
            )
    return told


def share_told(told):
    return np.mean([equation["entry"] is not None for equation in told["equations"]])


GRADIENT = cr.value_and_grad(lab_loss, argnums=(0, 1))


def test_the_labs_network():
    told = assert_told(GRADIENT, (PARAMS, X, Y))
    assert share_told(told) == 1
    source = cr.source(lab_loss)(PARAMS, X, Y)
    written = [line["code"] for line in told["lines"]]
    assert [code for code in written if code not in source] == ["d_X = d_z_h @ W_h.T"]
    assert told["loss"] == "loss"
    assert told["input_gradient"] == "d_X"
    assert told["gradients"] == {key: f"d_{key}" for key in PARAMS}
    equations = {equation["name"]: equation for equation in told["equations"]}
    assert equations["z_h"]["adjoint"] == "d_z_h"
    assert written[equations["exp"]["line"]].startswith("exp = ")
    assert written[equations["Y_pred"]["line"]] == "Y_pred = exp / exp.sum(axis=-1, keepdims=True)"
    assert [line["shape"] for line in told["lines"]][:2] == [[1, 10], [1, 10]]


def test_a_parameters_gradient_is_a_product_of_named_factors():
    told = anatomy(forward, lab_loss, PARAMS, X, Y)["learn"]
    equations = {equation["name"]: equation for equation in told["equations"]}
    for key, factors in {"W_h": ["X", "d_z_h"], "W_o": ["h", "d_z_o"], "b_h": ["d_z_h"]}.items():
        entry = equations[told["gradients"][key]]["entry"]
        assert entry["reduce"] is None
        assert [operand["name"] for operand in entry["operands"]] == factors


def test_arrays_that_are_written_into():
    def filled(params, X):
        y = X * 2
        y[:, 1::2] = X[0, 2:0:-1] + params["v"][1:]
        y[0, ::-2] = params["v"].reshape(3, 1).T[0, ::-1][:2] ** 2
        y[:, [0, 2]] += params["v"][0]
        y[0] = y[0, ::-1]
        y[..., 3] = 0.5
        h = np.zeros(4)
        h[1:3] = y[0, 1:3] * params["v"][:2]
        return np.sum(y * y) + np.sum(h)

    args = {"v": RNG.normal(size=3)}, RNG.normal(size=(3, 4))
    told = assert_told(cr.value_and_grad(filled, argnums=(0, 1)), args)
    assert share_told(told) == 1


@pytest.mark.thorough  # random programs
@given(loss=random_losses())
@settings(max_examples=12)
def test_random_programs(loss):
    params = {"W": RNG.normal(size=(6, 4)), "v": RNG.normal(size=4)}
    told = assert_told(cr.value_and_grad(loss, argnums=(0, 1)), (params, RNG.normal(size=(3, 6))))
    assert share_told(told) > 0.5


@pytest.mark.thorough  # random programs
def test_programs_of_the_grammar():
    shares = []
    for seed in range(24):
        program = program_of(seed)
        args = program.arguments(program.n, "float64")
        try:
            told = assert_told(cr.value_and_grad(program.function(), argnums=(0,)), args)
        except ChainruleError:  # what runs in NumPy alone, or has no gradient
            continue
        shares.append(share_told(told))
    assert len(shares) > 12
    assert np.mean(shares) > 0.8


MODELS = {
    "dense": ([layers.Dense(7, activation="relu"), layers.Dense(3, activation="softmax")], (6,)),
    "conv": (
        [layers.Conv2D(4, 3, activation="gelu", padding="same"), layers.MaxPooling2D(),
         layers.Flatten(), layers.BatchNormalization(), layers.Dense(3, activation="softmax")],
        (6, 6, 2),
    ),
    "lstm": ([layers.LSTM(5), layers.Dense(3, activation="softmax")], (4, 3)),
    "large": (
        [layers.Dense(256, activation="relu"), layers.Dense(128, activation="relu"),
         layers.Dense(10, activation="softmax")],
        (784,),
    ),
}  # fmt: skip


def network(kind):
    """Return what `anatomy` takes of a network."""
    stack, shape = MODELS[kind]
    model = cr.Sequential(stack)
    model.compile("sgd", "sparse_categorical_crossentropy")
    X, y = RNG.normal(size=(4, *shape)), RNG.integers(0, 3, size=4)
    model.fit(X, y, epochs=1, verbose=0)
    objective = model.objective
    states = objective.states()

    def forward(params, X):
        return model.network.apply(params, states[0] if states else {}, X, False).output

    def loss(params, X, y):
        return objective.plain_loss()(params, X, y, *states)

    return forward, loss, model.network.params, X, y


@pytest.mark.sampled(quick=1)
@needs_node
@pytest.mark.parametrize("kind", ["dense", "conv", "lstm"])
def test_networks(kind):
    forward, loss, params, X, y = network(kind)
    found = anatomy(forward, loss, params, X, y)
    doubles = {name: np.asarray(w, float) for name, w in params.items()}
    gradient = cr.value_and_grad(loss, argnums=(0, 1))
    assert_told(gradient, (doubles, X, y))
    given = {"params": doubles, "X": X[2:3], "y": y[2:3]}
    value, (by_params, by_input) = gradient(*given.values())

    def run(part):
        inputs = {
            x["name"]: given["params"][x["key"]] if x["role"] == "params" else given[x["role"]]
            for x in part["inputs"]
        }
        assert all(list(np.shape(inputs[x["name"]])) == x["shape"] for x in part["inputs"])
        return run_in_node(part["script"], inputs)

    close = {"rtol": 1e-12, "atol": 1e-12}
    values, learn = run(found["learn"]), found["learn"]
    np.testing.assert_allclose(values[learn["loss"]], value, **close)
    np.testing.assert_allclose(values[learn["input_gradient"]], by_input.ravel(), **close)
    for key, name in learn["gradients"].items():
        np.testing.assert_allclose(values[name], by_params[key].ravel(), **close)
    parts = [equation["part"] for equation in learn["equations"]]
    assert parts == sorted(parts, reverse=True) or kind == "lstm"  # whose loops leave stacks
    predict = found["predict"]
    output = np.asarray(forward(doubles, X[2:3])).ravel()
    np.testing.assert_allclose(run(predict)[predict["output"]], output, **close)
    assert {line["part"] for line in predict["lines"]} == {"forward"}


@pytest.mark.parametrize("steps", [3, 100])
def test_a_loop_is_told_step_by_step_if_it_is_not_too_long(steps):
    def loss(params, X, y):
        def step(h, x):
            h = np.tanh(params["w"] * h + x)
            return h, h

        return np.mean((cr.scan(step, np.zeros(len(X)), X.T)[0] - y) ** 2)

    X = RNG.normal(size=(2, steps))
    codes = [
        line["code"]
        for line in anatomy(loss, loss, {"w": np.array(0.5)}, X, np.ones(2))["learn"]["lines"]
    ]
    loops = sum(code.startswith("for ") for code in codes)
    each = [code for code in codes if code.startswith("h") and "np.tanh" in code]
    assert (loops > 0, len(each)) == ((False, 3) if steps == 3 else (True, 0))


@needs_node
def test_what_layers_keep_beside_their_weights_is_that_of_the_frame():
    inside = [layers.Dense(6), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.5)]
    model = cr.Sequential([*inside, layers.Dense(10, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    run = ReversibleRun(layered(model, digits()))
    run.advance(30)
    seen, subject = view(run, Scorer(run.subject), True, None), run.subject
    predict = anatomy_of(subject)["predict"]
    x = subject.data.X_held[2:3].astype(float)
    given = {
        told["name"]: seen.arrays[f"p:{told['key']}"] if told["key"] else x
        for told in predict["inputs"]
    }
    assert "batch_normalization_moving_mean" in given
    output = run_in_node(predict["script"], given)[predict["output"]]
    np.testing.assert_allclose(output, subject.forward(run.params, x, *run.parts)[0], rtol=1e-4)
    start = subject.forward(run.params, x, *subject.parts.values())[0]
    assert np.abs(output - start).max() > 1e-3


@needs_node
@pytest.mark.parametrize("name", ["z_h", "h", "z_o", "Y_pred", "W_o", "X"])
def test_from_a_value_that_is_changed_a_page_goes_on_to_the_loss(name):
    told = anatomy(forward, lab_loss, PARAMS, X, Y)["learn"]
    steps = [equation["name"] for equation in told["equations"]]
    start = steps.index(name) + 1 if name in steps else 0
    again = f"""(v) => {{
      const loss = (change) => {{
        const w = {{ ...v, {name}: v.{name}.slice() }};
        w.{name}[3] += change;
        for (const step of script.slice({start}, {steps.index(told["loss"]) + 1})) step(w);
        return w.lab_loss[0];
      }};
      v.slope = Float64Array.of((loss(1e-5) - loss(-1e-5)) / 2e-5);
    }}"""
    text = f"(() => {{ const script = {told['script']}; return [...script, {again}]; }})()"
    values = run_in_node(text, {**PARAMS, "X": X[:1], "y": Y[:1]})
    np.testing.assert_allclose(values["slope"], values[f"d_{name}"][3], rtol=1e-6, atol=1e-9)


def test_operations_are_those_that_the_page_knows():
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("const OPERATIONS")[2].partition("\n};")[0]
    assert {*re.findall(r"^  (\w+):", table, re.MULTILINE)} == {"copy", *OPERATIONS.values()}
    table = text.partition("const REDUCTIONS")[2].partition("\n};")[0]
    assert {*re.findall(r"^  (\w+):", table, re.MULTILINE)} >= REDUCTIONS


def test_a_large_network_is_told_in_little_time_and_few_bytes():
    args = network("large")
    anatomy(*args)
    start = time.process_time()
    found = anatomy(*args)
    assert time.process_time() - start < 1
    assert len(json.dumps(found)) < 300_000


def test_one_sample_is_enough_and_more_say_the_same():
    few, many = (anatomy(forward, lab_loss, PARAMS, X[:n], Y[:n]) for n in (1, 5))
    assert few == many


def test_what_depends_on_the_number_of_samples_is_told_for_one():
    def loss(params, X, y):
        return np.sum(np.var(X @ params["W"], axis=0)) + len(X) ** 2 * np.sum(params["W"])

    params, X = {"W": np.ones((3, 2))}, RNG.normal(size=(4, 3))
    told = assert_told(cr.value_and_grad(loss, argnums=(0, 1)), (params, X, np.ones(4)))
    assert "n" not in told["lines"][0]["code"].replace("np.", "")


def test_labels_of_several_kinds_and_inputs_that_are_whole():
    def loss(params, X, y):
        return np.mean(params["E"][X].sum(axis=1) @ params["w"] * y)

    params = {"E": RNG.normal(size=(5, 3)), "w": RNG.normal(size=3)}
    X = RNG.integers(0, 5, size=(4, 6))
    told = anatomy(lambda params, X: params["E"][X], loss, params, X, np.ones(4))["learn"]
    assert told["input_gradient"] is None
    (pick,) = told["equations"][0]["entry"]["operands"][0]["picks"]
    assert (pick["name"], pick["step"], pick["size"]) == ("X", 3, 5)
    assert_told(cr.value_and_grad(loss, argnums=(0,)), (params, X, np.ones(4)))
    assert [x["role"] for x in told["inputs"]] == ["params", "params", "X", "y"]


def test_the_probability_of_the_true_class_and_its_gradient_are_told():
    def loss(params, X, y):
        log_p = cr.functions.log_softmax(X @ params["W"])
        return -np.mean(log_p[np.arange(len(y)), y])

    params = {"W": RNG.normal(size=(4, 3))}
    for label in (0, 2, -1):
        args = params, RNG.normal(size=(1, 4)), np.array([label])
        told = assert_told(cr.value_and_grad(loss, argnums=(0, 1)), args)
        assert share_told(told) == 1
    entries = [equation["entry"] for equation in told["equations"]]
    assert [entry["op"] for entry in entries].count("at") == 1
    assert sum("picks" in operand for entry in entries for operand in entry["operands"]) == 1


def test_what_cannot_be_told_is_none():
    def branches(params, X, y):
        return np.sum(params["w"]) if X.sum() > 0 else np.sum(params["w"] * 2)

    def inverts(params, X):
        return np.linalg.pinv(params["w"]) @ X.T

    def only_for_several(params, X, y):
        if len(X) < 2:
            raise ValueError
        return np.sum(params["w"])

    def large_constant(params, X, y):
        return np.sum(params["w"][0, 0] * np.arange(0, 2000.5, 0.5))

    def long_loop(params, X, y):
        total = np.sum(params["w"])
        for _ in range(600):
            total = np.sin(total) * 2
        return total

    for loss in (branches, only_for_several, large_constant, long_loop):
        found = anatomy(inverts, loss, {"w": np.eye(2)}, np.ones((3, 2)), np.ones(3))
        assert found == {"predict": None, "learn": None}


def test_keys_of_nested_parameters():
    params = [{"W": np.ones((3, 2))}, (np.ones(2),)]
    told = anatomy(
        lambda p, X: X @ p[0]["W"] + p[1][0], lambda p, X, y: np.mean(X @ p[0]["W"] + p[1][0]),
        params, np.ones((2, 3)), np.ones(2),
    )  # fmt: skip
    assert [x["key"] for x in told["predict"]["inputs"]] == ["0.W", "1.0", None]
    assert told["learn"]["gradients"].keys() == {key_of(path) for path, _ in leaves(params)}
    assert math.prod(told["learn"]["inputs"][0]["shape"]) == 6


@pytest.mark.parametrize("hidden", [[], [10], [5, 4]])
def test_stage_microscope_and_source_share_one_set_of_names(hidden):
    subject = lab_network(digits(), {"layers": hidden})
    told = anatomy_of(subject)
    stage, lines = ([line["code"] for line in told[part]["lines"]] for part in ("predict", "learn"))
    assert set(stage) <= set(lines)
    assert re.match("z[_=h0-9 ]+X @ W", stage[0]), stage
    assert stage[-1].startswith("q = ")
    source = cr.source(subject.loss)(subject.params, X, Y)
    others = [code for code in lines if code not in source]
    assert [code[:6] for code in others] == ["d_X = "]  # the page alone derives by the input


def test_codes_of_equations_have_only_names_that_lines_assign():
    learn = anatomy_of(lab_network(digits()))["learn"]
    assigned = {line["code"].partition(" = ")[0] for line in learn["lines"]}
    codes = [e["code"] for e in learn["equations"]]
    unknown = {name for code in codes for name in re.findall(r"\bt\d+\b", code)} - assigned
    assert len(unknown) <= 1, unknown  # a table of the ten classes is too long to be inlined
    assert "1 - h" in codes
