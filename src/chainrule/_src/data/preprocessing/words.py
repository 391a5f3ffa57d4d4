"""Features of a column of free text, for columns that the user names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.errors import DataError
from chainrule._src.base.extras import needs
from chainrule._src.data.preprocessing.columns import LeftOut
from chainrule._src.data.preprocessing.records import Record
from chainrule._src.data.preprocessing.summaries import Counts, Summary

MAX_WORDS = 2**20


@dataclass(frozen=True)
class Words:
    """Counts the words and word pairs of free text; a hash assigns each to a feature.

    scikit-learn's ``HashingVectorizer``: the counts of a text have length 1.

    Parameters
    ----------
    name : str
        Name of the column.
    words : int
        Number of features.

    Examples
    --------
    >>> step = Words("review", words=2)
    >>> step.width, step.features
    (2, ['review (words 0)', 'review (words 1)'])
    """

    kind: ClassVar[str] = "category"
    name: str
    words: int

    @classmethod
    def learn(cls, summary: Summary, words: int) -> Words | LeftOut:
        """Return the step for a column, from the summary of its texts."""
        if not isinstance(summary, Counts):
            raise DataError(f"column {summary.name!r} is to be text, but it holds {summary.kind}s")
        if not summary.count:
            return LeftOut(summary.name, "category", "holds no value")
        return cls(summary.name, words)

    @property
    def features(self) -> list[str]:
        """Names of the features of this column."""
        return [f"{self.name} (words {i})" for i in range(self.words)]

    @property
    def width(self) -> int:
        """Number of features of this column."""
        return self.words

    def write(self, values: Array, out: Array) -> int:
        """Fill ``out``, shape ``(n, width)``; return 0, because no word is unknown."""
        with needs("reading free text", "tables", "sklearn"):
            from sklearn.feature_extraction.text import HashingVectorizer

        vectorizer = HashingVectorizer(n_features=self.words, ngram_range=(1, 2), dtype=np.float32)
        out[...] = vectorizer.transform(["" if v is None else v for v in values]).toarray()
        return 0

    def describe(self) -> str:
        """Return a description of this step for a report."""
        return f"free text, its words and pairs of words counted in {self.words:,} features"

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain JSON values."""
        return {"words": self.words}

    @classmethod
    def from_record(cls, name: str, record: Record) -> Words:
        """Return the step that `to_dict` described."""
        words = record.count("words")
        if not 0 < words <= MAX_WORDS:
            raise DataError(f"column {name!r}: words must be between 1 and {MAX_WORDS:,}")
        return cls(name, words)
