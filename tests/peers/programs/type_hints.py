"""A program in functions with types, as people write in projects."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
from keras import Model, backend, layers, optimizers
from keras.layers import Dense, Input, concatenate  # noqa: F401
from keras.models import Sequential, load_model  # noqa: F401


@dataclasses.dataclass
class Settings:
    hidden: tuple[int, ...] = (8, 4)
    rate: float = 0.01
    epochs: int = 3


def build(settings: Settings, features: int) -> keras.Model:
    model = Sequential(name="regressor")
    model.add(Input(shape=(features,)))
    for number, width in enumerate(settings.hidden):
        model.add(Dense(width, activation="relu", name=f"hidden_{number}"))
    model.add(layers.Dense(1, activation=None))
    model.compile(optimizer=optimizers.Adam(settings.rate), loss="mse", metrics=["mae"])
    return model


def train(model: Model, x: np.ndarray, y: np.ndarray, epochs: int) -> dict[str, list[float]]:
    return model.fit(x, y, epochs=epochs, verbose=0, validation_split=0.1).history


def main() -> dict[str, list[float]]:
    backend.clear_session()
    rng = np.random.default_rng(73)
    x = rng.normal(size=(80, 3)).astype(backend.floatx())
    y = x @ np.array([1.0, 2.0, 3.0], "float32")
    settings = Settings()
    model = build(settings, x.shape[1])
    history = train(model, x, y, settings.epochs)
    loss, mae = model.evaluate(x, y, verbose=0)
    return {**history, "loss_in_the_end": [loss], "mae_in_the_end": [mae]}


if __name__ == "__main__":
    outcome = main()
