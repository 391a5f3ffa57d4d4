"""What an ejected file quotes to read data, and to make numbers of a table's columns."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np


def numbers(values: Any, mean: Any, scale: Any, marked: Any) -> Any:
    """Return numbers of mean 0 and deviation 1; a missing one is 0, and marked if asked for."""
    values = np.array([np.nan if value in ("", None) else value for value in values], float)
    scaled = (np.where(np.isnan(values), mean, values) - mean) / scale
    return np.stack([scaled, np.isnan(values)] if marked else [scaled], axis=1)


def one_hot(values: Any, categories: Any, other: Any, missing: Any) -> Any:
    """Return a column for each category; one for all others and one for missing, if asked for."""
    width = len(categories) + other + missing
    places = {category: place for place, category in enumerate(categories)}
    if missing:
        places = dict.fromkeys(("", None), width - 1) | places
    unknown = len(categories) if other else width  # beyond the last column: zeros
    found = [places.get(value if value is None else str(value), unknown) for value in values]
    return np.eye(width + 1)[found, :width]


def signs(values: Any, categories: Any) -> Any:
    """Return 1 for the first category, -1 for the second and 0 for all others."""
    found = [(str(value) == categories[0]) - (str(value) == categories[1]) for value in values]
    return np.array(found, float)[:, np.newaxis]


def pixels(images: Any, mean: Any, scale: Any) -> Any:
    """Return images as rows, with mean 0 and deviation 1 over all pixels."""
    images = np.asarray(images, dtype=float)
    return (images.reshape(len(images), -1) - mean) / scale


def read_table(path: Any) -> Any:
    """Return the columns of an .npz file, or of a .csv file whose first line names them."""
    if str(path).endswith(".npz"):
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    spelled = {"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"}
    spelled |= dict.fromkeys(("NA", "N/A", "n/a", "#N/A", "?", "NaN", "nan", "null", "NULL"), "")
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = [
            {name.strip(): (text or "").strip() for name, text in row.items()}
            for row in csv.DictReader(file)
        ]
    return {name: [spelled.get(row[name], row[name]) for row in rows] for name in rows[0]}


def read_numbers(path: Any) -> Any:
    """Return the numbers in an .npy file, or in a .csv file with or without a line of names."""
    if str(path).endswith(".npy"):
        return np.load(path, allow_pickle=False)
    with open(path, encoding="utf-8-sig") as file:
        lines = [line for line in file if line.strip()]
    first_is_names = np.isnan(np.genfromtxt(lines[:1], delimiter=",")).all()
    return np.loadtxt(lines, delimiter=",", ndmin=2, skiprows=int(first_is_names))
