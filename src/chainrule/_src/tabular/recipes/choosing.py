"""Try columns of numbers as quantities and as categories, on a part of the rows of training."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._src.base.arrays import Array
from chainrule._src.base.extras import is_installed
from chainrule._src.data.preprocessing import Preprocessor, Ranks, Scaled, Target, split_rows
from chainrule._src.data.preprocessing.values import as_option, missing, quote, quoted
from chainrule._src.data.tables import Table, TrainingData
from chainrule._src.tabular.recipes.binning import binned
from chainrule._src.tabular.recipes.recipe import Recipe

TEXT_ROWS = 3000  # for a trial of a text's words, at most
MOST_TEXTS = 3  # columns of text that are tried
WORDS = 256  # features of a text in a trial
ROWS, CELLS = 10_000, 2**22  # for a trial, at most
RIDGE = 1.0  # penalty of a trial's coefficients
LEVEL = 10  # rows that a value has on average, at least, to be tried as a category
SHARE = 0.25  # of a trial's rows, on which it is scored
ERRORS = 2.0  # standard errors by which a trial must be better
LEAST = 0.02  # share of the loss by which a trial must be better
WORDS_OF = {
    Scaled: ("few different numbers", "quantities"), Ranks: ("ordered categories", "ranks"),
}  # fmt: skip
LOWEST = 1e-7  # lower bound of a variance


@dataclass(frozen=True)
class TrialScore:
    """The outcome of a ridge regression on some of the rows.

    Attributes
    ----------
    losses : ndarray, shape (n,)
        Squared error of each row that was kept aside.
    score : float
        Share of these rows that are predicted correctly; or R².
    """

    losses: Array
    score: float

    def beats(self, other: TrialScore) -> bool:
        """Return true if this trial's loss is lower by more than chance and by enough to matter."""
        gain = other.losses - self.losses
        error = gain.std() / np.sqrt(len(gain))
        is_clear = gain.mean() > ERRORS * error
        return bool(is_clear and gain.mean() > LEAST * other.losses.mean())


def tried(
    data: TrainingData, recipe: Recipe, step_type: type = Scaled
) -> tuple[TrialScore, TrialScore, list[str]] | None:
    """Try columns with few different whole numbers, or of ranks, as quantities and as categories.

    Parameters
    ----------
    data : TrainingData
        Its hold-out is not looked at.
    recipe : Recipe
    step_type : {Scaled, Ranks}
        The step of the columns that are tried.

    Returns
    -------
    as_quantities, as_categories : TrialScore
    names : list of str
        The columns that were tried. The result is None if there are none.
    """
    rows = sample_rows(data, recipe)
    X, y = data.X_train[rows], data.y_train[rows]
    places = {name: at for name, at in _places(data, step_type) if _is_dense(X[:, at])}
    if not places or recipe.recipe == "realmlp":  # its embeddings make quantities as flexible
        return None
    coded = with_categories(X, list(places.values()))
    target = data.preprocessor.target
    trials = [trial(features, y, target, recipe) for features in (X, coded)]
    return trials[0], trials[1], list(places)


def trial(X: Array, y: Array, target: Target, recipe: Recipe) -> TrialScore:
    """Fit a ridge regression to most rows, and score the rest.

    Quantities have shares of bins if the recipe's network has hidden layers, which would bend too.
    """
    aside = split_rows(y if target.classes else len(y), SHARE, recipe.seed)
    for layer in binned(X) if recipe.hidden else ():
        X = layer(X)
    targets = np.eye(len(target.classes))[y] if target.classes else y[:, np.newaxis]
    center, mean = X[~aside].mean(axis=0, dtype=np.float64), targets[~aside].mean(axis=0)
    slope = _ridge(X[~aside] - center, targets[~aside] - mean)
    output, true = (X[aside] - center) @ slope + mean, y[aside]
    losses = ((output - targets[aside]) ** 2).sum(axis=1)
    if target.classes:
        return TrialScore(losses, float((output.argmax(axis=1) == true).mean()))
    return TrialScore(losses, float(1 - losses.mean() / max(true.var(), LOWEST)))


def _ridge(X: Array, y: Array) -> Array:
    """Return the coefficients of a ridge regression of centred targets on centred features."""
    if len(X) < X.shape[1]:
        return X.T @ np.linalg.solve(X @ X.T + RIDGE * np.eye(len(X)), y)  # type: ignore[no-any-return]
    return np.linalg.solve(X.T @ X + RIDGE * np.eye(X.shape[1]), X.T @ y)


