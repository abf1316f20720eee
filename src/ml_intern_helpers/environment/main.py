"""`launch` calls this when an environment is not there yet: build it, then become the command that was asked for.

environment run NAME PLACE COMMAND ARGS...     the helper COMMAND, on that environment's Python
environment python NAME PLACE PYTHON-ARGS...   that Python
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ml_intern_helpers import cli
from ml_intern_helpers.environment import build
from ml_intern_helpers.environment.specs import ROOT, spec_of
from ml_intern_helpers.errors import ToolError


def main(arguments: list[str]) -> int:
    """Build the environment and replace this process; returns only when that failed."""
    mode, name, place, *rest = arguments
    if mode == "run" and rest[0] not in cli.COMMANDS:
        sys.stderr.write(f"ml-intern: no command named {rest[0]}\n  next: take one of {', '.join(cli.COMMANDS)}\n")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a stopped build cleans up after itself
    try:
        python = build.ensure(spec_of(name), Path(place))
    except ToolError as err:
        return _report(mode, rest, err)
    except KeyboardInterrupt:
        return 130
    head = ["-I", "-X", "utf8", str(ROOT / "src/ml_intern_helpers/__main__.py")] if mode == "run" else []
    os.execv(python, [str(python), *head, *rest])


def _report(mode: str, rest: list[str], err: ToolError) -> int:
    if mode == "run":
        return cli.print_error(rest[0], rest[1:], err)
    sys.stderr.write(f"ml-intern: {err.message}\n  next: {err.hint}\n")
    return err.exit_code
