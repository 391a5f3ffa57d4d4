"""The address on its way to the browser: no other user reads it, and nobody uses it twice."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from chainrule._src.blackboard import built

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
SECONDS = 20
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\?token=([\w-]+)")
# A browser that notes its arguments, as `ps` shows them to everybody, and what it was given.
NOTES = """#!/bin/sh
echo "$0 $@" > "{folder}/arguments.part"
mv "{folder}/arguments.part" "{folder}/arguments"
"""


@contextmanager
def blackboard(folder):
    """Run the command with a browser that notes what it is given; yields the process."""
    script = folder / "browser"
    script.write_text(NOTES.format(folder=folder))
    script.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "chainrule", "blackboard"], text=True, process_group=0,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "BROWSER": f"{script} %s", "TMPDIR": str(folder)},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)


def eventually(condition):
    """Wait until something holds, and return it."""
    end = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def status(address):
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture
def folder(tmp_path):
    """A folder for temporary files that every user can enter."""
    if not built.MODULE.exists():
        pytest.skip("the blackboard's page is not built: make page")
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


def test_the_browser_is_given_a_file_of_its_user_that_leads_in_once(folder):
    with blackboard(folder) as process:
        printed = ADDRESS.search(process.stdout.readline())
        eventually((folder / "arguments").exists)
        arguments = (folder / "arguments").read_text()
        file = Path(re.search(r"file://(\S+)", arguments)[1])
        text = file.read_text(encoding="utf-8")
        inside = ADDRESS.search(text)
        assert "token" not in arguments
        assert inside[1] not in arguments
        assert printed[1] not in arguments
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert inside[1] != printed[1]

        assert status(inside[0]) == 200
        assert status(inside[0]) == 403
        eventually(lambda: not file.exists())

        assert status(printed[0]) == 200  # the person's own, whatever the browser did
        assert status(printed[0]) == 403
        again = eventually(lambda: ADDRESS.search(process.stdout.readline()))
        assert again[1] not in (printed[1], inside[1])
        assert status(again[0]) == 200
    assert not file.parent.exists()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root acts for others")
def test_another_user_reads_no_file_and_gets_403_with_a_used_address(folder):
    for place in (folder, *folder.parents):  # they are not what keeps others out
        if place.stat().st_uid == 0 and place != Path("/"):
            place.chmod(place.stat().st_mode | 0o711)
    other = (
        "import sys, urllib.request\n"
        "try: print(open(sys.argv[1]).read())\n"
        "except PermissionError: print('no file')\n"
        "try: print(urllib.request.urlopen(sys.stdin.read()).status)\n"
        "except urllib.request.HTTPError as error: print(error.code)\n"
    )
    with blackboard(folder) as process:
        printed = ADDRESS.search(process.stdout.readline())[0]
        eventually((folder / "arguments").exists)
        file = re.search(r"file://(\S+)", (folder / "arguments").read_text())[1]
        assert status(printed) == 200
        done = subprocess.run(
            ["/usr/bin/env", "python3", "-c", other, file], input=printed, user=65534, group=65534,
            cwd="/", capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert done.stdout.split("\n")[:2] == ["no file", "403"], done
