"""Names, numbers and options that a web module cannot take as they come; Node runs the modules."""

import numpy as np
import pytest
from tests.export.web.node import needs_node, run

import chainrule as cr
from chainrule import layers

pytestmark = needs_node
RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5))
Y = RNG.normal(size=40)


def distance(w, X, y):
    return np.mean((X @ w - y) ** 2)


def linear(loss="mse", **options):
    model = cr.Sequential([layers.Input((5,)), layers.Dense(1)])
    model.compile("sgd", loss, **options)
    return model


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028", "\u2029"])
def test_no_name_ends_a_comment(tmp_path, end):
    name = f"net{end}throw new Error('broken out');"
    model = cr.Sequential([layers.Input((5,)), layers.Dense(1)], name=name)
    path = tmp_path / f"{name}.mjs"
    model.export(path)
    assert len(run(path, "return net.predict(input.X)", X=X)) == 40
    first = "net_throw new Error__broken out___"
    assert path.read_text("utf-8").startswith(f"// {first}: a network")
    types = path.with_suffix(".d.mts").read_text("utf-8")
    assert types.startswith(f"// The types of {first}.mjs, written by chainrule.\n")


def test_a_module_names_its_own_file_in_the_import(tmp_path):
    linear().export(tmp_path / "my-digits.mjs")
    assert 'import { load } from "./my-digits.mjs";' in (tmp_path / "my-digits.mjs").read_text()
