"""docs/estimators.md tells all parameters, and tells them truly."""

import inspect
import re
from pathlib import Path

import sklearn.neural_network as theirs

import chainrule as cr

TEXT = (Path(__file__).parents[3] / "docs" / "estimators.md").read_text(encoding="utf-8")


def test_the_table_has_every_parameter_and_no_other():
    rows = re.search(r"\n## Parameters\n(.*?)\n\n[^|\n]", TEXT, flags=re.DOTALL)[1]
    told, own, more = set(), set(), set()
    for row in rows.strip().splitlines()[2:]:
        first, as_theirs, beyond = row.strip()[1:-1].split("|")
        names = set(re.findall(r"`(\w+)`", first))
        told |= names
        own |= names if as_theirs.strip() else set()
        more |= names if beyond.strip() else set()
    usual = {n for cls in (theirs.MLPClassifier, theirs.MLPRegressor) for n in cls().get_params()}
    ours = {
        n
        for cls in (cr.estimators.MLPClassifier, cr.estimators.MLPRegressor)
        for n in cls().get_params()
    }
    assert usual <= ours
    assert told == ours - {"quantile"}  # told with the loss of its name
    assert own == usual & told
    assert ours - usual - {"quantile"} <= more
    assert "`quantile=0.9`" in rows


def test_defaults_are_theirs():
    for name in ("MLPClassifier", "MLPRegressor"):
        usual, ours = (
            inspect.signature(getattr(of, name)).parameters for of in (theirs, cr.estimators)
        )
        assert [usual[n].default for n in usual] == [ours[n].default for n in usual]
        kinds = [(n, usual[n].kind) for n in usual]
        assert kinds == [(n, ours[n].kind) for n in usual]
