"""Layers without structure: activations with options, masking, wrappers, your own function."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Number, Real
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_each
from chainrule._src.nn import activations
from chainrule._src.nn.layers.layer import Layer, Shape


class Identity(Layer):
    """Returns the input unchanged.

    >>> Identity()(np.array([[1.0, 2.0]]))
    array([[1., 2.]], dtype=float32)
    """

    family, supports_masking = "layers.", True  # there is an initializer of this name

    def call(self, x: Any) -> Any:
        return x


class Wrapper(Layer):
    """Base class of layers that wrap another layer; a class of your own defines `call`.

    Parameters
    ----------
    layer : Layer
    """

    def __init__(self, layer: Layer, **options: Any) -> None:
        super().__init__(**options)
        if not isinstance(layer, Layer):
            raise DataError(f"{type(self).__name__}: expected a layer, received {layer!r}")
        self.layer: Any = layer

    def build(self, input_shape: Shape) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)


class ReLU(Layer):
    r"""Rectified linear unit, :math:`\max(0, x)`; arguments as of `chainrule.activations.relu`.

    >>> ReLU(max_value=2.0)(np.array([[-1.0, 1.0, 3.0]]))
    array([[0., 1., 2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        max_value: Number | None = None,
        negative_slope: Number = 0.0,
        threshold: Number = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, x: Any) -> Any:
        return activations.relu(x, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    r"""Return :math:`x` where :math:`x \ge 0`, else ``negative_slope`` (or ``alpha``) times x.

    >>> LeakyReLU(0.1)(np.array([[-1.0, 2.0]]))
    array([[-0.1,  2. ]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self, negative_slope: Number = 0.3, alpha: Number | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.negative_slope = negative_slope if alpha is None else alpha

    def call(self, x: Any) -> Any:
        return activations.leaky_relu(x, self.negative_slope)


class ELU(Layer):
    r"""Exponential linear unit, :math:`x` where :math:`x > 0`, else :math:`\alpha (e^x - 1)`.

    >>> ELU(0.5)(np.array([[-1e4, 2.0]]))
    array([[-0.5,  2. ]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, alpha: Real = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.alpha = alpha

    def call(self, x: Any) -> Any:
        return activations.elu(x, self.alpha)


class PReLU(Layer):
    r"""Return :math:`x` where :math:`x > 0`, else :math:`\alpha x` with weights :math:`\alpha`.

    He et al., *Delving Deep into Rectifiers*, 2015.

    Along ``shared_axes`` one weight is shared: ``(1, 2)`` for one weight per channel of an
    image.

    >>> PReLU("ones")(np.array([[-1.0, 2.0]]))
    array([[-1.,  2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        axes = [] if shared_axes is None else shared_axes
        axes = axes if isinstance(axes, list | tuple) else [axes]
        self.shared_axes = check_each(axes, "shared_axes", "PReLU")

    def build(self, input_shape: Shape) -> None:
        sizes = (1 if i in self.shared_axes else size for i, size in enumerate(input_shape))
        self.alpha = self.weight_of("alpha", (*sizes,)[1:])

    def call(self, x: Any) -> Any:
        return np.where(x > 0, x, self.alpha * x)


class Softmax(Layer):
    r"""Probabilities, :math:`e^{x_i} / \sum_j e^{x_j}` along one or several axes.

    >>> Softmax(axis=(1, 2))(np.zeros((1, 2, 2))).ravel()
    array([0.25, 0.25, 0.25, 0.25], dtype=float32)
    """

    supports_masking = True

    def __init__(self, axis: int | tuple[int, ...] = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis

    def call(self, x: Any, mask: Any = None) -> Any:
        """Return the probabilities; they are 0 where the mask is false."""
        if mask is None:
            return activations.softmax(x, self.axis)
        if np.broadcast_shapes(mask.shape, x.shape) != x.shape:
            raise ShapeError(f"{self}: a mask of shape {mask.shape} is larger than {x.shape}")
        lowest = float(np.finfo(x.dtype).min) / 2
        return np.where(mask, activations.softmax(np.where(mask, x, lowest), self.axis), 0)


class Masking(Layer):
    """Masks steps whose entries all equal ``mask_value``: later layers ignore these steps.

    >>> Masking()(np.array([[[1.0, 0.0], [0.0, 0.0]]])).shape
    (1, 2, 2)
    """

    supports_masking = True

    def __init__(self, mask_value: Real = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.mask_value = mask_value

    def call(self, x: Any) -> Any:
        """Return the input with zeros in masked steps."""
        return x * np.expand_dims(self.compute_mask(x, None), -1)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return np.any(inputs != self.mask_value, axis=-1)


class Lambda(Layer):
    """A function of your own, in NumPy. A lambda cannot be saved, because it has no name.

    ``arguments`` are further keyword arguments; ``output_shape`` is inferred and may be left out.

    >>> Lambda(lambda x: x**2)(np.array([[1.0, 3.0]]))
    array([[1., 9.]], dtype=float32)
    """

    def __init__(
        self, function: Any, output_shape: Any = None, arguments: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        if not callable(function):
            raise DataError(f"Lambda: function must be a function, received {function!r}")
        self.function, self.arguments = function, dict(arguments or {})

    def call(self, x: Any) -> Any:
        return self.function(x, **self.arguments)
