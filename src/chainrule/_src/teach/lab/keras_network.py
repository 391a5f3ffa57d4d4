"""The same network in Keras.

Two dense layers, a sigmoid and a softmax, stochastic gradient descent with momentum: in Keras this
is a few lines. It starts from the same weights as the network by hand and sees the same batches of
32 in the same order, so both must take the same path, up to rounding: Keras computes in float32,
the network by hand in float64.

Keras reports the mean negative log likelihood under the name sparse categorical cross-entropy. To
recompute it: take the predicted probability of each sample's true class, take −log, average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.data.datasets import Digits
from chainrule._src.export.to_keras import import_keras
from chainrule._src.nn.callbacks import History
from chainrule._src.nn.functions import nll, one_hot
from chainrule._src.teach.lab.models import NeuralNet
from chainrule._src.teach.lab.results import (
    Number,
    Prediction,
    SectionPicture,
    SectionResult,
    digit_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

BATCH_SIZE, LEARNING_RATE, MOMENTUM, EPOCHS = 32, 0.1, 0.9, 15
SAMPLE = 42


@dataclass
class KerasResult(SectionResult):
    """Both networks after the same training.

    Attributes
    ----------
    history, keras_history : History
        Training loss before training and after every epoch: by hand, and by Keras's ``evaluate``.
    differences : dict of str to float
        Parameter → largest difference between the two networks.
    sample : Prediction
        Test sample 42 as Keras sees it.
    sample_nll, test_nll, train_nll : float
        Recomputed from Keras's predictions.
    reported : float
        The training loss that Keras's ``evaluate`` reports.
    backend : str
    """

    history: History
    keras_history: History
    differences: dict[str, float]
    sample: Prediction
    sample_nll: float
    test_nll: float
    train_nll: float
    reported: float
    backend: str
    log: list[str]

    @property
    def loss_difference(self) -> float:
        """Largest difference of the training losses at any epoch."""
        return float(np.abs(np.subtract(self.history.loss, self.keras_history.loss)).max())

    @property
    def numbers(self) -> dict[str, Number]:
        """The differences of the networks, and the likelihoods."""
        return {
            "Keras backend": self.backend,
            **{f"largest difference in {name}": d for name, d in self.differences.items()},
            "largest difference of losses": self.loss_difference,
            f"NLL of test sample {SAMPLE}": self.sample_nll,
            "mean NLL, test set": self.test_nll,
            "mean NLL, training set": self.train_nll,
            "loss reported by Keras": self.reported,
        }

    @property
    def findings(self) -> str:
        """Sentences on the differences between the two networks."""
        p = self.sample.probabilities[self.sample.label]
        return (
            f"After {self.history.epoch[-1]} epochs no parameter differs by more than "
            f"{max(self.differences.values()):.0e} and no epoch's loss by more than "
            f"{self.loss_difference:.0e}: the gradients by hand do what Keras does. "
            f"Test sample {SAMPLE} is {digit_text(self.sample.label)}, to which Keras gives the "
            f"probability {p:.4f}: its NLL is {self.sample_nll:.4f}. Averaged over the training "
            f"set the NLL is {self.train_nll:.5f}; Keras's evaluate reports {self.reported:.5f}."
        )

    @property
    def pictures(self) -> list[SectionPicture]:
        """Both loss curves, and the sample."""
        return [
            SectionPicture("Training loss of both networks.", self.plot_losses),
            self.sample.picture("as Keras sees it"),
        ]

    def plot_losses(self, ax: Axes | None = None) -> Axes:
        """Draw both loss curves: Keras as dots on the line by hand."""
        ax = plots.new_axes(ax)
        ax.plot(self.history.epoch, self.history.loss, color=plots.BLUE, label="by hand, NumPy")
        ax.plot(self.keras_history.epoch, self.keras_history.loss, "o", color=plots.ORANGE,
                label=f"Keras on {self.backend}")  # fmt: skip
        plots.finish(
            ax, title="The same path", xlabel="epoch", ylabel="train loss (nats)", ylim=(0, None)
        )
        ax.legend(frameon=False)
        return ax


def run(lab: Lab) -> KerasResult:
    """Train both networks from the same weights on the same batches, and compare."""
    with lab.progress("importing Keras", 1):
        keras = import_keras()
    lines, log = lab.logger()
    d = lab.digits
    epochs = 3 if lab.quick else EPOCHS
    net = NeuralNet(d.n_features, 10, d.n_classes, seed=lab.seed)
    twin = keras_network(keras, net)
    keras_history = History()

    def score(epoch: int, _: Any = None) -> None:
        loss = twin.evaluate(d.X_train, d.y_train, batch_size=len(d.X_train), verbose=0)
        keras_history.append(epoch, {"loss": float(loss)})
        advance()

    with lab.progress("training in Keras", epochs + 1) as advance:
        score(0)
        twin.fit(
            d.X_train, d.y_train, epochs=epochs, batch_size=BATCH_SIZE, shuffle=False, verbose=0,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda e, _: score(e + 1))],
        )  # fmt: skip
    history = net.fit(
        d.X_train, d.y_train, epochs=epochs, batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE, momentum=MOMENTUM,
    )  # fmt: skip
    for epoch, by_hand, by_keras in zip(
        history.epoch, history.loss, keras_history.loss, strict=True
    ):
        log(f"Epoch #{epoch}, train loss by hand: {by_hand:.5f}, in Keras: {by_keras:.5f}")

    test, train = (twin.predict(X, batch_size=len(X), verbose=0) for X in (d.X_test, d.X_train))
    label = int(d.y_test[SAMPLE])
    return KerasResult(
        history=history,
        keras_history=keras_history,
        differences=_differences(keras, net, twin),
        sample=Prediction(SAMPLE, d.image(d.X_test[SAMPLE]), label, test[SAMPLE]),
        sample_nll=float(nll(one_hot(d.n_classes, label), test[SAMPLE])),
        test_nll=_mean_nll(d, d.y_test, test),
        train_nll=_mean_nll(d, d.y_train, train),
        reported=keras_history.loss[-1],
        backend=keras.backend.backend(),
        log=lines,
    )


def keras_network(keras: Any, net: NeuralNet) -> Any:
    """Return a compiled Keras model with the sizes and the weights of ``net``."""
    model = keras.Sequential(
        [
            keras.layers.Input((net.input_size,)),
            keras.layers.Dense(
                net.hidden_size, activation=net.activation, kernel_initializer="zeros"
            ),
            keras.layers.Dense(net.output_size, activation="softmax", kernel_initializer="zeros"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM),
        loss="sparse_categorical_crossentropy",
    )
    model.set_weights(list(net.parameters.values()))
    return model


def _differences(keras: Any, net: NeuralNet, twin: Any) -> dict[str, float]:
    weights = [keras.ops.convert_to_numpy(variable.value) for variable in twin.weights]
    pairs = zip(net.parameters.items(), weights, strict=True)
    return {name: float(np.abs(value - weight).max()) for (name, value), weight in pairs}


def _mean_nll(digits: Digits, y: Array, probabilities: Array) -> float:
    return float(nll(one_hot(digits.n_classes, y), probabilities.astype(np.float64)))
