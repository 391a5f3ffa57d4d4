"""The gradient, written out.

The recorded operations can be more than run: they can be printed. Tracing the loss of the lab's
network together with its gradient, and writing the equations as NumPy with the names that the code
itself uses, gives a module that a person could have written. It imports nothing but NumPy, and the
batch size stays the letter n.

The same record tells a learner what is wrong. A hand-written gradient is held against the automatic
one; if they differ, one thing after another is changed in the learner's code until it gives the
right gradient: that line was wrong, and the change says why.
"""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule._src.base import plots
from chainrule._src.base.arrays import Array
from chainrule._src.check import check_gradients
from chainrule._src.nn.training.source import source
from chainrule._src.teach.lab.models import NeuralNet
from chainrule._src.teach.lab.results import Number, SectionPicture, SectionResult
from chainrule._src.teach.lab.reverse_mode import network_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from chainrule._src.teach.lab.session import Lab

BATCH = 32


class MistakenNet(NeuralNet):
    """The lab's network with two mistakes in its gradient."""

    def _gradients(self, X: Array, Y: Array) -> dict[str, Array]:
        y, [h], _ = self._activations(X)
        grad_z_o = y - Y
        grad_z_h = grad_z_o @ self.W_o.T
        return {
            "W_h": X.T @ grad_z_h,
            "b_h": grad_z_h.sum(axis=0),
            "W_o": h.T @ grad_z_o,
            "b_o": grad_z_o.sum(axis=0),
        }


@dataclass
class GradientSourceResult(SectionResult):
    """The generated text, run and compared.

    Attributes
    ----------
    text : str
        The module that `cr.source` wrote.
    by_hand : str
        The source of the lab's gradient, for comparison.
    gradients, hand_gradients : dict of str to ndarray
        Results of the generated text and of the lab's model.
    mistaken, diagnosis : str
        The source of a wrong gradient, and its diagnosis.
    """

    text: str
    by_hand: str
    gradients: dict[str, Array]
    hand_gradients: dict[str, Array]
    mistaken: str
    diagnosis: str
    log: list[str]

    @property
    def numbers(self) -> dict[str, Number]:
        """The number of lines, and the agreement of the gradients."""
        return {
            "lines of code, generated": _code_lines(self.text),
            "lines of code, by hand, forward and gradient": _code_lines(self.by_hand),
            **{
                f"largest difference in {name}": float(np.abs(g - self.hand_gradients[name]).max())
                for name, g in self.gradients.items()
            },
        }

    @property
    def findings(self) -> str:
        """Sentences that compare the generated text with the lab's gradient."""
        worst = max(
            float(np.abs(g - self.hand_gradients[name]).max()) for name, g in self.gradients.items()
        )
        return (
            f"The generated function has {_code_lines(self.text)} lines for value and gradient, "
            f"the hand-written methods have {_code_lines(self.by_hand)}. On a batch of {BATCH} "
            f"they differ by no more than {worst:.0e}: the generated one is exact for the 1e-8 "
            "that the loss adds inside its logarithm.\n\n"
            "The mistaken network forgets the slope of the sigmoid and the average over the batch; "
            "the check finds both lines, and says what they must be."
        )

    @property
    def listings(self) -> list[tuple[str, str]]:
        """The generated text, the wrong gradient and its diagnosis."""
        return [
            ("Written by chainrule: the loss of the lab's network and its gradient.", self.text),
            ("Written by hand: the same in the lab's NeuralNet.", self.by_hand),
            ("A gradient with two mistakes.", self.mistaken),
            ("What check_gradients says of it.", self.diagnosis),
        ]

    @property
    def pictures(self) -> list[SectionPicture]:
        """A picture of both gradients, entry by entry."""
        return [
            SectionPicture(
                "Every entry of the gradient: from the generated text and by hand.",
                self.plot_agreement,
                (5.5, 4.5),
            )
        ]

    def plot_agreement(self, ax: Axes | None = None) -> Axes:
        """Draw the generated gradient against the gradient by hand."""
        pairs = {name: (self.hand_gradients[name], g) for name, g in self.gradients.items()}
        return plots.agreement(pairs, "∂L/∂θ by hand", "∂L/∂θ from the generated text", ax)


def run(lab: Lab) -> GradientSourceResult:
    """Generate the gradient's source, run it, and diagnose a wrong gradient."""
    lines, log = lab.logger()
    net = lab.run("hidden-layer").model
    X, y = lab.digits.X_train[:BATCH].astype(np.float64), lab.digits.y_train[:BATCH]
    text = source(network_loss)(net.parameters, X, y)
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    value, gradients = namespace["value_and_gradients"](net.parameters, X, y)
    for line in text.splitlines():
        log(line)
    log(f"loss of the text: {value:.6f}, of the model: {net.loss(X, y):.6f}")

    mistaken = MistakenNet(net.input_size, 10, net.output_size, seed=lab.seed)
    mistaken.fit(lab.digits.X_train[:200], lab.digits.y_train[:200], learning_rate=0.01)
    report = str(check_gradients(mistaken)(X, y))
    for line in report.splitlines():
        log(line)
    by_hand = "\n".join(
        textwrap.dedent(inspect.getsource(method))
        for method in (NeuralNet._activations, NeuralNet._gradients)
    )
    wrong = textwrap.dedent(inspect.getsource(MistakenNet._gradients))
    return GradientSourceResult(text, by_hand, gradients, net.grad_loss(X, y), wrong, report, lines)


def _code_lines(text: str) -> int:
    lines = (line.strip() for line in text.splitlines())
    return sum(1 for line in lines if line and not line.startswith(("#", "import", "def")))
