"""Stop hook: tells the model to continue while a task is open, time remains and no user attends the session.

The client overrides the ninth block in a row, and the run's result is then lost. So at most MOST_WITHOUT_PROGRESS blocks are
sent without a change in the project, and during the last ten minutes the model is only told to save and report.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.guard.event import data_folder_with, folders_of
from ml_intern_helpers.guard.permission_denied import release_refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from ml_intern_helpers.runs.contract import Task

#: Blocks without a change in the project in between; after that many, the run may end.
MOST_WITHOUT_PROGRESS = 3
#: Seconds before the end that are reserved for saving, evaluation and the report.
_TO_SAVE_S = 600
_MOST_ENTRIES, _DEEPEST = 3000, 3
#: Files and folders whose changes are not progress: hooks or tools write them.
_NOT_WORK = frozenset({"sessions", ".git", "__pycache__", "node_modules", ".venv", "lock", "state.md"})


def answer(event: dict[str, Any]) -> dict[str, Any] | None:
    """The client's answer: `{"decision": "block", "reason": …}`, or None to let the run end."""
    release_refused(event)
    folder = data_folder_with(folders_of(event), "task.json")
    if folder is None or event.get("background_tasks"):
        return None
    from pathlib import Path

    from ml_intern_helpers.runs.contract import read_task
    from ml_intern_helpers.runs.timestamps import now

    task = read_task(Path(folder) / "task.json")
    ends, at = _ends_at(event, task) if task.open else None, now()
    if ends is None or ends <= at:
        return None
    reason = _reason_to_continue(Path(folder), event, task, (ends - at).total_seconds())
    return {"decision": "block", "reason": reason} if reason else None


def _reason_to_continue(folder: Path, event: dict[str, Any], task: Task, left_s: float) -> str:
    """The message to the model, "" when the run may end."""
    import re

    from ml_intern_helpers.guard import open_work
    from ml_intern_helpers.runs.timestamps import span

    plan = open_work.plan_in(folder)
    runs = open_work.settle_ended(folder, open_work.runs_in(folder), event)
    message = event.get("last_assistant_message")
    report = re.search(r"^\W{0,8}RESULT\b\W{0,4}(\w+)?", message, re.MULTILINE) if isinstance(message, str) else None
    if left_s <= _TO_SAVE_S:
        launched = [run for run in runs.of_task(task.id) if run.state in ("running", "completed")]
        if not launched or report is not None or _has_weights(folder.parent) or not _count_block(event, folder, "save", 1):
            return ""
        return (
            f"ml-intern: {max(1, round(left_s / 60))} min are left and no saved weights were found here. Save or push what there "
            "is now, write job ids and URLs into the plan, then end with `RESULT: …`."
        )
    still_open = open_work.still_open(plan, runs, task)
    if report is not None and not still_open:
        return ""
    stopped = report is not None and (report[1] or "").lower() == "stopped"
    limit = 1 if stopped or not still_open else MOST_WITHOUT_PROGRESS
    block_number = _count_block(event, folder, "goes_on", limit)
    if not block_number:
        return ""
    status_line = f"ml-intern: the task is open and {span(left_s)} are left."
    if not still_open:
        form = "`RESULT: done | partly | stopped: …`"
        return f"{status_line} Every step is ticked: end with a last message of the form {form}, or improve on the result."
    instructions = (
        "Continue with the next step; a message without a tool call ends the run. To wait for a run, stay in this turn and "
        "check it at intervals. "
        "If something cannot be done, say why in the plan and end with `RESULT: stopped: …`. "
        f"({block_number} of {MOST_WITHOUT_PROGRESS} without progress)"
    )
    return "\n".join([f"{status_line} Still open:", *still_open, instructions])


