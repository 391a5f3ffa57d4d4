"""Teaching the lab: exercises, checks whose messages say what is wrong, and marks."""

from chainrule._src.teach import check

__all__ = ["check"]
