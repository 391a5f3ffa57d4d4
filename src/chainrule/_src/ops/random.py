"""Random numbers as a pure function of a seed and a counter, which programs can contain.

The three functions below define the numbers everywhere: NumPy calls them, the text of a program
quotes them, and the compiler compiles `random_bits`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._src.base.errors import DataError
from chainrule._src.core.kernel import Numbered
from chainrule._src.core.primitive import Family, Traced

RANDOM = Family()


def mixed(h: Any) -> Any:
    """Let every bit of whole numbers of 32 bits depend on all: Wellons's lowbias32, 2018."""
    h = np.uint32(h)
    h = np.uint32((h ^ (h >> 16)) * 0x7FEB352D)
    h = np.uint32((h ^ (h >> 15)) * 0x846CA68B)
    return np.uint32(h ^ (h >> 16))


def random_bits(seed: Any, counter: Any, place: Any) -> Any:
    """Return 32 random bits for every place; each seed and counter give bits of their own."""
    start = mixed(seed)
    key = mixed(np.uint32(counter) ^ start)
    return mixed(mixed(np.uint32(place) ^ key) + mixed(key + start))


def random_numbers(seed: Any, counter: Any, shape: Any, dtype: Any) -> Any:
    """Return an array of numbers in [0, 1), each a function of seed, counter and its place."""
    digits = 24 if dtype == np.float32 else 32
    places = np.arange(np.prod(shape, dtype=int), dtype=np.uint32).reshape(shape)
    with np.errstate(over="ignore"):  # whole numbers of 32 bits go round
        bits = random_bits(seed, counter, places)
    return (bits >> (32 - digits)).astype(dtype) * 2**-digits


def _scalar(dtype: str) -> str:
    bits = "random_bits(_0, _1, place)"
    integer = f"int32({bits} >> 8)" if dtype == "float32" else bits  # bits of its precision
    return f"{dtype}({integer}) * {dtype}({2.0**-24 if dtype == 'float32' else 2.0**-32})"


UNIFORM = RANDOM.add(
    "random_uniform",
    random_numbers,
    None,
    "random_numbers(_0, _1, shape, dtype)",
    helpers=(mixed, random_bits, random_numbers),
    kernel=Numbered(_scalar),
)


def random_uniform(seed: Any, counter: Any, shape: Any, dtype: Any = np.float64) -> Any:
    r"""Return random numbers, uniform in [0, 1), that are a function of two whole numbers.

    The entry at place :math:`p` of the flattened array is, with all arithmetic modulo
    :math:`2^{32}` and a mixing function :math:`m`,

    .. math:: a = m(\mathrm{seed}), \quad b = m(\mathrm{counter} \oplus a), \quad
              2^{-32}\, m\big(m(p \oplus b) + m(b + a)\big)

    so the same seed and counter give the same numbers, in NumPy and compiled, bit for bit, however
    threads share the samples; a counter that grows with every update gives new ones, and a run can
    go on from where it stopped. :math:`(a, b)` differs for any two pairs of seed and counter, so
    no two share a stream. Not for secrets.

    Parameters
    ----------
    seed, counter : int, or array or tensor of one whole number
        Taken modulo :math:`2^{32}`. In a recorded program one must be a tensor: of two plain
        numbers the result is a constant, as of any function.
    shape : tuple of int
        The first size may be the batch size; at most :math:`2^{32}` entries.
    dtype : dtype
        float32 (multiples of :math:`2^{-24}`) or float64 (of :math:`2^{-32}`).

    Returns
    -------
    ndarray of that shape and dtype

    Raises
    ------
    DataError
        If seed or counter is not one whole number, or the dtype is another.

    References
    ----------
    Salmon et al., *Parallel Random Numbers: As Easy as 1, 2, 3*, 2011, for generators without a
    state; the mixing function is lowbias32 of C. Wellons, *Prospecting for Hash Functions*, 2018.

    Examples
    --------
    >>> random_uniform(seed=0, counter=1, shape=(2, 3)).round(4)
    array([[0.5824, 0.1581, 0.1547],
           [0.5339, 0.7552, 0.9381]])
    """
    kind = np.dtype(dtype).type
    if kind not in (np.float32, np.float64):
        raise DataError(f"random_uniform: dtype must be float32 or float64, received {dtype!r}")
    seed, counter = _whole(seed, "seed"), _whole(counter, "counter")
    return UNIFORM(seed, counter, shape=tuple(shape), dtype=kind)


def _whole(number: Any, name: str) -> Any:
    """Return a whole number; a Python number modulo 2**32."""
    array: Any = number if isinstance(number, Traced) else np.asarray(number)
    if array.dtype.kind not in "iu" or array.shape != ():
        raise DataError(
            f"random_uniform: {name} must be one whole number, received {number!r}; a count kept "
            "as a float can be made one by .astype(np.int64)"
        )
    return number if isinstance(number, Traced) else int(number) % 2**32
