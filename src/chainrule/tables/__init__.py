"""Anyone's data as columns: scikit-learn's data sets, CSV, Parquet, .npz, folders of images."""

from chainrule.preprocessing.values import Chunk, Column
from chainrule.tables.matrices import TrainingData, load_arrays, training_data
from chainrule.tables.opening import open_table
from chainrule.tables.table import ArrayTable, Table

__all__ = [
    "ArrayTable",
    "Chunk",
    "Column",
    "Table",
    "TrainingData",
    "load_arrays",
    "open_table",
    "training_data",
]
