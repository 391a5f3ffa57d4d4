"""Layers, under Keras's names. One of your own is a class with plain NumPy in ``call``."""

from chainrule.layers.attention import MultiHeadAttention
from chainrule.layers.core import Activation, Dense, Embedding, Input
from chainrule.layers.dropout import Dropout
from chainrule.layers.images import (
    AveragePooling2D,
    Conv2D,
    GlobalAveragePooling2D,
    MaxPooling2D,
)
from chainrule.layers.layer import Layer
from chainrule.layers.normalization import BatchNormalization, LayerNormalization, Normalization
from chainrule.layers.recurrent import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)
from chainrule.layers.shape import Flatten, Rescaling, Reshape

__all__ = [
    "GRU", "LSTM", "RNN", "Activation", "AveragePooling2D", "BatchNormalization", "Bidirectional",
    "Conv2D", "Dense", "Dropout", "Embedding", "Flatten", "GRUCell", "GlobalAveragePooling2D",
    "Input", "LSTMCell", "Layer", "LayerNormalization", "MaxPooling2D", "MultiHeadAttention",
    "Normalization", "Rescaling", "Reshape", "SimpleRNN", "SimpleRNNCell", "StackedRNNCells",
    "TimeDistributed",
]  # fmt: skip
