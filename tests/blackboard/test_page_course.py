"""The course that the page's own tests train is told as today; run as a program, told anew."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainrule._src.blackboard import subjects, views
from chainrule._src.blackboard.course import Course, Lesson
from chainrule._src.blackboard.lessons import lessons as lessons_of_page
from chainrule._src.blackboard.lessons import own_lessons
from chainrule._src.blackboard.run import ReversibleRun

TOLD = Path(__file__).parents[2] / "blackboard-web" / "tests" / "course.json"
ROWS, HELD = 150, 40
RUNS = [
    ({"layers": [10], "momentum": 0.5}, [1, 7, 40]),
    ({"layers": [10], "optimizer": "adam", "rate": 0.01, "init": "glorot_uniform"}, [1, 12]),
    ({"layers": [10], "batch_size": 1, "seed": 3}, [1, 300]),
    ({"layers": [], "rate": 0.1}, [5]),
    ({"layers": [12, 8], "init": "glorot_uniform"}, [10]),
    ({"layers": [10], "init": "glorot_uniform"}, [1, 30], "wine"),
    ({"layers": [], "optimizer": "adam", "rate": 0.01}, [12], "wine"),
]


def data():
    digits = subjects.digits()
    few = {"X": digits.X[:ROWS], "y": digits.y[:ROWS]}
    held = {"X_held": digits.X_held[:HELD], "y_held": digits.y_held[:HELD]}
    return replace(digits, **few, **held)


def course():
    subject = subjects.network(data(), {"rate": 0.1})
    layers = ([], [10], [12, 8])
    lesson = Lesson("lab", "The lab", subject, layers, ("sigmoid",), ["10 sigmoid"])
    softmax = subjects.network(data(), {"layers": []})
    lessons = [lesson, replace(lesson, name="softmax", title="Softmax", subject=softmax), wine()]
    return Course.of(
        lessons, table_lessons={task: of_one(each) for task, each in own_lessons().items()}
    )


def wine():
    return of_one(lessons_of_page()[-1])


def of_one(lesson):
    """Return a lesson with one activation alone."""
    return replace(lesson, activations=(lesson.subject.settings["activation"],))


def seen(settings, updates, lesson="lab"):
    """Train; return what is seen after some updates."""
    samples = data() if lesson == "lab" else subjects.table(lesson)
    run, told = ReversibleRun(subjects.network(samples, {"rate": 0.1, **settings})), []
    for update in updates:
        while run.place.update < update:
            run.advance(max(update - run.place.update - 1, 1))
        view = views.view(run, views.Scorer(run.subject), True, None)
        names = ("loss", "held_loss", "held_accuracy", "epochs")
        numbers = {name: float(view.header[name]) for name in names}
        sums = {name: float(np.abs(array).sum()) for name, array in view.arrays.items()}
        point = {name: view.point[name] for name in ("norm", "ratio", "accuracy")}
        slopes = [None if np.isnan(view.point[name]) else view.point[name]
                  for name in ("saturated", "dead")]  # fmt: skip
        told.append({"update": update, **numbers, "sums": sums, **point, "slopes": slopes})
    return {"lesson": lesson, "settings": settings, "frames": told}


def tell():
    told = course()
    return {
        "index": told.index, "packs": told.files(), "library": told.library.text(),
        "runs": [seen(*run) for run in RUNS],
    }  # fmt: skip


@pytest.mark.thorough  # kernels of all lessons
def test_the_page_is_tested_on_what_is_told_today():
    told, kept = json.loads(json.dumps(tell())), json.loads(TOLD.read_text(encoding="utf-8"))
    assert told["packs"].keys() == kept["packs"].keys(), f"run {Path(__file__).name} as a program"
    for part in ("index", "library"):
        assert told[part] == kept[part], f"run {Path(__file__).name} as a program"
    for now, then in zip(told["runs"], kept["runs"], strict=True):
        assert now["settings"] == then["settings"]
        for one, other in zip(now["frames"], then["frames"], strict=True):
            assert one["sums"].keys() == other["sums"].keys()
            for name, total in one["sums"].items():
                np.testing.assert_allclose(total, other["sums"][name], rtol=1e-9, err_msg=name)


if __name__ == "__main__":
    TOLD.write_text(json.dumps(tell(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
