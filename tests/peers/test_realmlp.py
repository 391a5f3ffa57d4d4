"""RealMLP's first updates, with the paper's formulas in PyTorch as the judge."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes

from chainrule.callbacks import LambdaCallback
from chainrule.estimators import RealMLPClassifier, RealMLPRegressor

ROWS, EPOCHS = 256, 256
SHOWN = 6  # later ones differ by rounding, which steps of Adam from gradients near 0 enlarge


def judged(weights, Z, y, activation, loss, rate):
    """Return the losses of the first updates."""
    params = [torch.tensor(w, requires_grad=True) for w in weights.values()]
    scale, kernels, biases = params[:1], params[1::2], params[2::2]
    groups = [{"params": group} for group in (scale, kernels, biases)]
    rule, found = torch.optim.Adam(groups, betas=(0.9, 0.95)), []
    for step in range(SHOWN):
        share = np.log2(1 + 15 * step / EPOCHS)
        for group, factor in zip(rule.param_groups, (6, 1, 0.1), strict=True):
            group["lr"] = factor * rate * (0.5 - 0.5 * np.cos(2 * np.pi * share))
        h = Z * params[0]
        for layer, (W, b) in enumerate(zip(kernels, biases, strict=True)):
            h = h @ W / np.sqrt(len(W)) + b
            h = activation(h) if layer < 3 else h
        value = loss(h, y)
        rule.zero_grad()
        value.backward()
        rule.step()
        found.append(value.item())
    return found


def squeezed(X):
    """Return features as the paper scales them."""
    low, middle, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
    spread = np.where(high > low, high - low, np.ptp(X, axis=0) / 2)
    z = (X - middle) / spread
    return torch.tensor(z / np.sqrt(1 + (z / 3) ** 2), dtype=torch.float32)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_first_losses_are_those_of_the_formulas(task):
    is_classes = task == "classification"
    X, y = (load_breast_cancer if is_classes else load_diabetes)(return_X_y=True)
    X, y, first = X[:ROWS], y[:ROWS], {}

    model = (RealMLPClassifier if is_classes else RealMLPRegressor)(
        preset="td-s", validation_fraction=0, random_state=0,
        callbacks=[watch := LambdaCallback(on_train_begin=lambda logs: first.update(
            {name: w.copy() for name, w in watch.model.params.items()}))],
    )  # fmt: skip
    model.fit(X, y)
    if is_classes:
        smooth = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
        losses = judged(first, squeezed(X), torch.tensor(y), torch.nn.SELU(), smooth, 0.04)
    else:
        goal = torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)[:, None]
        mean = torch.nn.MSELoss()
        losses = judged(first, squeezed(X), goal, torch.nn.Mish(), mean, 0.07)
    np.testing.assert_allclose(model.history_["loss"][:SHOWN], losses, rtol=2e-3)
    assert losses[-1] < 0.8 * losses[0]
