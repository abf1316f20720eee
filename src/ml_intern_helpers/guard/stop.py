"""Stop: while a task is open, time is left and no user attends, the model is told to continue and what is still open.

The client overrides the ninth block in a row and then loses the result, so this gives up long before: each block since the last
change counts, and the last ten minutes are kept for saving and reporting.
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

#: The model is told to continue this often without a change in between; then the run may end.
MOST_WITHOUT_PROGRESS = 3
#: Kept for saving, evaluation and report.
_TO_SAVE_S = 600
_MOST_ENTRIES, _DEEPEST = 3000, 3
#: Changed by hooks themselves, or by nothing that is work.
_NOT_WORK = frozenset({"sessions", ".git", "__pycache__", "node_modules", ".venv", "lock", "state.md"})


def answer(event: dict[str, Any]) -> dict[str, Any] | None:
    """`{"decision": "block", "reason": …}`, or None to let it end."""
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
        if not launched or report is not None or _has_weights(folder.parent) or not _count(event, folder, "save", 1):
            return ""
        return (
            f"ml-intern: {max(1, round(left_s / 60))} min are left and no saved weights were found here. Save or push what there "
            "is now, write job ids and URLs into the plan, then end with `RESULT: …`."
        )
    still_open = open_work.still_open(plan, runs, task)
    if report is not None and not still_open:
        return ""
    stopped = report is not None and (report[1] or "").lower() == "stopped"
    count = _count(event, folder, "goes_on", 1 if stopped or not still_open else MOST_WITHOUT_PROGRESS)
    if not count:
        return ""
    first = f"ml-intern: the task is open and {span(left_s)} are left."
    if not still_open:
        form = "`RESULT: done | partly | stopped: …`"
        return f"{first} Every step is ticked: end with a last message of the form {form}, or improve on the result."
    last = (
        "Continue with the next step; a message without a tool call ends the run. Wait for a run in slices, within this turn. "
        "If something cannot be done, say why in the plan and end with `RESULT: stopped: …`. "
        f"({count} of {MOST_WITHOUT_PROGRESS} without progress)"
    )
    return "\n".join([f"{first} Still open:", *still_open, last])


def _count(event: dict[str, Any], folder: Path, kind: str, most: int) -> int:
    """The number of this block since something last changed, stored before it is used; 0 when there may be no further block."""
    from ml_intern_helpers.guard import memory

    before = memory.recalled(event.get("session_id"), kind, folder)
    state = _state_of(folder.parent) if kind == "goes_on" else ""
    known = before.get("count") if before.get("state") == state else 0
    count = known + 1 if isinstance(known, int) and known >= 0 else most + 1
    if count > most:
        return 0
    kept = memory.remember(event.get("session_id"), kind, {"state": state, "count": count}, folder)
    return count if kept else 0  # blocks that cannot be counted could go on forever


def _has_weights(project: Path) -> bool:
    """Whether weights of a model or an adapter lie in the project, a few folders deep."""
    names = ("model.safetensors", "adapter_model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")
    patterns = [f"{folder}{name}" for folder in ("", "*/", "*/*/", "*/*/*/") for name in names]
    return any(next(project.glob(pattern), None) is not None for pattern in patterns)


def _state_of(project: Path) -> str:
    """A text that stays the same while no file below `project` changes (a few thousand files are looked at)."""
    import hashlib
    from itertools import islice

    found = hashlib.sha256()
    for entry in islice(_files_below(str(project), _DEEPEST), _MOST_ENTRIES):
        found.update(entry.encode("utf-8", "replace"))
    return found.hexdigest()[:32]


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

    A person in front of the session says when it is over: then the task's own limits count only beside one of the variables.
    """
    limits = [end for end in (_deadline(), _end_of_budget(event)) if end is not None]
    attended = os.environ.get("CLAUDE_CODE_SESSION_ATTENDED", "")
    unattended = attended == "0" if attended else os.environ.get("CLAUDE_CODE_ENTRYPOINT", "") == "sdk-cli"
    if not limits and not unattended:
        return None
    return min([*limits, *([task.ends_at] if task.ends_at is not None else [])], default=None)


def _deadline() -> datetime | None:
    """A time without a zone is in this machine's; a text that is not a time is no deadline."""
    from datetime import UTC, datetime

    from ml_intern_helpers.runs.timestamps import parsed

    text = os.environ.get("ML_INTERN_DEADLINE", "").strip()
    found = parsed(text)
    if found is None and text and len(text) <= 40:
        try:
            found = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError, OSError):
            return None
    return found


def _end_of_budget(event: dict[str, Any]) -> datetime | None:
    """Counted from the start of the session: as SessionStart noted it, else the first time in the session's record."""
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
        found = parsed(entry.get("timestamp")) if isinstance(entry, dict) else None
        if found is not None:
            return found
    return None
