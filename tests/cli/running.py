"""What tests of the command line share."""

import os
from functools import cache

import typer
from typer import testing

from chainrule._src.cli.app import app

testing._get_command = cache(typer.main.get_command)  # it reads every verb's options
RUN = testing.CliRunner(env={"COLUMNS": "80"})
# One network: five, as by default, take four times as long.
ONE = ("--recipe", "mlp")


def run(*arguments):
    """Run a command without letting anything escape."""
    return RUN.invoke(app, [os.fspath(argument) for argument in arguments])


def done(*arguments):
    """Run a command that must succeed."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def refused(code, *arguments):
    """Run a command that must fail; return its one line on stderr."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    lines = result.stderr.splitlines()
    assert len([line for line in lines if not line.startswith("note: ")]) == 1, result.stderr
    assert lines[-1].startswith("error: ")
    return lines[-1]


PETS = """name,kind,weight,legs,colour,home
Rex,dog,20.5,4,brown,yes
Tom,cat,4.1,4,black,yes
Mia,cat,,4,grey,no
Pip,bird,0.1,2,green,yes
Bo,dog,31,4,,no
Lu,bird,0.2,2,blue,no
"""


def write_pets(path, copies=10):
    """Write a table with text, numbers, gaps, and a name that is different in every row."""
    header, *rows = PETS.splitlines()
    numbered = [row.replace(",", f"{i},", 1) for i in range(copies) for row in rows]
    path.write_text("\n".join([header, *numbered]) + "\n")
    return path
