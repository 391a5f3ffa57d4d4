"""Guess the kind of a foreign file from its first bytes or its name."""

from __future__ import annotations

import os
import re

from chainrule._src.base.errors import FileError

TAKEN_OVER = "; chainrule.from_keras takes a model over that Keras's load_model returns"
SIGNATURES = {
    rb"\x80[\x02-\x05]": "a pickle, which can run code when it is loaded",
    rb"\x89HDF\r\n\x1a\n": "an HDF5 file, such as Keras's .h5" + TAKEN_OVER,
    rb"PK\x03\x04.*(metadata|config)\.json": "a Keras model (.keras)" + TAKEN_OVER,
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
PEEK = 512  # first bytes that determine the kind
SUFFIXES = {
    ".onnx": ("ONNX", "; model.export(path) writes that"),
    ".py": ("Python", "; model.eject(path) writes that"),
    **dict.fromkeys((".npz", ".npy"), ("a NumPy file", "")),
    **dict.fromkeys((".pt", ".pth", ".ckpt"), ("a PyTorch file", "")),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), ("a pickle", "")),
    **dict.fromkeys((".csv", ".tsv", ".txt", ".json", ".toml", ".parquet"), ("data", "")),
}
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


def guess(head: bytes) -> str:
    """Guess the kind of a file from its first bytes.

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


def check_name(path: str | os.PathLike[str]) -> None:
    """Raise an error if a file's suffix belongs to another format than safetensors.

    Keras's suffixes, ``.keras``, ``.h5``, ``.hdf5`` and ``.weights.h5``, are allowed, because
    programs written for Keras use them; the file is nevertheless in the safetensors format.

    Parameters
    ----------
    path : path-like

    Raises
    ------
    FileError
        If the suffix belongs to another format; the message says how to write that format.

    Examples
    --------
    >>> check_name("model.safetensors"), check_name("model")
    (None, None)
    >>> check_name("model.onnx")
    Traceback (most recent call last):
    ...
    chainrule.errors.FileError: cannot write model.onnx: by its name it would be ONNX, but
    safetensors is written; call it model.safetensors; model.export(path) writes that
    """
    stem, suffix = os.path.splitext(str(path))
    if suffix.lower() in SUFFIXES:
        kind, hint = SUFFIXES[suffix.lower()]
        raise FileError(
            f"cannot write {path}: by its name it would be {kind}, but safetensors is written; "
            f"call it {os.path.basename(stem)}.safetensors{hint}"
        )
