"""The way in: ``chainrule`` and ``python -m chainrule``."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it with code 130, also while it is still loading."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an old terminal shows ? where it lacks a sign
    try:
        try:
            from chainrule._src.base.interrupts import load

            app = load("chainrule._src.cli.app").app
            app()
        finally:  # the end is decided: Ctrl-C once more would only change its code
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("Stopped by Ctrl-C.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