def text_notes(table: Table, data: TrainingData, recipe: Recipe) -> list[str]:
    """Return a note on each column left out whose words would predict some rows better."""
    names = [step.name for step in data.preprocessor.left_out if step.is_text]
    if not names or not is_installed("sklearn"):
        return []
    target, used = data.preprocessor.target, [column.name for column in data.preprocessor.columns]
    chunks: Any = table.chunks(TEXT_ROWS, [*used, *names, target.name])
    with closing(chunks):
        chunk = next(chunks)
    labelled = ~missing(chunk[target.name])
    chunk = {name: values[labelled] for name, values in chunk.items()}
    notes: list[str] = []
    for name in [name for name in names if _recur(chunk[name])][:MOST_TEXTS]:
        columns = {each: chunk[each] for each in (*used, name, target.name)}
        plain, worded = (_text_trial(columns, data, recipe, texts) for texts in ((), (name,)))
        if worded.beats(plain):
            notes.append(
                f"column {quote(name)} is left out, but its words predict some of the rows better "
                f"({scores_text(worded, plain, target)}): --text {as_option([name])}"
            )
    return notes


def _text_trial(
    columns: dict[str, Array], data: TrainingData, recipe: Recipe, text: tuple[str, ...]
) -> TrialScore:
    target = data.preprocessor.target
    config = {**data.preprocessor.get_config(), "text": (*recipe.text, *text), "words": WORDS}
    preprocessor = Preprocessor(**config).fit([columns], target)
    return trial(
        preprocessor.transform(columns), target.encode(columns[target.name]), target, recipe
    )


def _recur(texts: Array) -> bool:
    """Return true if most texts have a word that another text has too."""
    words = [set(re.findall(r"\w\w+", text.lower())) for text in texts.tolist() if text]
    counts = Counter(word for of_text in words for word in of_text)
    shared = sum(any(counts[word] > 1 for word in of_text) for of_text in words)
    return 2 * shared > len(words)


def with_categories(X: Array, places: list[int]) -> Array:
    """Replace these columns of features by a feature for each of their different values."""
    parts = [np.delete(X, places, axis=1)]
    for at in places:
        values, codes = np.unique(X[:, at], return_inverse=True)
        parts.append(np.eye(len(values), dtype=X.dtype)[codes])
    return np.hstack(parts)


def sample_rows(data: TrainingData, recipe: Recipe) -> Array:
    """Draw rows of training for a trial."""
    order = np.random.default_rng(recipe.seed).permutation(len(data.X_train))
    return np.sort(order[: min(ROWS, CELLS // data.X_train.shape[1])])


def scores_text(better: TrialScore, worse: TrialScore, target: Target) -> str:
    """Describe two trials' scores, for a note."""
    if target.classes:
        return f"{better.score:.1%} right instead of {worse.score:.1%}".replace("%", " %")
    return f"R² {better.score:.3f} instead of {worse.score:.3f}"


def category_note(
    as_quantities: TrialScore,
    as_categories: TrialScore,
    names: list[str],
    to: Target,
    step_type: type,
) -> str:
    """Return the note on how columns of few numbers or of ranks are taken, and why."""
    noun, usual = WORDS_OF[step_type]
    if as_categories.beats(as_quantities):
        gain = scores_text(as_categories, as_quantities, to)
        option = f"; --number {as_option(names)} has them as {usual}" if step_type is Scaled else ""
        return (
            f"{quoted(names)}: {noun}, taken as categories, which predict a part of the rows of "
            f"training better ({gain}){option}"
        )
    return (
        f"{quoted(names)}: {noun}, taken as {usual}; as categories they predict a part of the rows "
        f"of training no better; --category {as_option(names)} has them so"
    )


def _places(data: TrainingData, step_type: type) -> list[tuple[str, int]]:
    """Return the columns that may be tried, and the places of their features."""
    few, at, places = {*data.preprocessor.few_valued}, 0, []
    for step in data.preprocessor.steps:
        if step.name in few and isinstance(step, step_type):
            places.append((step.name, at))
        at += step.width
    return places


def _is_dense(values: Array) -> bool:
    return len(values) >= LEVEL * len(np.unique(values))
