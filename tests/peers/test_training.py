"""`minimize`, with PyTorch as the judge."""

import numpy as np
import torch
from tests.nn.test_training import network, samples

import chainrule as cr
from chainrule import optimizers


def test_against_pytorch_from_the_same_start():
    loss, params = network([12, 9, 4], "tanh")
    X, y = samples(64, 12, 4)
    trained, _history = cr.minimize(
        loss, params, X, y, optimizer=optimizers.SGD(0.1, momentum=0.9), epochs=20,
        batch_size=10, shuffle=False, engine="compiled",
    )  # fmt: skip
    theirs = {key: torch.tensor(value, requires_grad=True) for key, value in params.items()}
    rule = torch.optim.SGD(theirs.values(), 0.1, momentum=0.9)
    for _ in range(20):
        for start in range(0, 64, 10):
            x, t = torch.tensor(X[start : start + 10]), torch.tensor(y[start : start + 10])
            z = torch.tanh(x @ theirs["W0"] + theirs["b0"]) @ theirs["W1"] + theirs["b1"]
            rule.zero_grad()
            torch.nn.functional.cross_entropy(z, t).backward()
            rule.step()
    for key in params:
        np.testing.assert_allclose(
            trained[key], theirs[key].detach().numpy(), rtol=1e-9, atol=1e-11
        )
