"""What trains in these tests: scores are a function of settings, seed and epochs."""

import zlib

import numpy as np

from chainrule._src.sweeps.member import TaskOutcome


class FakeFleet:
    """Models of three numbers, an epoch of which is a line of arithmetic.

    Attributes
    ----------
    epochs : int
        That were trained, all in all.
    """

    def __init__(self, folds=1, after=lambda outcome: None):
        self.epochs = self.models = 0
        self.folds, self.after = folds, after
        self.begun = []  # (number, epoch it went on from)

    def run(self, tasks):
        for task in tasks:
            outcome = self.trained(task)
            self.after(outcome)
            yield outcome

    def trained(self, task):
        member, settings = task.member, task.member.settings
        start = task.checkpoint
        self.begun.append((member.number, start[0]["epoch"] if start else 0))
        if settings.get("hidden") == "raises":
            return TaskOutcome(member, task.epochs, error="ValueError: no such layer")
        told = zlib.crc32(repr((sorted(settings.items(), key=str), member.seed)).encode())
        folds, losses = [], []
        for fold in range(self.folds):
            state = start[fold] if start else {
                "params": {"W": np.random.default_rng([told, fold]).random(3)}, "epoch": 0,
                "rate": 0.5, "done": False,
            }  # fmt: skip
            W, seen = state["params"]["W"], []
            for _ in range(task.epochs - state["epoch"]):
                W = np.sin(3 * W) * 0.9 + 0.05
                seen.append(float(W[0]))
                self.epochs += 1
            folds.append({**state, "params": {"W": W}, "epoch": task.epochs})
            losses.append(seen)
        self.models += 1
        scores = [abs(float(fold["params"]["W"].sum())) for fold in folds]
        if settings.get("lr", 0) > 0.09:
            return TaskOutcome(member, task.epochs, error="the loss turned NaN")
        mean = float(np.mean(scores))
        return TaskOutcome(
            member, task.epochs, {"val_loss": mean, "val_accuracy": 1 - mean},
            {"val_loss": scores, "val_accuracy": [1 - s for s in scores]}, losses, folds,
        )  # fmt: skip