def _count_block(event: dict[str, Any], folder: Path, kind: str, limit: int) -> int:
    """Count one more block of this kind; return its number since the project last changed, or 0 beyond `limit`.

    Returns 0 as well when the count cannot be stored, because uncounted blocks could repeat forever.
    """
    from ml_intern_helpers.guard import memory

    stored = memory.recalled(event.get("session_id"), kind, folder)
    state = _state_of(folder.parent) if kind == "goes_on" else ""
    previous = stored.get("count") if stored.get("state") == state else 0
    count = previous + 1 if isinstance(previous, int) and previous >= 0 else limit + 1
    if count > limit:
        return 0
    is_stored = memory.remember(event.get("session_id"), kind, {"state": state, "count": count}, folder)
    return count if is_stored else 0


def _has_weights(project: Path) -> bool:
    """Whether the project contains weights of a model or an adapter, at most three folders deep."""
    names = ("model.safetensors", "adapter_model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
    patterns = [f"{folder}{name}" for folder in ("", "*/", "*/*/", "*/*/*/") for name in names]
    return any(next(project.glob(pattern), None) is not None for pattern in patterns)


def _state_of(project: Path) -> str:
    """A hash of names, sizes and times of the files below `project` (at most _MOST_ENTRIES files)."""
    import hashlib
    from itertools import islice

    digest = hashlib.sha256()
    for entry in islice(_files_below(str(project), _DEEPEST), _MOST_ENTRIES):
        digest.update(entry.encode("utf-8", "replace"))
    return digest.hexdigest()[:32]


def _files_below(folder: str, depth: int) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name in _NOT_WORK:
            continue
        try:
            is_folder, status = entry.is_dir(follow_symlinks=False), entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if not is_folder:
            yield f"{entry.path}\0{status.st_size}\0{status.st_mtime_ns}\n"
        elif depth > 0:
            yield from _files_below(entry.path, depth - 1)


def _ends_at(event: dict[str, Any], task: Task) -> datetime | None:
    """The earliest of `ML_INTERN_DEADLINE`, `ML_INTERN_TIME_BUDGET` and the task's own limits; None without one.

    In an attended session the user decides when to stop: the task's limits then count only if one of the variables is set.
    """
    variables = [end for end in (_deadline(), _end_of_budget(event)) if end is not None]
    attended = os.environ.get("CLAUDE_CODE_SESSION_ATTENDED", "")
    unattended = attended == "0" if attended else os.environ.get("CLAUDE_CODE_ENTRYPOINT", "") == "sdk-cli"
    if not variables and not unattended:
        return None
    return min([*variables, *([task.ends_at] if task.ends_at is not None else [])], default=None)


def _deadline() -> datetime | None:
    """The time in `ML_INTERN_DEADLINE` (local time without a time zone); None when it is unset or malformed."""
    from datetime import UTC, datetime

    from ml_intern_helpers.runs.timestamps import parsed

    text = os.environ.get("ML_INTERN_DEADLINE", "").strip()
    deadline = parsed(text)
    if deadline is None and text and len(text) <= 40:
        try:
            deadline = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return deadline


def _end_of_budget(event: dict[str, Any]) -> datetime | None:
    """The start of the session plus `ML_INTERN_TIME_BUDGET`.

    The start is the time that SessionStart stored, else the first time stamp in the client's record of the session.
    """
    from datetime import timedelta

    from ml_intern_helpers.core.errors import UsageError
    from ml_intern_helpers.guard.memory import recalled
    from ml_intern_helpers.runs.timestamps import parsed, seconds

    text = os.environ.get("ML_INTERN_TIME_BUDGET", "").strip()
    if not text:
        return None
    start = parsed(recalled(event.get("session_id"), "started").get("at")) or _first_time(event.get("transcript_path"))
    if start is None:
        return None
    try:
        return start + timedelta(seconds=int(text) if text.isdecimal() else seconds(text))
    except (UsageError, OverflowError, ValueError):
        return None


def _first_time(path: object) -> datetime | None:
    """The first time stamp in the client's record of the session; None without one."""
    import json

    from ml_intern_helpers.runs.timestamps import parsed

    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        lines = file.read(256 * 1024).splitlines()
    for line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        time = parsed(entry.get("timestamp")) if isinstance(entry, dict) else None
        if time is not None:
            return time
    return None
