"""Tables from files of many formats."""

from chainrule._src.data.tables import (
    ArrayTable,
    Chunk,
    Column,
    Table,
    TrainingData,
    load_arrays,
    open_table,
    training_data,
)

__all__ = [
    "ArrayTable", "Chunk", "Column", "Table", "TrainingData", "load_arrays", "open_table",
    "training_data",
]  # fmt: skip
