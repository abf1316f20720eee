"""The steps of `.ml-intern/plan.md`: what is ticked and what is still open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from ml_intern_helpers.core.text import clean

NAME = "plan.md"
_MOST_BYTES = 256 * 1024
_STEP = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[([ xX~-])\]\s+(.+)$", re.MULTILINE)


class Plan(NamedTuple):
    """`open` and `done` are the steps' texts in their order; `written` is False where no plan lies there."""

    open: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    written: bool = False


def plan_in(folder: Path) -> Plan:
    """The plan in `folder` (`.ml-intern`). A step that was given up (`[-]`, `[~]`) is not open."""
    try:
        with (folder / NAME).open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return Plan()
    steps = [(match[1], clean(match[2], limit=120)) for match in _STEP.finditer(text)]
    still = tuple(step for mark, step in steps if mark == " ")
    return Plan(still, tuple(step for mark, step in steps if mark in "xX"), True)
