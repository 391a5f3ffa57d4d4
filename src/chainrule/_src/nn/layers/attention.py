"""Attention: each step of a sequence takes a weighted mean of the steps of a sequence."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from chainrule._src.base.arguments import Flag, Positive, Share
from chainrule._src.base.errors import ShapeError
from chainrule._src.base.validation import check_positive, shape_text
from chainrule._src.nn import initializers
from chainrule._src.nn.functions import softmax
from chainrule._src.nn.layers.dropout import Random
from chainrule._src.nn.layers.given import Shape
from chainrule._src.nn.layers.layer import SEQUENCES
from chainrule._src.nn.layers.surroundings import around

LEAST = -1e9  # the score of masked steps


class MultiHeadAttention(Random):
    r"""Every step of the query takes a mean of values, weighted by how much their keys fit.

    .. math:: \mathrm{head}_i = \mathrm{softmax}\Big(\frac{Q_i K_i^\top}{\sqrt{k}}\Big) V_i, \qquad
              y = [\mathrm{head}_1, \dots, \mathrm{head}_h] W^O + b^O

    Vaswani et al., *Attention Is All You Need*, 2017. :math:`Q_i`, :math:`K_i` and :math:`V_i` are
    projections of query, key and value by kernels. A layer of your own can call it with several
    sequences; as a layer of a chain it is self-attention.

    Parameters
    ----------
    num_heads : int
    key_dim : int
        :math:`k`, length of a key of a head.
    value_dim : int, optional
        Length of a value of a head; ``key_dim`` by default.
    dropout : float, default 0
        Share of attention weights that are set to 0 in training.
    use_bias : bool, default True
    output_shape : int, optional
        Length of a step of the output; by default that of the query.
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
    kernel_constraint, bias_constraint : str or Constraint, optional
    seed : int, optional
        Seed of dropout.
    **options
        Options of every `Layer`.

    Attributes
    ----------
    query_kernel, key_kernel : ndarray, shape (d, num_heads, key_dim)
    value_kernel : ndarray, shape (d, num_heads, value_dim)
    attention_output_kernel : ndarray, shape (num_heads, value_dim, outputs)
    query_bias, key_bias, value_bias, attention_output_bias : ndarray

    Raises
    ------
    DataError
        If a size is no whole number of at least 1, or ``dropout`` is not in ``[0, 1)``.
    ShapeError
        If query, value or key are no sequences, or there are not as many keys as values.

    Examples
    --------
    >>> x = np.zeros((2, 5, 8))
    >>> y, weights = MultiHeadAttention(2, key_dim=4)(x, return_attention_scores=True)
    >>> y.shape, weights.shape, weights[0, 0, 0]
    ((2, 5, 8), (2, 2, 5, 5), array([0.2, 0.2, 0.2, 0.2, 0.2], dtype=float32))
    """

    supports_masking = builds_itself = True
    kernel_initializer: Any

    def __init__(
        self, num_heads: Positive, key_dim: Positive, value_dim: Positive | None = None,
        dropout: Share = 0.0, use_bias: Flag = True, output_shape: Any = None,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, seed: int | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed, **options)
        self.num_heads, self.key_dim, self.value_dim = num_heads, key_dim, value_dim or key_dim
        self.dropout, self.use_bias = dropout, use_bias
        if isinstance(output_shape, list | tuple) and len(output_shape) == 1:
            (output_shape,) = output_shape
        self.outputs = output_shape and check_positive(
            output_shape, "output_shape", type(self).__name__
        )

    def __call__(  # type: ignore[override]
        self, query: Any, value: Any = None, key: Any = None, **options: Any
    ) -> Any:
        """Return the attention's output for arrays; the first call builds the layer."""
        return super().__call__(query, value, key, **options)

    def prepare(
        self, input_shape: Shape, rng: Any = None, dtype: Any = None, called_with: Any = None
    ) -> Shape:
        """Build the layer for a query, and for the value and the key that it is called with."""
        options = called_with[2] if called_with else {}
        arrays = [options[name] for name in ("value", "key") if options.get(name) is not None]
        shapes = [np.shape(x) for x in arrays] or [input_shape]
        self.shapes = input_shape, shapes[0], shapes[-1]  # of query, value and key
        return super().prepare(input_shape, rng, dtype, called_with)

    def build(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        """Create kernels and biases for the shapes of query, value and key."""
        if not self._is_building:
            value_shape = value_shape or query_shape
            shapes = query_shape, value_shape, key_shape or value_shape
            xs = [np.zeros((1, *(n or 1 for n in shape[1:])), self._dtype) for shape in shapes]
            options = {"value": xs[1], "key": xs[2]}
            self.prepare(query_shape, called_with=(xs[0], (), options))
            return
        for shape in self.shapes:
            self._expect(len(shape) == 3, SEQUENCES, shape)
        h, (query, value, key) = self.num_heads, (shape[-1] for shape in self.shapes)
        self._dense("query", (query, h, self.key_dim), 1)
        self._dense("key", (key, h, self.key_dim), 1)
        self._dense("value", (value, h, self.value_dim), 1)
        self._dense("attention_output", (h, self.value_dim, self.outputs or query), 2)
        if self.dropout:
            Random.build(self, query_shape)

    def compute_output_shape(
        self, query_shape: Shape, value_shape: Shape | None = None, key_shape: Shape | None = None
    ) -> Shape:
        """Return the shape of the output."""
        if value_shape and key_shape and value_shape[1:-1] != key_shape[1:-1]:
            raise ShapeError(
                f"{self}: expected as many keys as values, received shapes "
                f"{shape_text(value_shape)} and {shape_text(key_shape)}"
            )
        return (*query_shape[:-1], self.outputs or query_shape[-1])

    def _dense(self, name: str, shape: Shape, inputs: int) -> None:
        start = initializers.get(self.kernel_initializer, str(self))
        if isinstance(start, initializers.VarianceScaling) and start.input_axes is None:
            start, axes = copy.copy(start), range(len(shape))
            start.input_axes, start.output_axes = axes[:inputs], axes[inputs:]
        setattr(self, f"{name}_kernel", self.weight_of("kernel", shape, initializer=start))
        if self.use_bias:
            setattr(self, f"{name}_bias", self.weight_of("bias", shape[inputs:]))

    def call(
        self, query: Any, value: Any = None, key: Any = None, mask: Any = None,
        value_mask: Any = None, key_mask: Any = None, attention_mask: Any = None,
        return_attention_scores: bool = False, training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        """Return the output, and the attention weights with ``return_attention_scores``.

        ``mask`` is the mask of the query's steps. ``attention_mask``, shape (n, T, S), is true
        where a step may attend to another; with ``use_causal_mask`` none attends to later steps.
        """
        value = query if value is None else value
        outer = around()
        if value_mask is None and outer is not None:
            value_mask = outer.notes.mask_of(value)
        key = value if key is None else key
        self.compute_output_shape(query.shape, value.shape, key.shape)
        q, k, v = (
            self._projected(name, "ntd,dhk->nthk", x)
            for name, x in (("query", query), ("key", key), ("value", value))
        )
        scores = np.einsum("nqhk,nshk->nhqs", q * (1 / math.sqrt(self.key_dim)), k)
        visible = [] if attention_mask is None else [_heads(attention_mask)]
        visible += [] if mask is None else [mask[:, np.newaxis, :, np.newaxis]]
        visible += [m[:, np.newaxis, np.newaxis] for m in (value_mask, key_mask) if m is not None]
        if use_causal_mask:
            visible.append(np.tri(query.shape[1], value.shape[1], dtype=bool))
        for each in visible:
            scores = np.where(each, scores, LEAST)
        weights = self.named("attention", softmax(scores))
        used = weights
        if training and self.dropout:
            keep = self.uniform(weights) >= self.dropout
            used = np.where(keep, weights * (1 / (1 - self.dropout)), 0)
        heads = np.einsum("nhqs,nshk->nqhk", used, v)
        y = self._projected("attention_output", "nqhk,hkd->nqd", heads)
        return (y, weights) if return_attention_scores else y

    def _projected(self, name: str, subscripts: str, x: Any) -> Any:
        y = np.einsum(subscripts, x, getattr(self, f"{name}_kernel"))
        return y + getattr(self, f"{name}_bias") if self.use_bias else y


def _heads(mask: Any) -> Any:
    """Return a mask of steps with an axis for the heads."""
    return mask[:, np.newaxis] if mask.ndim == 3 else mask
