"""Until when a run without a person may work: `ML_INTERN_DEADLINE`, `ML_INTERN_TIME_BUDGET`, and the task's own limits."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.guard.memory import recalled
from ml_intern_helpers.runs.contract import Task
from ml_intern_helpers.runs.timestamps import parsed, seconds

DEADLINE, BUDGET = "ML_INTERN_DEADLINE", "ML_INTERN_TIME_BUDGET"


def ends_at(event: dict[str, Any], task: Task) -> datetime | None:
    """The earliest of the limits; None without one, and for a session with a person in it unless a variable asks for it.

    Who sits in front of the session says when it is over; a time in the task file alone then holds nobody back.
    """
    asked = [end for end in (_deadline(), _budget(event)) if end is not None]
    if not asked and not unattended():
        return None
    own = [task.ends_at] if task.ends_at is not None else []
    return min([*asked, *own], default=None)


def unattended() -> bool:
    """Nobody answers in this session (`claude -p`): the client says so, or is of the kind that nobody sits at."""
    told = os.environ.get("CLAUDE_CODE_SESSION_ATTENDED", "")
    return told == "0" if told else os.environ.get("CLAUDE_CODE_ENTRYPOINT", "") == "sdk-cli"


def _deadline() -> datetime | None:
    """A time without a zone is this machine's; what is no time is no deadline."""
    text = os.environ.get(DEADLINE, "").strip()
    found = parsed(text)
    if found is None and text and len(text) <= 40:
        try:
            found = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return found


def _budget(event: dict[str, Any]) -> datetime | None:
    """Counted from the start of the session."""
    text = os.environ.get(BUDGET, "").strip()
    start = _started(event) if text else None
    if start is None:
        return None
    try:
        return start + timedelta(seconds=int(text) if text.isdecimal() else seconds(text))
    except (UsageError, OverflowError, ValueError):
        return None


def _started(event: dict[str, Any]) -> datetime | None:
    """As SessionStart wrote it down, else the first line of the session's record that has a time."""
    return parsed(recalled(event.get("session_id"), "started").get("at")) or _first_time(event.get("transcript_path"))


def _first_time(path: object) -> datetime | None:
    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        for line in file.read(256 * 1024).splitlines():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue
            found = parsed(entry.get("timestamp")) if isinstance(entry, dict) else None
            if found is not None:
                return found
    return None
