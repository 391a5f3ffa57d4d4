"""A function of one example as one of many: an axis added to what it does, by a rule each."""

from chainrule._src.trace.batching.vmap import vmap

__all__ = ["vmap"]
