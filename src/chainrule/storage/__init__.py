"""Files: written whole or not at all."""

from chainrule.storage.files import check_writable, write_bytes, write_text

__all__ = ["check_writable", "write_bytes", "write_text"]
