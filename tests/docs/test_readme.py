"""README shows the text that `cr.source` writes."""

from tests.docs.pages import ROOT, blocks, run


def test_the_text_shown_is_the_text_written(tmp_path):
    page = ROOT / "README.md"
    (shown,) = (b.code for b in blocks(page) if b.code.startswith("import numpy as np\n\n\ndef"))
    until_then = page.read_text(encoding="utf-8").partition(shown)[0].rpartition("```")[0]
    beginning = tmp_path / "README.md"
    beginning.write_text(until_then, encoding="utf-8")
    assert shown.rstrip() == run(beginning, tmp_path)["text"].rstrip()
