"""Layers without structure: activations with options, masking, wrappers, your own function."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.arguments import Number, Real
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_each
from chainrule._src.nn import activations
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import Layer


class Identity(Layer):
    """Returns the input unchanged.

    Parameters
    ----------
    activity_regularizer, batch_input_shape, dtype, input_dim, input_shape, name, trainable
        Options of every `Layer`.

    Examples
    --------
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
        The inner layer, which becomes the attribute ``layer``.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``layer`` is no layer.

    Examples
    --------
    >>> class Residual(Wrapper):
    ...     def call(self, x):
    ...         return x + self.layer(x)
    >>> Residual(ReLU())(np.array([[-1.0, 2.0]]))
    array([[-1.,  4.]], dtype=float32)
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
    r"""Sets negative entries to 0: the rectified linear unit, :math:`\max(0, x)`.

    Parameters
    ----------
    max_value : float, optional
        Upper bound of the output.
    negative_slope : float, default 0
        Slope below the threshold.
    threshold : float, default 0
        Entries from the threshold on are kept; below it, the output is
        ``negative_slope * (x - threshold)``.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If an argument is negative.

    Examples
    --------
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
    r"""Multiplies negative entries with a slope: :math:`x` where :math:`x \ge 0`, else :math:`s x`.

    Parameters
    ----------
    negative_slope : float, default 0.3
        :math:`s`, at least 0.
    alpha : float, optional
        Replaces ``negative_slope``, for compatibility with Keras.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If the slope is negative.

    Examples
    --------
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
    r"""Bends negative entries: :math:`x` where :math:`x > 0`, else :math:`\alpha (e^x - 1)`.

    Clevert, Unterthiner, Hochreiter, *Fast and Accurate Deep Network Learning by Exponential
    Linear Units*, 2016.

    Parameters
    ----------
    alpha : float, default 1
        :math:`\alpha`; the output approaches :math:`-\alpha` for very negative entries.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``alpha`` is no finite number.

    Examples
    --------
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
    r"""Multiplies negative entries with trained slopes.

    .. math:: y = x \ \text{where}\ x > 0, \ \text{else}\ \alpha x

    He et al., *Delving Deep into Rectifiers*, 2015.

    Parameters
    ----------
    alpha_initializer : str or Initializer, default "zeros"
    alpha_regularizer : str or Regularizer, optional
    alpha_constraint : str or Constraint, optional
    shared_axes : int or tuple of int, optional
        Axes along which one weight is shared: ``(1, 2)`` gives one weight per channel of an image.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    alpha : ndarray, shape of a sample, with size 1 along the shared axes

    Raises
    ------
    DataError
        If ``shared_axes`` holds anything but whole numbers of at least 1.

    Examples
    --------
    >>> PReLU("ones")(np.array([[-1.0, 2.0]]))
    array([[-1.,  2.]], dtype=float32)
    >>> layer = PReLU(shared_axes=(1, 2))
    >>> layer.build((None, 8, 8, 3))
    >>> layer.alpha.shape
    (1, 1, 3)
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
    r"""Turns scores into probabilities, :math:`e^{x_i} / \sum_j e^{x_j}`, along axes.

    Parameters
    ----------
    axis : int or tuple of int, default -1
        The axes over which the probabilities sum to 1.
    **options
        Options of every `Layer`.

    Raises
    ------
    ShapeError
        If a mask has more entries than the input, when the layer is called.

    Examples
    --------
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

    Parameters
    ----------
    mask_value : float, default 0
        The number that fills a step that is to be ignored. These steps become 0.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``mask_value`` is no finite number.

    Examples
    --------
    >>> Masking(9.0)(np.array([[[1.0, 9.0], [9.0, 9.0]]]))
    array([[[1., 9.],
            [0., 0.]]], dtype=float32)
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
    """Applies a function of your own, in NumPy. A lambda cannot be saved, because it has no name.

    Parameters
    ----------
    function : callable
        Function of the input, an array whose first axis is the batch.
    output_shape : ignored
        The shape of the output is found by a trial call.
    arguments : dict, optional
        Further keyword arguments of the function.
    **options
        Options of every `Layer`.

    Raises
    ------
    DataError
        If ``function`` cannot be called.

    Examples
    --------
    >>> Lambda(lambda x: x**2)(np.array([[1.0, 3.0]]))
    array([[1., 9.]], dtype=float32)
    >>> Lambda(np.clip, arguments={"a_min": 0.0, "a_max": 2.0})(np.array([[1.0, 3.0]]))
    array([[1., 2.]], dtype=float32)
    """

    takes_several = True

    def __init__(
        self, function: Any, output_shape: Any = None, arguments: Any = None, **options: Any
    ) -> None:
        super().__init__(**options)
        if not callable(function):
            raise DataError(f"Lambda: function must be a function, received {function!r}")
        self.function, self.arguments = function, dict(arguments or {})

    def call(self, x: Any) -> Any:
        return self.function(x, **self.arguments)
