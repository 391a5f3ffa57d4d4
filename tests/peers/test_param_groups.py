"""Learning rates by parameter, with PyTorch's parameter groups as the judge."""

import numpy as np
import pytest
import torch

from chainrule import optimizers, schedules


@pytest.mark.parametrize("decay", [None, schedules.FlatCosine(0.3, 30)], ids=str)
def test_multipliers_are_parameter_groups(decay):
    rng = np.random.default_rng(0)
    start = {"scale_scale": rng.normal(size=3), "dense_kernel": rng.normal(size=(3, 2)),
             "dense_bias": rng.normal(size=2)}  # fmt: skip
    factors = {"scale$": 6.0, "bias$": 0.1, "e": 1.0}
    rate = schedules.CosineLog(0.04, 30)
    rule = optimizers.Adam(
        rate, beta_2=0.95, epsilon=0.0, weight_decay=decay, learning_rate_multipliers=factors
    )
    rule.exclude_from_weight_decay(var_names=["bias$"])
    judged = {name: torch.tensor(w, requires_grad=True) for name, w in start.items()}
    groups = [{"params": [w]} for w in judged.values()]
    judge = torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=0.0)
    params, state = start, rule.init(start)
    for step in range(30):
        slopes = {name: rng.normal(size=w.shape) for name, w in start.items()}
        for group, name, factor in zip(judge.param_groups, start, (6, 1, 0.1), strict=True):
            group["lr"] = factor * float(rate(step))
            none = decay is None or name == "dense_bias"
            group["weight_decay"] = 0 if none else float(decay(step))
            judged[name].grad = torch.tensor(slopes[name])
        judge.step()
        params, state = rule.update(params, slopes, state)
    for name, w in params.items():
        np.testing.assert_allclose(w, judged[name].detach().numpy(), rtol=1e-10)
