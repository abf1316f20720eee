"""SessionStart and PreCompact: the plugin's path for Bash, the state of an open task for the model and on disk.

Without an open task nothing is said and nothing is written.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.guard.near import holds_file, places_of

if TYPE_CHECKING:
    from pathlib import Path

STATE = "state.md"


def answered(event: dict[str, Any]) -> dict[str, Any] | None:
    """The state as context when a session starts (or goes on after compaction); before compaction it is written down."""
    starts = event.get("hook_event_name") != "PreCompact"
    if starts:
        _export()
        _note_start(event)
    folder = holds_file(places_of(event), "task.json")
    return _of_project(folder, event, starts) if folder is not None else None


def _of_project(name: str, event: dict[str, Any], starts: bool) -> dict[str, Any] | None:
    from pathlib import Path

    text = _state(Path(name), event)
    if not text:
        return None
    if starts:
        return {"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": text}}
    _write(Path(name), text)
    return None


def _export() -> None:
    """`ML_INTERN_ROOT` for Bash, and `CLAUDE_PLUGIN_ROOT` where no other plugin was first: the client sets neither there."""
    from shlex import quote

    from ml_intern_helpers.guard.permissions.helper_calls import plugin_root

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


def _note_start(event: dict[str, Any]) -> None:
    """A budget of time is counted from here; only then is there something to note."""
    if os.environ.get("ML_INTERN_TIME_BUDGET") and event.get("source") in ("startup", "resume"):
        from ml_intern_helpers.guard.memory import remembered
        from ml_intern_helpers.runs.timestamps import now, stamp

        remembered(event.get("session_id"), "started", {"at": stamp(now())})


def _state(folder: Path, event: dict[str, Any]) -> str:
    """The screen of an open task, "" where none is open."""
    from ml_intern_helpers.guard.before_launch.never_ran import try_to_give_back
    from ml_intern_helpers.guard.sessions.open_work import runs_in
    from ml_intern_helpers.guard.sessions.plan_steps import plan_in
    from ml_intern_helpers.guard.sessions.state_screen import screen
    from ml_intern_helpers.runs.contract import read_task
    from ml_intern_helpers.runs.timestamps import now

    task = read_task(folder / "task.json")
    if not task.open:
        return ""
    try_to_give_back(event)
    return screen(task, runs_in(folder), plan_in(folder), now())


def _write(folder: Path, text: str) -> None:
    from ml_intern_helpers.core.paths import write_atomic

    try:
        write_atomic(folder / STATE, f"{text}\n".encode("utf-8", "replace"))
    except OSError:
        return
