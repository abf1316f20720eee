"""What failed, as a diagnosis needs it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.core.text import clean

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch_check import Judged

_SHOWN = 160


class Failure(NamedTuple):
    """What is to be explained.

    Attributes:
        output: what the run printed, the error last.
        exit_code: None where it is not known.
        judged: the launch and its script, None where they could not be read again.
        where: `jobs` or `local`.
    """

    output: str
    exit_code: int | None = None
    judged: Judged | None = None
    where: str = "local"


def said(match: re.Match[str]) -> str:
    """The line of the output that shows it."""
    start = match.string.rfind("\n", 0, match.start()) + 1
    end = match.string.find("\n", match.end())
    return clean(match.string[start : end if end >= 0 else None], limit=_SHOWN)
