"""What a launch is made of: its target, its settings, and what is plainly wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ml_intern_helpers.core.report import Severity


class Fault(NamedTuple):
    """Something that reading the command line already shows to be wrong; a rule of that code reports it."""

    code: str
    message: str
    fix: str
    seen: str = ""
    severity: Severity | None = None


class Told(NamedTuple):
    """A setting of the launch: its value (None: not known, then `how` says why), and how it was told (`--timeout 4h`)."""

    value: str | None
    how: str


class Target(NamedTuple):
    """What is started.

    Attributes:
        kind: `file`, `text` (heredoc, `-c`), `url`, `module`, `trl` (a command of trl), `command` (a program that is no
            script), or `unknown`.
        name: as written.
        path: of a `file`, resolved against the folder it is started in; None when that folder is not known.
        text: of a `text` and of a `trl` command: the Python source.
        reason: of `unknown`, and of whatever cannot be read: why.
    """

    kind: str
    name: str = ""
    path: Path | None = None
    text: str = ""
    reason: str = ""


class Swallowed(NamedTuple):
    """An option that stands behind the script and that the launcher takes for itself."""

    flag: str
    name: str
    value: str | None
