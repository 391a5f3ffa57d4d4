"""A lab for services that run a container: Gradescope's zip, PrairieLearn's question."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from importlib import metadata
from pathlib import Path

from chainrule._src.base.escaping import for_html
from chainrule._src.teach.exports.folders import ExportedLab, Files
from chainrule._src.teach.source import folder

SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, when it builds the image.
set -euo pipefail
apt-get update
apt-get install -y python3 python3-pip python3-venv
python3 -m venv /autograder/venv
/autograder/venv/bin/pip install --quiet -r /autograder/source/requirements.txt
"""
RUN = """#!/usr/bin/env bash
# Gradescope runs this for each submission.
set -euo pipefail
cd /autograder
PYTHONPATH=/autograder/source /autograder/venv/bin/python -m chainrule._src.teach.exports.run \\
  gradescope {lab} /autograder/submission /autograder/results/results.json \\
  --metadata /autograder/submission_metadata.json
"""
DOCKERFILE = """# The image of the external grader: docker build -t chainrule-grader .
FROM python:3.12-slim
COPY source /source
RUN pip install --no-cache-dir -r /source/requirements.txt
ENV PYTHONPATH=/source
"""
GRADE = """#!/usr/bin/env bash
set -euo pipefail
python -m chainrule._src.teach.exports.run \\
  prairielearn {lab} /grade/student /grade/results/results.json --exercise {name}
"""
QUESTION = """<pl-question-panel>
<markdown>
{text}
</markdown>
</pl-question-panel>
<pl-file-editor file-name="{name}.py" ace-mode="ace/mode/python" source-file-name="{name}.py">
</pl-file-editor>
<pl-submission-panel>
  <pl-external-grader-results></pl-external-grader-results>
  <pl-file-preview></pl-file-preview>
</pl-submission-panel>
"""
EPOCH = (2026, 1, 1, 0, 0, 0)  # date of all files in a zip, so that the bytes are reproducible


def gradescope(lab: ExportedLab) -> Files:
    """Return the zip for Gradescope's "Configure Autograder", and the student's notebook."""
    inside: Files = {
        "setup.sh": SETUP, "run_autograder": RUN.format(lab=lab.name), **package_files(lab),
    }  # fmt: skip
    return {
        f"autograder-{lab.name}.zip": zipped(inside),
        f"student/{lab.name}.ipynb": lab.student_notebook(),
    }


def prairielearn(lab: ExportedLab) -> Files:
    """Return a question for each exercise, with an external grader, and its image's folder."""
    files: Files = {f"image/source/{name}": data for name, data in package_files(lab).items()}
    files["image/Dockerfile"] = DOCKERFILE
    for name in lab.exercises:
        files |= {f"questions/{lab.name}/{name}/{path}": text
                  for path, text in _question(lab, name).items()}  # fmt: skip
    return files


def _question(lab: ExportedLab, name: str) -> dict[str, str]:
    info = {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"chainrule/{lab.name}/{name}")),
        "title": f"{name}: {lab.exercises[name].title}", "topic": lab.source.title,
        "tags": [lab.name], "type": "v3", "gradingMethod": "External", "partialCredit": True,
        "singleVariant": True,
        "externalGradingOptions": {
            "enabled": True, "image": "chainrule-grader", "entrypoint": "/grade/tests/run.sh",
            "timeout": 600,
        },
    }  # fmt: skip
    text = for_html(_task(lab, name)).replace("{{", "{ {")  # PrairieLearn's own markers
    stub = "\n\n\n".join(lab.source.definitions(name, solved=False))
    return {
        "info.json": json.dumps(info, indent=1) + "\n",
        "question.html": QUESTION.format(text=text, name=name),
        "tests/run.sh": GRADE.format(lab=lab.name, name=name),
        f"{name}.py": f"import numpy as np\n\n\n{stub}\n",
    }


def _task(lab: ExportedLab, name: str) -> str:
    """Return the text that stands before an exercise in the lab."""
    cells = lab.source.cells
    first = next(number for number, cell in enumerate(cells) if name in cell.exercises)
    texts: list[str] = []
    for cell in reversed(cells[:first]):
        if not cell.text:
            break
        texts.insert(0, cell.source)
    return "\n\n".join(texts) or lab.exercises[name].title


def zipped(files: Files) -> bytes:
    """Return files as a zip with reproducible bytes; scripts are executable."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if name in ("setup.sh", "run_autograder") else 0o644) << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def package_files(lab: ExportedLab | None = None) -> Files:
    """Return chainrule's files, the sources of our labs and of this one, and the requirements."""
    root = Path(__file__).parents[3]
    files: Files = {
        f"chainrule/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in root.rglob("*")
        if path.suffix in (".py", ".html", ".typed", ".gz") and "__pycache__" not in path.parts
    }
    for path in [*folder().glob("*.py"), *([lab.source.path] if lab else [])]:
        files[f"chainrule/_src/teach/labs/{path.name}"] = path.read_bytes()
    return files | {"requirements.txt": "\n".join(requirements()) + "\n"}


def requirements() -> list[str]:
    """Return the packages from PyPI that chainrule and its labs need."""
    needed = metadata.requires("chainrule") or []
    plain = [line for line in needed if "extra ==" not in line]
    return [*plain, *(line.split(";")[0].strip() for line in needed if 'extra == "teach"' in line
                      or "extra == 'teach'" in line)]  # fmt: skip
