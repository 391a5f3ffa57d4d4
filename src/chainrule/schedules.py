"""Learning rates that change from update to update."""

from chainrule._src.nn.schedules import (
    ROUNDING,
    CosineDecay,
    CosineDecayRestarts,
    CosineLog,
    ExponentialDecay,
    FlatCosine,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
    deserialize,
    serialize,
)

__all__ = [
    "ROUNDING", "CosineDecay", "CosineDecayRestarts", "CosineLog", "ExponentialDecay", "FlatCosine",
    "InverseTimeDecay", "LearningRateSchedule", "PiecewiseConstantDecay", "PolynomialDecay",
    "deserialize", "serialize",
]  # fmt: skip
