"""Layers, with Keras's names. A layer of your own is a class with plain NumPy in ``call``."""

from chainrule._src.nn.layers.adapted import Normalization
from chainrule._src.nn.layers.attention import MultiHeadAttention
from chainrule._src.nn.layers.branches import ByColumns, Ensemble
from chainrule._src.nn.layers.cells import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from chainrule._src.nn.layers.convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from chainrule._src.nn.layers.core import Activation, Dense, Embedding, Input
from chainrule._src.nn.layers.dropout import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
)
from chainrule._src.nn.layers.functions import (
    ELU,
    Identity,
    Lambda,
    LeakyReLU,
    Masking,
    PReLU,
    ReLU,
    Softmax,
    Wrapper,
)
from chainrule._src.nn.layers.layer import Layer
from chainrule._src.nn.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from chainrule._src.nn.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from chainrule._src.nn.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from chainrule._src.nn.layers.recurrent import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    SimpleRNN,
    TimeDistributed,
)
from chainrule._src.nn.layers.resizing import (
    Cropping1D,
    Cropping2D,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from chainrule._src.nn.layers.shape import Flatten, Permute, RepeatVector, Rescaling, Reshape
from chainrule._src.nn.layers.tabular import (
    Bounds,
    Clamp,
    NeuralTangentDense,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinear,
    RobustScaling,
    Scale,
)

__all__ = [
    "ELU", "GRU", "LSTM", "RNN", "Activation", "Add", "AlphaDropout", "Average",
    "AveragePooling1D", "AveragePooling2D", "AvgPool1D", "AvgPool2D", "BatchNormalization",
    "Bidirectional", "Bounds", "ByColumns", "Clamp", "Concatenate", "Conv1D", "Conv1DTranspose",
    "Conv2D", "Conv2DTranspose", "Convolution1D", "Convolution1DTranspose", "Convolution2D",
    "Convolution2DTranspose", "Cropping1D", "Cropping2D", "Dense", "DepthwiseConv1D",
    "DepthwiseConv2D", "Dot", "Dropout", "Embedding", "Ensemble", "Flatten", "GRUCell",
    "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalMaxPool1D", "GlobalMaxPool2D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GroupNormalization", "Identity", "Input",
    "LSTMCell", "Lambda", "Layer", "LayerNormalization", "LeakyReLU", "Masking", "MaxPool1D",
    "MaxPool2D", "MaxPooling1D", "MaxPooling2D", "Maximum", "Minimum", "MultiHeadAttention",
    "Multiply", "NeuralTangentDense", "Normalization", "PReLU", "ParametricActivation",
    "PeriodicEmbedding", "Permute", "PiecewiseLinear", "RMSNormalization", "ReLU",
    "RepeatVector", "Rescaling", "Reshape", "RobustScaling", "Scale", "SeparableConv1D",
    "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D", "SimpleRNN",
    "SimpleRNNCell", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "StackedRNNCells",
    "Subtract", "TimeDistributed",
    "UnitNormalization", "UpSampling1D", "UpSampling2D", "Wrapper", "ZeroPadding1D",
    "ZeroPadding2D",
]  # fmt: skip

# Further names of these layers in Keras.
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
Convolution1D, Convolution2D = Conv1D, Conv2D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
MaxPool1D, MaxPool2D = MaxPooling1D, MaxPooling2D
AvgPool1D, AvgPool2D = AveragePooling1D, AveragePooling2D
GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
