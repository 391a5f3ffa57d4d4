"""The checks of the labs say what the diagnosis knows: the mistake and its line."""

import ast
import linecache
import sys
import types

import pytest
from tests.teach.collection import EXERCISES, exchanged, solution

from chainrule._src.teach.loader import exercise

pytestmark = pytest.mark.usefixtures("processor_time")

LABS = {name: lab for lab, name in EXERCISES}
BASIS = ("one_hot", "softmax", "nll", "sigmoid", "dsigmoid")


def spoken(name, right, wrong, monkeypatch, basis=()):
    """Check an answer with a mistake in this process, and return what is said of it."""
    trees = [ast.parse(solution(LABS[part], part)) for part in basis]
    defined = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    parts = [ast.unparse(node) for node in defined]
    answer = exchanged(solution(LABS[name], name), (right, wrong))
    text = "\n\n".join(["import numpy as np", "EPSILON = 1e-8", *parts, answer])
    file = f"/answers/{name}.py"
    module = types.ModuleType("an_answer")
    module.__file__ = file
    monkeypatch.setitem(sys.modules, "an_answer", module)
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), vars(module))
    return exercise(name).run_here(getattr(module, name)).sentence


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize(
    ("right", "wrong", "line", "said"),
    [
        ("dsigmoid(z_h)", "dsigmoid(h)", "dsigmoid(h)", "z_h"),
        ("grad_b_h = grad_z_h", "grad_b_h = grad_h", "grad_b_h = grad_h", "grad_z_h"),
        ("np.outer(h, grad_z_o)", "np.outer(z_h, grad_z_o)", "np.outer(z_h", "z_h stands where h"),
    ],
)
def test_a_mistake_in_the_network_is_named_with_its_line(right, wrong, line, said, monkeypatch):
    sentence = spoken("NeuralNet", right, wrong, monkeypatch, BASIS)
    assert "NeuralNet.py, line" in sentence
    assert said in sentence
    number = int(sentence.partition(", line ")[2].partition(":")[0])
    assert line in linecache.getline("/answers/NeuralNet.py", number)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("momentum", 'v = mu * state.get("v", 0.0) - learning_rate * g', "v = -learning_rate * g"),
        ("nesterov", "w + mu * v - learning_rate * g", "w + mu * v + learning_rate * g"),
        ("adam", "(1 - beta_1**t)", "(1 + beta_1**t)"),
    ],
)
def test_a_mistake_in_an_optimizer_has_a_line(name, right, wrong, monkeypatch):
    sentence = spoken(name, right, wrong, monkeypatch)
    assert f"{name}.py, line" in sentence, sentence
