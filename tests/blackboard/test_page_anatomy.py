"""The network that the page's tests look into is told as today; run as a program, told anew."""

import json
from pathlib import Path

import numpy as np

import chainrule as cr
from chainrule._src.blackboard.anatomy import anatomy

TOLD = Path(__file__).parents[2] / "blackboard-web" / "tests" / "anatomy.json"


def forward(params, X):
    h = cr.sigmoid(X @ params["W_h"] + params["b_h"])
    return cr.softmax(h @ params["W_o"] + params["b_o"])


def loss(params, X, y):
    return cr.nll(cr.one_hot(3, y), forward(params, X))


def tell():
    rng = np.random.default_rng(0)
    shapes = {"W_h": (4, 5), "b_h": (5,), "W_o": (5, 3), "b_o": (3,)}
    params = {name: rng.normal(size=shape).round(3) for name, shape in shapes.items()}
    X, y = rng.normal(size=(2, 4)).round(3), np.array([2, 0], np.int32)
    samples = []
    for x, label in zip(X, y, strict=True):
        value, gradients = cr.value_and_grad(loss)(params, x[None], label[None])
        told = {name: gradient.ravel().tolist() for name, gradient in gradients.items()}
        samples.append(
            {"x": x.tolist(), "y": int(label), "loss": float(value), "gradients": told,
             "output": forward(params, x[None])[0].tolist()}
        )  # fmt: skip
    weights = {name: value.ravel().tolist() for name, value in params.items()}
    return {**anatomy(forward, loss, params, X, y), "params": weights, "samples": samples}


def test_the_page_is_tested_on_what_is_told_today():
    told, kept = json.loads(json.dumps(tell())), json.loads(TOLD.read_text(encoding="utf-8"))
    for part in ("predict", "learn"):
        assert told[part] == kept[part], f"run {Path(__file__).name} as a program"
    assert told["params"] == kept["params"]
    for now, then in zip(told["samples"], kept["samples"], strict=True):
        for name, gradient in now["gradients"].items():
            np.testing.assert_allclose(gradient, then["gradients"][name], rtol=1e-12, atol=1e-15)


if __name__ == "__main__":
    TOLD.write_text(json.dumps(tell(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
