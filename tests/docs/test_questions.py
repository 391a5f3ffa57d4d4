"""The questions that the search must answer name pages that exist."""

import tomllib

from tests.docs.pages import DOCS


def test_there_are_twenty_questions_and_their_pages():
    questions = tomllib.loads((DOCS / "questions.toml").read_text(encoding="utf-8"))["question"]
    assert len({question["ask"] for question in questions}) == len(questions) == 20
    missing = [q["page"] for q in questions if not (DOCS / f"{q['page']}.md").is_file()]
    assert missing == []
