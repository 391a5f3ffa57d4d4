"""Initializers that draw: uniform, normal, scaled to the shape, orthogonal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from chainrule._src.base.arguments import Number, PositiveNumber, Real
from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError, ShapeError
from chainrule._src.base.validation import check_seed, lookup
from chainrule._src.nn.initializers.initializer import Initializer, Shape, checked_shape

_TRUNCATED = 0.87962566103423978  # standard deviation of a normal variable within ±2


class _RandomInitializer(Initializer):
    """Base class of initializers that draw random numbers, from their own generator with ``seed``.

    An integer seed gives the same numbers at every call, as in Keras; a generator continues.
    """

    def __init__(self, seed: int | np.random.Generator | None = None) -> None:
        if seed is not None:
            check_seed(seed, type(self).__name__)
        self.seed = seed

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        """Return random numbers."""
        has_seed = self.seed is not None
        return self._draw(shape, check_seed(self.seed if has_seed else rng, type(self).__name__))

    def _draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        raise NotImplementedError


class RandomUniform(_RandomInitializer):
    """Draws uniformly between two numbers.

    Parameters
    ----------
    minval, maxval : float, default -0.05 and 0.05
        Ends of the interval; the second is excluded.
    seed : int or Generator, optional
        Seed or generator of this initializer; by default ``rng`` of the call is used.

    Raises
    ------
    DataError
        If ``minval`` is above ``maxval``, or the seed is neither an integer nor a generator.

    Examples
    --------
    >>> w = RandomUniform(-1.0, 1.0, seed=0)((1000,))
    >>> bool(w.min() >= -1), bool(w.max() < 1)
    (True, True)
    >>> bool((RandomUniform(-1.0, 1.0, seed=0)((1000,)) == w).all())  # the same numbers
    True
    """

    def __init__(
        self,
        minval: Real = -0.05,
        maxval: Real = 0.05,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval
        if minval > maxval:
            raise DataError(
                f"RandomUniform: minval must not be above maxval, received {minval} and {maxval}"
            )

    def _draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.uniform(self.minval, self.maxval, shape)


class RandomNormal(_RandomInitializer):
    """Draws normal numbers with a mean and a standard deviation.

    Parameters
    ----------
    mean : float, default 0
        Mean of the entries.
    stddev : float, default 0.05
        Standard deviation of the entries.
    seed : int or Generator, optional
        Seed or generator of this initializer; by default ``rng`` of the call is used.

    Raises
    ------
    DataError
        If ``stddev`` is negative, or the seed is neither an integer nor a generator.

    Examples
    --------
    >>> w = RandomNormal(mean=1.0, stddev=0.1, seed=0)((10_000,))
    >>> w.mean().round(2), w.std().round(2)
    (np.float64(1.0), np.float64(0.1))
    """

    def __init__(
        self,
        mean: Real = 0.0,
        stddev: Number = 0.05,
        seed: int | np.random.Generator | None = None,
    ) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def _draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return rng.normal(self.mean, self.stddev, shape)


class TruncatedNormal(RandomNormal):
    """Draws normal numbers within two standard deviations of the mean.

    ``stddev`` is that of the normal distribution; the truncated one has 0.88 of it.

    Parameters
    ----------
    mean, stddev, seed
        Parameters of `RandomNormal`.

    Raises
    ------
    DataError
        If ``stddev`` is negative, or the seed is neither an integer nor a generator.

    Examples
    --------
    >>> w = TruncatedNormal(stddev=0.1, seed=0)((10_000,))
    >>> bool(np.abs(w).max() <= 0.2), w.std().round(3)
    (True, np.float64(0.088))
    """

    def _draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        return self.mean + self.stddev * _within_two(shape, rng)


class VarianceScaling(_RandomInitializer):
    r"""Draws numbers of variance :math:`s / n`, where ``n`` counts inputs, outputs, or their mean.

    Parameters
    ----------
    scale : float, default 1
        :math:`s`, above 0.
    mode : {"fan_in", "fan_out", "fan_avg"}, default "fan_in"
        The number :math:`n`: inputs, outputs or their mean, see `compute_fans`.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}, default "truncated_normal"
        ``"normal"`` is the truncated one too.
    seed : int or Generator, optional
        Seed or generator of this initializer; by default ``rng`` of the call is used.
    input_axes, output_axes : sequence of int, optional
        Axes of inputs and outputs, for a weight with another layout than `compute_fans` supposes.

    Raises
    ------
    DataError
        If ``scale`` is not above 0, only one of ``input_axes`` and ``output_axes`` is set, or the
        seed is neither an integer nor a generator.
    UnknownNameError
        If there is no such mode or distribution.

    Examples
    --------
    >>> w = VarianceScaling(2.0, mode="fan_in", seed=0)((200, 300))
    >>> w.var().round(4)  # 2 / 200
    np.float64(0.01)
    """

    def __init__(
        self,
        scale: PositiveNumber = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | np.random.Generator | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        self.scale, self.mode, self.distribution = scale, mode, distribution
        lookup("mode", mode, _FANS)
        lookup("distribution", distribution, _DISTRIBUTIONS)
        if (input_axes is None) != (output_axes is None):
            raise DataError(f"{type(self).__name__}: expected input_axes and output_axes, or none")
        self.input_axes, self.output_axes = input_axes, output_axes

    def _draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        n = _FANS[self.mode](*compute_fans(shape, self.input_axes, self.output_axes))
        return math.sqrt(self.scale / max(1.0, n)) * _DISTRIBUTIONS[self.distribution](shape, rng)


class _FixedVarianceScaling(VarianceScaling):
    """`VarianceScaling` with fixed scale, mode and distribution."""

    _arguments: tuple[float, str, str]

    def __init__(
        self,
        seed: int | np.random.Generator | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._arguments, seed, input_axes, output_axes)


class GlorotUniform(_FixedVarianceScaling):
    r"""Draws uniformly in :math:`\pm\sqrt{6 / (n_{in} + n_{out})}`, for tanh and sigmoid.

    Glorot, Bengio, *Understanding the difficulty of training deep feedforward neural networks*,
    2010, equation 16.

    Parameters
    ----------
    seed, input_axes, output_axes
        Parameters of `VarianceScaling`.

    Raises
    ------
    DataError
        If only one of ``input_axes`` and ``output_axes`` is set, or the seed is neither an integer
        nor a generator.

    Examples
    --------
    >>> W = GlorotUniform()((100, 50), np.random.default_rng(0))
    >>> W.shape, bool(np.abs(W).max() <= np.sqrt(6 / 150))
    ((100, 50), True)
    """

    _arguments = (1.0, "fan_avg", "uniform")


class GlorotNormal(_FixedVarianceScaling):
    r"""Draws truncated normal numbers of deviation :math:`\sqrt{2 / (n_{in} + n_{out})}`.

    Parameters
    ----------
    seed, input_axes, output_axes
        Parameters of `VarianceScaling`.

    Raises
    ------
    DataError
        If only one of ``input_axes`` and ``output_axes`` is set, or the seed is neither an integer
        nor a generator.

    Examples
    --------
    >>> w = GlorotNormal(seed=0)((50, 150))
    >>> w.std().round(2)  # sqrt(2 / (50 + 150))
    np.float64(0.1)
    """

    _arguments = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_FixedVarianceScaling):
    r"""Draws uniformly in :math:`\pm\sqrt{6 / n_{in}}`, for relu.

    He, Zhang, Ren, Sun, *Delving Deep into Rectifiers*, 2015, equation 10.

    Parameters
    ----------
    seed, input_axes, output_axes
        Parameters of `VarianceScaling`.

    Raises
    ------
    DataError
        If only one of ``input_axes`` and ``output_axes`` is set, or the seed is neither an integer
        nor a generator.

    Examples
    --------
    >>> w = HeUniform(seed=0)((150, 100))
    >>> np.abs(w).max().round(2)  # sqrt(6 / 150)
    np.float64(0.2)
    """

    _arguments = (2.0, "fan_in", "uniform")


class HeNormal(_FixedVarianceScaling):
    r"""Draws truncated normal numbers of standard deviation :math:`\sqrt{2 / n_{in}}`, for relu.

    Parameters
    ----------
    seed, input_axes, output_axes
        Parameters of `VarianceScaling`.

    Raises
    ------
    DataError
        If only one of ``input_axes`` and ``output_axes`` is set, or the seed is neither an integer
        nor a generator.

    Examples
    --------
    >>> w = HeNormal(seed=0)((200, 100))
    >>> w.std().round(2)  # sqrt(2 / 200)
    np.float64(0.1)
    """

    _arguments = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_FixedVarianceScaling):
    r"""Draws uniformly in :math:`\pm\sqrt{3 / n_{in}}`.

    LeCun, Bottou, Orr, Müller, *Efficient BackProp*, 1998, section 4.6.

    Parameters
    ----------
    seed, input_axes, output_axes
        Parameters of `VarianceScaling`.

    Raises
    ------
    DataError
        If only one of ``input_axes`` and ``output_axes`` is set, or the seed is neither an integer
        nor a generator.

    Examples
    --------
    >>> w = LecunUniform(seed=0)((300, 100))
    >>> np.abs(w).max().round(2)  # sqrt(3 / 300)
    np.float64(0.1)
    """

    _arguments = (1.0, "fan_in", "uniform")


class LecunNormal(_FixedVarianceScaling):
    r"""Draws truncated normal numbers of standard deviation :math:`\sqrt{1 / n_{in}}`, for selu.

    Parameters
    ----------
    seed, input_axes, output_axes
        Parameters of `VarianceScaling`.

    Raises
    ------
    DataError
        If only one of ``input_axes`` and ``output_axes`` is set, or the seed is neither an integer
        nor a generator.

    Examples
    --------
    >>> w = LecunNormal(seed=0)((100, 200))
    >>> w.std().round(2)  # sqrt(1 / 100)
    np.float64(0.1)
    """

    _arguments = (1.0, "fan_in", "truncated_normal")


class Orthogonal(_RandomInitializer):
    """Draws a matrix whose columns, or rows if those are fewer, are orthogonal.

    If a weight has more axes, all but the last are the rows. Saxe, McClelland, Ganguli, *Exact
    solutions to the nonlinear dynamics of learning in deep linear neural networks*, 2014.

    Parameters
    ----------
    gain : float, default 1
        Length of the orthogonal vectors.
    seed : int or Generator, optional
        Seed or generator of this initializer; by default ``rng`` of the call is used.

    Raises
    ------
    ShapeError
        When called with fewer than two axes.
    DataError
        If ``gain`` is not a finite number, or the seed is neither an integer nor a generator.

    Examples
    --------
    >>> w = Orthogonal(gain=2.0, seed=0)((5, 3))
    >>> np.abs(w.T @ w).round(6)
    array([[4., 0., 0.],
           [0., 4., 0.],
           [0., 0., 4.]])
    """

    def __init__(self, gain: Real = 1.0, seed: int | np.random.Generator | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def _draw(self, shape: Shape, rng: np.random.Generator) -> Array:
        if len(shape) < 2:
            raise ShapeError(f"Orthogonal: expected at least two axes, received shape {shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))  # without it some directions would be likelier than others
        return self.gain * np.reshape(q if rows >= columns else q.T, shape)


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """Return the number of inputs of a unit (fan-in), and of outputs of an input (fan-out).

    Parameters
    ----------
    shape : sequence of int
        ``(n_in, n_out)``, or ``(..., n_in, n_out)`` of a convolution's kernel, whose first axes
        are its receptive field.
    input_axes, output_axes : sequence of int, optional
        The axes of inputs and of outputs; used only if both are set.

    Returns
    -------
    tuple of two ints

    Raises
    ------
    ShapeError
        If ``shape`` is not a tuple or list of whole numbers.

    Examples
    --------
    >>> compute_fans((64, 10)), compute_fans((3, 3, 16, 32))
    ((64, 10), (144, 288))
    """
    shape = checked_shape(shape, "compute_fans")
    if input_axes is not None and output_axes is not None:
        counted = input_axes, output_axes
        inputs, outputs = (math.prod(shape[axis] for axis in axes) for axes in counted)
        return inputs, outputs
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def _within_two(shape: Shape, rng: np.random.Generator) -> Array:
    """Return standard normal numbers; numbers beyond ±2 are drawn again."""
    drawn = np.asarray(rng.standard_normal(shape))
    while (far := np.abs(drawn) > 2).any():
        drawn[far] = rng.standard_normal(np.count_nonzero(far))
    return drawn


_FANS: dict[str, Callable[[int, int], float]] = {
    "fan_in": lambda inputs, outputs: inputs,
    "fan_out": lambda inputs, outputs: outputs,
    "fan_avg": lambda inputs, outputs: (inputs + outputs) / 2,
}
_DISTRIBUTIONS: dict[str, Callable[[Shape, np.random.Generator], Array]] = {
    "truncated_normal": lambda shape, rng: _within_two(shape, rng) / _TRUNCATED,
    "normal": lambda shape, rng: _within_two(shape, rng) / _TRUNCATED,
    "untruncated_normal": lambda shape, rng: rng.standard_normal(shape),
    "uniform": lambda shape, rng: rng.uniform(-math.sqrt(3), math.sqrt(3), shape),
}  # each of variance 1
