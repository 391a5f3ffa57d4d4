"""What a file seems to be that is none of ours."""

from __future__ import annotations

import re

SIGNATURES = {
    rb"\x80[\x02-\x05]": "a pickle, which can run code when it is loaded",
    rb"\x89HDF\r\n\x1a\n": "an HDF5 file, such as Keras's .h5",
    rb"PK\x03\x04.*(metadata|config)\.json": "a Keras model (.keras)",
    rb"PK\x03\x04.*\.npy": "a NumPy archive (.npz)",
    rb"PK\x03\x04.*data\.pkl": "a PyTorch file, which can run code when it is loaded",
    rb"PK[\x03\x05]": "a zip archive",
    rb"\x93NUMPY": "a NumPy array (.npy)",
    rb"\x89PNG|\xff\xd8\xff|GIF8|BM....\x00{4}|RIFF....WEBP": "an image",
    rb"%PDF": "a PDF",
    rb"\x1f\x8b": "a compressed file (.gz)",
    rb"version https://git-lfs": "a pointer of Git LFS; `git lfs pull` fetches the file itself",
    rb"(?i:\s*<(!doctype|html))": "a web page: the download may have failed",
}
PEEK = 512  # bytes that tell
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


def guess(head: bytes) -> str:
    """Return what a file seems to be by its first bytes.

    Examples
    --------
    >>> import pickle
    >>> guess(pickle.dumps([1]))
    'a pickle, which can run code when it is loaded'
    """
    if not head:
        return "an empty file"
    for pattern, name in SIGNATURES.items():
        if re.match(pattern, head, re.DOTALL):
            return name
    return "of an unknown kind" if CONTROL.search(head) else "a text"
