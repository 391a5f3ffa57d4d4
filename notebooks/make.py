"""Make the labs' notebooks, solutions and pages from notebooks/source: `make notebooks`."""

from pathlib import Path

from chainrule._src.teach.source import sources, write

write(Path(__file__).parents[1], sources())
