"""Submissions as systems give them: whatever is not taken is a row that says why."""

import os
import stat
import zipfile

import pytest

from chainrule._src.teach.grading.collect import Entry, collect
from chainrule._src.teach.grading.roster import read_roster, with_roster
from chainrule._src.teach.grading.unpacking import unpack
from chainrule.errors import DataError, FileError

LAB = "01_softmax_and_backpropagation"
CODE = "def softmax(X):\n    return X\n"


def written(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(CODE)
    return folder


def by_name(entries):
    return {entry.name: entry for entry in entries}


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_another_s_file_is_not_handed_in(tmp_path):
    written(tmp_path, "ada.py", "eve/other.txt")
    (tmp_path / "bob.py").symlink_to("ada.py")
    (tmp_path / "cy").symlink_to(".")
    (tmp_path / "eve" / "lab.py").symlink_to("../ada.py")
    entries = by_name(collect(tmp_path))
    assert entries["ada"].path
    for name in ("bob.py", "cy", "eve"):
        assert entries[name].path is None
        assert "a link, which is not followed" in entries[name].note


def test_what_is_not_taken_is_a_row_with_a_reason(tmp_path):
    written(tmp_path, "ada.PY", "bob.IPYNB", "cy.txt", "dora.pdf", "eve/notes.docx", "fay.py.bak",
            "solutions/lab.py", "venv/lab.py")  # fmt: skip
    (tmp_path / "gil").mkdir()
    (tmp_path / "hal.zip").write_text("no zip")
    entries = by_name(collect(tmp_path, unpacked=tmp_path.parent / "room"))
    assert {name for name, entry in entries.items() if entry.path} == {
        "ada", "bob", "solutions", "venv",
    }  # fmt: skip
    for name in ("cy.txt", "dora.pdf", "fay.py.bak"):
        assert "neither a notebook" in entries[name].note
    assert "notes.docx: neither a notebook" in entries["eve"].note
    assert "was handed in" in entries["gil"].note
    assert "cannot be unpacked" in entries["hal"].note


def test_moodle_s_folders_and_files(tmp_path):
    written(tmp_path, "Ada Lovelace_123_assignsubmission_file_/my.ipynb",
            "Bob Bell_124_assignsubmission_file_lab.ipynb",
            "Bob Bell_125_assignsubmission_file_lab.ipynb")  # fmt: skip
    entries = collect(tmp_path)
    assert [(e.name, e.id) for e in entries] == [
        ("Ada Lovelace", "123"), ("Bob Bell (124)", "124"), ("Bob Bell (125)", "125"),
    ]  # fmt: skip


def test_canvas_s_files_are_one_submission_a_student(tmp_path):
    written(tmp_path, f"lovelaceada_41_901_{LAB}.ipynb", f"lovelaceada_41_902_{LAB}-1.ipynb",
            "lovelaceada_41_903_notes.txt", f"bellbob_LATE_42_904_{LAB}.ipynb")  # fmt: skip
    bob, ada = collect(tmp_path, LAB)
    assert (ada.name, ada.id, ada.late) == ("lovelaceada", "41", False)
    assert ada.file.endswith("-1.ipynb")
    assert (bob.id, bob.late) == ("42", True)


def test_github_classroom_s_repositories(tmp_path):
    for name in ("ada", "bob"):
        written(tmp_path, f"lab-1-submissions/lab-1-{name}/{LAB}.ipynb",
                f"lab-1-submissions/lab-1-{name}/tests/test_lab.py",
                f"lab-1-submissions/lab-1-{name}/.git/config")  # fmt: skip
    entries = collect(tmp_path, LAB)
    assert [entry.name for entry in entries] == ["ada", "bob"]
    assert {entry.file for entry in entries} == {f"{LAB}.ipynb"}


def zipped(path, files, links=()):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in links:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, target)
    return path


def test_a_class_s_zip_with_a_student_s_zip_in_it(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"lab/a.py": CODE})
    content = {"ada.py": CODE, "bob.zip": inner.read_bytes(), "../eve.py": CODE}
    whole = zipped(tmp_path / "all.zip", content, [("cy.py", "ada.py")])
    (tmp_path / "room").mkdir()
    entries = by_name(collect(whole, unpacked=tmp_path / "room"))
    assert entries["ada"].path
    assert entries["bob"].file == "a.py"
    assert "a link" in entries["cy.py"].note
    assert any("leads out" in entry.note for entry in entries.values())
    assert not (tmp_path / "eve.py").exists()


def test_a_zip_has_limits(tmp_path):
    bomb = zipped(tmp_path / "a.zip", {"a.py": "0" * 10**6})
    with pytest.raises(FileError, match="too many bytes"):
        unpack(bomb, tmp_path / "a", size=10**5)
    with pytest.raises(FileError, match="has 1 files; at most 0"):
        unpack(bomb, tmp_path / "b", files=0)


ROSTERS = {
    "canvas": 'Student,ID,SIS Login ID\n    Points Possible,,\n"Lovelace, Ada",41,ada1\n',
    "moodle": "Identifier,Full name,Grade\nParticipant 41,Ada Lovelace,\n",
    "github": "identifier,github_username\nAda Lovelace,adal\n",
    "own": "name;email\nAda Lovelace;ada@example.org\n",
}
CALLED = {
    "canvas": ["lovelaceada", "ada1", "x"], "moodle": ["Ada Lovelace", "x"],
    "github": ["adal"], "own": ["ada", "Lovelace Ada", "lovelaceada"],
}  # fmt: skip


@pytest.mark.parametrize("kind", ROSTERS)
def test_students_are_recognised(tmp_path, kind):
    (tmp_path / "r.csv").write_text(ROSTERS[kind], encoding="utf-8-sig")
    roster = read_roster(tmp_path / "r.csv")
    assert len(roster.students) == 1
    for name in CALLED[kind]:
        number = "41" if name == "x" else ""
        entries, listed = with_roster([Entry(name, tmp_path, id=number)], roster)
        assert entries[0].name in listed, name
        assert "Ada" in entries[0].name


def test_who_is_missing_or_not_listed_is_a_row(tmp_path):
    (tmp_path / "r.csv").write_text("name\nAda\nBob\n")
    found = with_roster(
        [Entry("ada", tmp_path), Entry("eve", tmp_path)], read_roster(tmp_path / "r.csv")
    )
    assert [(entry.name, entry.note) for entry in found[0]] == [
        ("Ada", ""), ("eve", "not on the roster"), ("Bob", "nothing was handed in"),
    ]  # fmt: skip


def test_a_roster_without_names_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="names no student"):
        read_roster(tmp_path / "r.csv")
