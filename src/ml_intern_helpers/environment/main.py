"""Builds a missing environment for `launch`, then replaces this process with the requested command.

environment run NAME PLACE COMMAND ARGS...     start the helper COMMAND on the Python of environment NAME
environment python NAME PLACE PYTHON-ARGS...   start that Python
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ml_intern_helpers.cli import commands, output
from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.environment import build
from ml_intern_helpers.environment.installers import ROOT, spec_of


def main(arguments: list[str]) -> int:
    """Build the environment and replace this process; returns only on failure."""
    if len(arguments) < 3:
        output.say("usage: this program is called by scripts/launch; use `launch --env NAME` instead")
        return 2
    mode, name, place, *rest = arguments
    command = rest[0] if mode == "run" else "ml-intern"
    if mode == "run" and command not in commands.COMMANDS:
        output.say(f"ml-intern: no command named {command}\n  next: use one of {', '.join(commands.COMMANDS)}")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a terminated build removes its files
    try:
        python = build.ensure(spec_of(name), Path(place))
    except ToolError as err:
        return commands.print_error(command, rest[1:] if mode == "run" else [], err)
    except KeyboardInterrupt:
        return commands.STOPPED
    options = ["-I", "-X", "utf8", str(ROOT / "src/ml_intern_helpers/__main__.py")] if mode == "run" else []
    os.execv(python, [str(python), *options, *rest])
    raise AssertionError("unreachable: this process is another program now")
