"""docs/scale.md: what it shows runs."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"


def test_the_page_runs(cluster, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    code = "\n".join(blocks).replace("tcp://127.0.0.1:8786", cluster.scheduler_address)
    names = {"__name__": "page"}  # not the program: it starts no processes
    try:
        exec(compile(code, str(PAGE), "exec"), names)
    finally:
        names["client"].close()
    assert len(blocks) == 6
    assert "workers: " in capsys.readouterr().out
    assert names["result"].best.score > 0
    assert names["model"].history.history["accuracy"][-1] > 0.5
