"""The backpropagation lab: two models with gradients by hand, and a module for each section."""

import os

from chainrule._src.core.names import count_names
from chainrule._src.nn.callbacks import History
from chainrule._src.teach.lab.models import LogisticRegression, NeuralNet
from chainrule._src.teach.lab.sections import SECTIONS
from chainrule._src.teach.lab.session import Lab

count_names(os.path.dirname(__file__))

__all__ = ["SECTIONS", "History", "Lab", "LogisticRegression", "NeuralNet"]
