import re

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

import chainrule as cr
from chainrule._src.sweeps import pictures
from chainrule._src.sweeps.dimensions import Choice, LogUniform, Uniform
from chainrule.errors import OptionError

X = np.random.default_rng(0).normal(size=(40, 3))


def line(rate, start, note="<b>"):
    if start > 1:
        raise ValueError(f"{note} is too much")

    def loss(params, X, y):
        return np.mean((X @ params - y) ** 2)

    return loss, np.full(3, float(start)), cr.optimizers.SGD(rate)


def test_a_page_of_several_scores_has_their_front(tmp_path):
    def leaves(tree, X, y):
        return -tree.get_n_leaves()

    scores = {"scoring": {"r2": "r2", "leaves": leaves}, "monitor": ["val_r2", "val_leaves"]}
    result = cr.sweep(
        DecisionTreeRegressor(random_state=0), {"max_depth": [1, 2, 4, 8]}, X, X[:, 0] ** 2,
        search="grid", verbose=0, **scores,
    )  # fmt: skip
    points = result.points()
    np.testing.assert_array_equal(
        points.second[1], result.table["val_leaves"][np.argsort(result.table["number"])]
    )
    front = sorted(best.settings["max_depth"] for best in result.front())
    assert 1 < len(front)
    assert [[1, 2, 4, 8][n] for n in np.flatnonzero(points.second[2])] == front
    result.report(tmp_path / "sweep.html")
    assert "Several scores" in (tmp_path / "sweep.html").read_text()
    with pytest.raises(OptionError, match="must name several scores"):
        swept({"rate": [0.1, 0.2], "start": 0}, models=2).plot("front")


def swept(space, **options):
    options = {"models": 12, "epochs": 2, "verbose": 0} | options
    return cr.sweep(line, space, X, X @ np.ones(3), **options)


def test_the_page_has_the_best_and_pictures_and_needs_nothing_else(tmp_path):
    found = swept(
        {"rate": cr.sweeps.LogUniform(1e-3, 1e-1), "start": [0, 1, 2]}, models=30, seeds=2
    )
    found.report(tmp_path / "sweep.html", "Tried <twice>")
    page = (tmp_path / "sweep.html").read_text()
    assert page.count("<svg") == page.count("<figure") == 5
    assert "Tried &lt;twice&gt;" in page
    assert "<b> is too much" not in page
    assert "ValueError: &lt;b&gt; is too much" in page
    assert f"{found.best.score:.4g}" in page
    assert "Chance: the same settings with other seeds differ by" in page
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)|url\((?!#)|@import""", page)


def test_where_nothing_varies_there_are_no_pictures(tmp_path):
    swept({"rate": 0.1, "start": 0}, models=1).report(tmp_path / "sweep.html")
    assert "<svg" not in (tmp_path / "sweep.html").read_text()


@pytest.mark.parametrize("higher", [True, False])
def test_the_map_frames_the_best(higher):
    points = pictures.Points(
        {"a": Choice([1, 2]), "b": LogUniform(0.1, 10), "c": Uniform(0, 1)},
        np.array([[0, 0.01, 0], [1, 0.5, 0], [1, 0.51, 1]]), np.array([1.0, 5.0, 3.0]), "score",
        higher, {"b": 0.7, "a": 0.3},
    )  # fmt: skip
    from matplotlib.figure import Figure

    ax = pictures.heat(points, Figure().add_subplot())
    (frame,) = ax.patches
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("b", "a")
    x, y = frame.get_xy()
    assert (y + 0.5, x + 0.5) == ((4, 1) if higher else (0, 0))
    assert sorted(t.get_text() for t in ax.texts if t.get_text()) == (
        ["1", "5"] if higher else ["1", "3"]
    )
