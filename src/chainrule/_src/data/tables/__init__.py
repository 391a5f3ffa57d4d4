"""Tables of columns from scikit-learn's data sets, CSV, Parquet, .npz and folders of images."""

from chainrule._src.data.preprocessing.values import Chunk, Column
from chainrule._src.data.tables.matrices import TrainingData, load_arrays, training_data
from chainrule._src.data.tables.opening import open_table
from chainrule._src.data.tables.table import ArrayTable, Table

__all__ = [
    "ArrayTable", "Chunk", "Column", "Table", "TrainingData", "load_arrays", "open_table",
    "training_data",
]  # fmt: skip
