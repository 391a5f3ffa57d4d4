"""``chainrule lab``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule._src.base.console import Terminal
from chainrule._src.base.errors import InterruptedWarning
from chainrule._src.cli.lab_files import build, check, new
from chainrule._src.cli.problems import Interrupted, Verbs
from chainrule._src.teach.lab.sections import SECTIONS
from chainrule._src.teach.lab.session import Lab

REPORT_HELP = (
    "Where to write the report, one HTML file; by default lab-report.html. The name says so if "
    "the run is quick or has some sections alone: lab-report-quick.html."
)

OWN: dict[str, Callable[..., None]] = {
    "new": new,
    "check": check,
    "build": build,
}  # the verbs of labs of one's own


class LabVerbs(Verbs):
    """The verbs of labs of one's own; without one of them, the lab of the README runs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the hidden command in front of sections and options."""
        return super().parse_args(ctx, args if args[:1] and args[0] in OWN else ["run", *args])


lab = typer.Typer(
    name="lab",
    cls=LabVerbs,
    help="Run the backpropagation lab on the handwritten digits; or write a lab of your own.",
)
for verb in OWN.values():
    lab.command()(verb)


@lab.command(
    hidden=True,
    epilog="A lab of your own: chainrule lab new FILE, lab check FILE, lab build FILE -o FOLDER.",
)
def run(
    sections: Annotated[
        list[str] | None, typer.Argument(metavar="[SECTION]...", help="The same as --only.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECTION", help=f"Run these sections alone. Sections: {', '.join(SECTIONS)}."
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Fewer epochs, smaller searches, no Keras: a look around."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the initial weights.")] = 0,
    report: Annotated[Path | None, typer.Option(help=REPORT_HELP)] = None,
) -> None:
    """Run the backpropagation lab on the handwritten digits, and write its report."""
    from chainrule._src.teach.lab.terminal import run_lab

    names = [name for group in (only, sections) for name in group or []]
    console = Terminal()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InterruptedWarning)  # the other sections end as well
            raise typer.Exit(
                run_lab(
                    console,
                    names,
                    quick=quick,
                    seed=seed,
                    replay=_replay,
                    report=report or report_path(names, quick=quick),
                )
            )
    except (KeyboardInterrupt, InterruptedWarning):
        raise Interrupted("no report was written") from None


def report_path(sections: Sequence[str], *, quick: bool) -> Path:
    """Return the default path of a report; quick or partial runs have paths of their own.

    Examples
    --------
    >>> str(report_path([], quick=False)), str(report_path(["data", "keras"], quick=True))
    ('lab-report.html', 'lab-report-quick-data-keras.html')
    """
    parts = ["quick"] * quick + list(dict.fromkeys(sections))
    return Path("-".join(["lab-report", *parts]) + ".html")


def _replay(lab: Lab) -> str | None:
    """Return the packed page of the hidden layer's training; None if the page is not built."""
    from chainrule._src.base.pages import packed
    from chainrule._src.blackboard import built
    from chainrule._src.blackboard.site import lab_page
    from chainrule._src.teach.lab.hidden_layer import HiddenLayerResult

    result = lab.results.get("hidden-layer")
    if not isinstance(result, HiddenLayerResult) or not built.MODULE.exists():
        return None
    return packed(lab_page(result).encode())
