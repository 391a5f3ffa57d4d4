"""Code of users under ``mypy --strict``: types come through, and README's class passes."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
USER = ROOT / "tests" / "typing" / "user.py"


def class_of_the_readme(name):
    """Return README's class as code: the lines of its doctest."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.search(rf">>> class {name}\(.*\n(?:\.\.\. .*\n)+", text)
    return "".join(line[4:] + "\n" for line in example[0].splitlines())


def test_types_come_through_to_users(tmp_path):
    (tmp_path / "user.py").write_text(USER.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "readme.py").write_text(
        "# mypy: allow-untyped-defs\nimport chainrule as cr\nfrom chainrule import layers\n\n\n"
        + class_of_the_readme("Gate"),
        encoding="utf-8",
    )
    cache = ROOT / ".mypy_cache" / "users"
    flags = ["--strict", "--config-file=", "--follow-imports=silent", f"--cache-dir={cache}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *flags, "user.py", "readme.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
        env={**os.environ, "MYPYPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
