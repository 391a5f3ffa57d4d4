import numpy as np
import pytest
from tests.blackboard.watching import Watcher

from chainrule._src.blackboard import subjects
from chainrule._src.blackboard.mistakes import EDITS, Outline, _small, checked, mistaken, mistakes
from chainrule._src.blackboard.run import ReversibleRun
from chainrule._src.blackboard.session import Session
from chainrule.errors import DataError
from chainrule.functions import ACTIVATIONS

DATA = subjects.digits()
OUTLINES = [
    Outline((), (), "sigmoid", 10),
    Outline(("h",), (10,), "sigmoid", 10),
    Outline(("h",), (16,), "relu", 3),
    Outline(("h",), (6,), "elu", None),
    Outline(("h1", "h2"), (16, 16), "tanh", 10),
    Outline(("h1", "h2", "h3"), (12, 12, 10), "softplus", 10),
]


def edits_of(outline):
    """Return the edits to check: in the last four networks, a quarter of those that fit any."""
    turn = OUTLINES.index(outline)
    anywhere = [name for name in EDITS if name not in ("slope", "place", "other")]
    if turn < 2:
        return list(EDITS)
    return [name for name in EDITS if name not in anywhere or name in anywhere[turn % 4 :: 4]]


@pytest.mark.sampled(quick=1)
@pytest.mark.parametrize("outline", OUTLINES, ids=str)
def test_the_check_names_the_line_that_was_changed_and_accuses_no_right_one(outline):
    small = _small(outline)
    assert checked(small, None).passed
    for name in edits_of(outline):
        if (changed := EDITS[name][1](small)) is None:
            continue
        report = checked(small, name)
        assert not report.passed
        named = [d.where.code.strip() for d in report.diagnoses if d.where is not None]
        assert " = ".join(changed) in named, (name, str(report))


def test_each_mistake_can_be_made_somewhere():
    found = {name for outline in OUTLINES for name, (_, edit) in EDITS.items() if edit(outline)}
    assert found == set(EDITS)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_gradient_as_text_is_that_of_the_network(activation):
    subject = subjects.network(
        DATA, {"layers": [12, 8], "activation": activation, "init": "he_normal"}
    )
    params, X, y = subject.params, DATA.X[:9], DATA.y[:9]
    from chainrule._src.blackboard.mistakes import _gradients

    by_hand = _gradients(Outline.of(subject), None)(params, X, y)
    for name, g in subject.gradient({"params": params}, X, y).items():
        np.testing.assert_allclose(by_hand[name], g, rtol=1e-4, atol=1e-7)  # without EPSILON


@pytest.mark.thorough
def test_training_goes_another_way_with_every_mistake_and_is_compiled():
    subject = subjects.network(DATA, {"layers": [10, 10], "init": "glorot_uniform"})

    def trained(subject):
        run = ReversibleRun(subject, "compiled")
        run.advance(20)
        return run.params

    right, found = trained(subject), mistakes(subject)
    assert len(found) == len(EDITS) + 1
    for mistake in found:
        wrong = trained(mistaken(subject, mistake["name"]))
        assert any(not np.allclose(wrong[n], right[n], atol=1e-4) for n in right), mistake
        assert mistake["right"] != mistake["wrong"]


def test_a_mistake_that_a_network_cannot_have_is_refused():
    subject = subjects.network(DATA, {"layers": [12]})
    with pytest.raises(DataError, match="transposed on the way back' cannot be a mistake"):
        mistaken(subject, "transposed")
    assert "place" not in [
        m["name"] for m in mistakes(subjects.network(DATA, {"activation": "relu"}))
    ]


def test_a_page_breaks_the_gradient_reads_the_diagnosis_and_mends_it():
    session = Session(
        subjects.network(DATA), more=lambda s: {"mistakes": mistakes(s)}, mistaken=mistaken
    )
    page = Watcher(session)
    try:
        assert not any("diagnosis" in m for m in page.ask("hello")[0][0]["mistakes"])

        def on(do, **given):
            (setup, _), *_ = page.ask(do, **given)
            return {m["name"]: m["diagnosis"] for m in setup["mistakes"] if "diagnosis" in m}

        said = on("mistake", name="slope")
        assert "derivative of the sigmoid" in said["slope"]
        assert "d_z_h = d_h" in said["slope"]
        assert list(on("restart", settings={"seed": 3})) == ["slope"]  # still broken
        assert "stay alike" in on("mistake", name="zeros")["zeros"]
        assert on("mistake", name=None) == {}
        assert "nonsense" in page.error("mistake", name="nonsense")
    finally:
        session.close()
