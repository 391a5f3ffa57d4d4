"""Files: written whole or not at all."""

from chainrule.storage.files import check_writable, write_text, write_whole

__all__ = ["check_writable", "write_text", "write_whole"]
