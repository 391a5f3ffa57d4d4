"""The pages that show other libraries beside chainrule, with those that are installed."""

from importlib.util import find_spec

import matplotlib.pyplot as plt
import pytest
from tests.docs.pages import DOCS, PEERS, blocks, name_of, pages, run

INSTALLED = {peer for peer in PEERS.values() if find_spec(peer)}


@pytest.mark.parametrize(
    "page", [p for p in pages() if {b.peer for b in blocks(p)} & INSTALLED], ids=name_of
)
def test_the_page_runs(page, tmp_path):
    run(page, tmp_path, INSTALLED)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
@pytest.mark.skipif("keras" not in INSTALLED, reason="keras is not installed")
def test_the_program_of_the_gallery_runs_in_keras(monkeypatch, capsys):
    program = DOCS / "examples" / "digits" / "plot_keras_program.py"
    ours, theirs = "from chainrule import keras  # in Keras: import keras\n", "import keras\n"
    text = program.read_text(encoding="utf-8")
    assert text.count("chainrule") == text.count(ours) == 1
    monkeypatch.setattr(plt, "show", lambda: None)
    exec(compile(text.replace(ours, theirs), str(program), "exec"), {})
    assert "test accuracy 0.9" in capsys.readouterr().out
