"""The README's examples write files: into a folder of their own."""

import pytest


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(request, tmp_path, monkeypatch):
    """Run the README where it may leave files."""
    if request.node.name == "README.md":
        monkeypatch.chdir(tmp_path)
