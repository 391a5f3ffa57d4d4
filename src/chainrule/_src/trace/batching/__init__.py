"""`vmap`: operations get an additional batch axis, by one rule for each primitive."""

from chainrule._src.trace.batching.vmap import vmap

__all__ = ["vmap"]
