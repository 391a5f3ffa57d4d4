"""Files that are written atomically and read without running code."""

from chainrule._src.data.storage.files import check_writable, write_new, write_text, write_whole
from chainrule._src.data.storage.signatures import check_name
from chainrule._src.data.storage.tensors import Contents, describe, read_tensors, write_tensors

__all__ = [
    "Contents", "check_name", "check_writable", "describe", "read_tensors", "write_new",
    "write_tensors", "write_text", "write_whole",
]  # fmt: skip
