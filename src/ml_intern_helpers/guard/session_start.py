"""SessionStart hook: exports the plugin's path to Bash and tells the model the state of an open task, if there is one."""

from __future__ import annotations

import os
from typing import Any


def answer(event: dict[str, Any]) -> dict[str, Any] | None:
    """The state of the open task as context, at the start of a session and after a compaction."""
    _export_root()
    if os.environ.get("ML_INTERN_TIME_BUDGET") and event.get("source") in ("startup", "resume"):
        from ml_intern_helpers.guard.memory import remember
        from ml_intern_helpers.runs.timestamps import now, stamp

        remember(event.get("session_id"), "started", {"at": stamp(now())})  # the time budget is counted from here
    from ml_intern_helpers.guard.event import data_folder_with, folders_of

    folder = data_folder_with(folders_of(event), "task.json")
    if folder is None:
        return None
    from ml_intern_helpers.guard.open_work import state_screen

    state = state_screen(folder, event)
    return {"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": state}} if state else None


def _export_root() -> None:
    """Export `ML_INTERN_ROOT` to Bash, and `CLAUDE_PLUGIN_ROOT` unless it is set: the client sets neither in Bash."""
    from shlex import quote

    from ml_intern_helpers.guard.own_helpers import plugin_root

    target = os.environ.get("CLAUDE_ENV_FILE", "")
    if not os.path.isabs(target):
        return
    root = os.environ.get("CLAUDE_PLUGIN_ROOT", "").rstrip("/")
    root = root if root and os.path.realpath(root) == plugin_root() else plugin_root()
    lines = f'export ML_INTERN_ROOT={quote(root)}\nexport CLAUDE_PLUGIN_ROOT="${{CLAUDE_PLUGIN_ROOT:-$ML_INTERN_ROOT}}"\n'
    try:
        with open(target, "a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(lines)
    except OSError:
        return
