"""Files of models and checkpoints."""

from chainrule._src.data.storage import (
    Contents,
    check_name,
    check_writable,
    describe,
    read_tensors,
    write_new,
    write_tensors,
    write_text,
    write_whole,
)

__all__ = [
    "Contents", "check_name", "check_writable", "describe", "read_tensors", "write_new",
    "write_tensors", "write_text", "write_whole",
]  # fmt: skip
