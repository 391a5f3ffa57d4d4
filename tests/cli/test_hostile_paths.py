"""Every verb, every place where it takes a path, every kind of path that is no usable file.

A refusal is one line that is not "unexpected", an exit code, in no time, with nothing written.
"""

import os
import shutil
import signal
import socket
import sys

import pytest
from tests.cases import case
from tests.cli.running import ONE, done, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are POSIX's")

SECONDS = 20


def loop(path):
    path.symlink_to(path.name)


def dangling(path):
    path.symlink_to("nowhere")


def dangling_far(path):
    path.symlink_to("no/such/folder/file")


def pipe(path):
    os.mkfifo(path)


def link_to_pipe(path):
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def folder(path):
    path.mkdir()


def endless(path):
    path.symlink_to("/dev/zero")


def unix_socket(path):
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.getcwd()
        os.chdir(path.parent)  # the whole path may be longer than a socket's may be
        sock.bind(path.name)
        os.chdir(here)


def unreadable(path):
    path.write_text("a,b\n1,2\n")
    path.chmod(0)


def empty(path):
    path.write_bytes(b"")


def zeros(path):
    path.write_bytes(bytes(5000))


def deep(path):
    path.write_bytes(b"a = " + b"[" * 5000 + b"]" * 5000)


def deep_json(path):
    header = b'{"a":' * 5000 + b"1" + b"}" * 5000
    path.write_bytes(len(header).to_bytes(8, "little") + header)


MADE = [loop, dangling, dangling_far, pipe, link_to_pipe, folder, endless, unix_socket, unreadable,
        empty, zeros, deep, deep_json]  # fmt: skip
NAMES = {
    "missing": lambda path: path,
    "no folder": lambda path: path.parent / "none" / path.name,
    "in a file": lambda path: path.parents[1] / "file" / path.name,
    "in a loop": lambda path: path.parents[1] / "loop" / path.name,
    "300 characters": lambda path: path.parent / ("x" * 300 + path.suffix),
    "5000 characters": lambda path: path.parent / "/".join(["x" * 100] * 50) / path.name,
    "null": lambda path: f"{path.parent}/a\0b{path.suffix}",
    "not UTF-8": lambda path: f"{path.parent}/a\udcffb{path.suffix}",
    "newline": lambda path: f"{path.parent}/a\nb\x1b[31m{path.suffix}",
    "empty": lambda path: "",
}
READS = {
    "train csv": ("x.csv", "train {} --target b -o out"),
    "train txt": ("x.txt", "train {} --target b -o out"),
    "train parquet": ("x.parquet", "train {} --target b -o out"),
    "train npz": ("x.npz", "train {} -o out"),
    "train folder": ("x", "train {} -o out"),
    "config": ("x.toml", "train iris -o out --config {}"),
    "evaluate model": ("x", "evaluate {} iris"),
    "evaluate csv": ("x.csv", "evaluate model {}"),
    "evaluate parquet": ("x.pq", "evaluate model {}"),
    "predict model": ("x", "predict {} iris -o out"),
    "predict csv": ("x.csv", "predict model {} -o out"),
    "predict npz": ("x.npz", "predict model {} -o out"),
    "predict folder": ("x", "predict model {} -o out"),
    "show": ("x", "show {}"),
    "export": ("x", "export {} --to numpy -o out.py"),
    "plot model": ("x", "plot {} -o out.png"),
    "plot csv": ("x.csv", "plot {} -o out.png"),
}
WRITES = {
    "train": ("x", "train iris -o {}"),
    "train config": ("x.toml", "train iris -o {}"),
    "predict csv": ("x.csv", "predict model iris -o {}"),
    "predict parquet": ("x.parquet", "predict model iris -o {}"),
    "export numpy": ("x.py", "export model --to numpy -o {}"),
    "export onnx": ("x.onnx", "export model --to onnx -o {}"),
    "export keras": ("x.keras", "export model --to keras -o {}"),
    "plot": ("x.svg", "plot model -o {}"),
}
NOT_TO_WRITE = [loop, dangling_far, pipe, link_to_pipe, folder, endless, unix_socket]
NAMES_NOT_TO_WRITE = [name for name in NAMES if name not in ("missing", "not UTF-8", "newline")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model"
    done("train", *ONE, "iris", "--epochs", "1", "-o", path)
    return path


@pytest.fixture
def place(model, tmp_path, monkeypatch):
    shutil.copy(model, tmp_path / "model")
    (tmp_path / "file").write_text("a")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(command, path):
    """Return the line that a command refuses a path with; a command that hangs fails."""

    def late(*_):
        raise AssertionError(f"unexpected: no answer in {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        result = run(*(str(path) if word == "{}" else word for word in command.split()))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert result.exit_code in (2, 3, 4), result.output
    assert isinstance(result.exception, SystemExit)
    lines = [line for line in result.stderr.splitlines() if not line.startswith("note: ")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    assert "unexpected" not in lines[0]
    assert "Traceback" not in result.output
    return lines[0]


def refused(place, command, name, ways):
    """Check that a command refuses each way to have no usable file of this name in a folder."""
    for number, way in enumerate(ways):
        with case(getattr(way, "__name__", way)):
            folder = place / str(number)
            folder.mkdir()
            path = put(folder, way, name)
            before = listing(place)
            refusal(command, path)
            assert listing(place) == before


def put(place, way, name):
    path = place / name
    if callable(way):
        way(path)
        return path
    return NAMES[way](path)


def listing(place):
    return sorted(place.rglob("*"))


@pytest.mark.sampled(quick=5)
@pytest.mark.parametrize("verb", READS)
def test_what_cannot_be_read_is_refused_in_one_line(place, verb):
    name, command = READS[verb]
    ways = dict.fromkeys([*MADE, *NAMES])
    if os.geteuid() == 0:  # who reads everything
        del ways[unreadable]
    if verb == "config":  # no options are options
        del ways[empty]
    refused(place, command, name, ways)


@pytest.mark.parametrize("verb", WRITES)
def test_what_cannot_be_written_is_refused_in_one_line(place, verb):
    name, command = WRITES[verb]
    refused(place, command, name, [*NOT_TO_WRITE, *NAMES_NOT_TO_WRITE])


@pytest.mark.parametrize("way", [m for m in MADE if m is not deep], ids=lambda way: way.__name__)
def test_what_is_no_image_in_a_folder_of_images_is_refused_by_name(place, way):
    if way is unreadable and os.geteuid() == 0:
        pytest.skip("root reads everything")
    for kind in ("dark", "light"):
        (place / "images" / kind).mkdir(parents=True)
    way(place / "images" / "dark" / "x.png")
    before = listing(place)
    assert "x.png" in refusal("train {} -o out", place / "images")
    assert listing(place) == before


@pytest.mark.parametrize("way", [loop, pipe], ids=lambda way: way.__name__)
def test_the_lab_runs_where_its_report_cannot_be_written_and_says_so(place, way):
    way(place / "x.html")
    refusal("lab data --report {}", place / "x.html")


def test_settings_nested_without_end_are_refused(place):
    deep(place / "x.toml")
    assert "nested too deep" in refusal("train iris -o out --config {}", place / "x.toml")


def test_a_loop_of_links_as_output_is_told_as_such(place):
    loop(place / "x.csv")
    assert "symbolic links" in refusal("predict model iris -o {}", place / "x.csv")
