"""Marks of made submissions of labs that are not ours are those that are known to be right."""

import pytest
from tests.teach.own_class import LABS, faults

pytestmark = pytest.mark.usefixtures("processor_time")


@pytest.mark.thorough  # five hundred each are graded by the module's script
@pytest.mark.parametrize("lab", LABS)
def test_no_mark_of_a_made_submission_is_wrong(lab, tmp_path):
    wrong, marks = faults(lab, 12, tmp_path)
    assert wrong == []
    assert marks == 36
