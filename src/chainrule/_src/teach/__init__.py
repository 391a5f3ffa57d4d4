"""The lab as it is taught: exercises, checks that say what is wrong, marks."""

from chainrule._src.teach import check

__all__ = ["check"]
