"""Launches that were put on file and never happened, because a permission was refused: what was set aside is given back.

The client tells a hook of a refusal only in some modes. Otherwise the session's own record shows it: the call has an answer,
no hook was told that it ran, and no job is named in that answer.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.guard.near import holds_file, places_of

if TYPE_CHECKING:
    from ml_intern_helpers.runs.run_record import Run

_LEDGER = "runs.jsonl"
#: Of a session's record: its end, where the calls since the last look are.
_MOST_BYTES = 8 * 1024 * 1024


def answered(event: dict[str, Any]) -> None:
    """PermissionDenied: this very call will not run."""
    folder, call_id = holds_file(places_of(event), _LEDGER), event.get("tool_use_id")
    if folder is not None and isinstance(call_id, str) and call_id:
        _release([run for run in _reserved(folder) if run.text("tool_use_id") == call_id], folder)


def try_to_give_back(event: dict[str, Any]) -> None:
    """Release what this session set aside for calls that its record shows were refused.

    What cannot be given back now stays set aside: the safe side.
    """
    folder = holds_file(places_of(event), _LEDGER)
    if folder is None:
        return
    from ml_intern_helpers.core.errors import ToolError

    try:
        waiting = [run for run in _reserved(folder) if run.text("session_id") == event.get("session_id")]
        answers = _answers([run.text("tool_use_id") for run in waiting], _records(event)) if waiting else {}
        _release([run for run in waiting if _is_refusal(answers.get(run.text("tool_use_id")))], folder)
    except (ToolError, OSError):
        return


def _reserved(folder: str) -> list[Run]:
    from pathlib import Path

    from ml_intern_helpers.runs.run_record import runs_of

    return [run for run in runs_of(Path(folder)).all if run.state == "reserved" and run.text("tool_use_id")]


def _release(runs: list[Run], folder: str) -> None:
    from pathlib import Path

    from ml_intern_helpers.runs import launching

    for run in runs:
        launching.release(Path(folder), run.id, "the call was refused")


def _records(event: dict[str, Any]) -> list[str]:
    names = [event.get("transcript_path"), event.get("agent_transcript_path")]
    return [name for name in names if isinstance(name, str) and os.path.isfile(name)]


def _answers(calls: list[str], records: list[str]) -> dict[str, dict[str, Any]]:
    """Call -> the line of the record that answers it."""
    found: dict[str, dict[str, Any]] = {}
    for name in records:
        with open(name, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _MOST_BYTES))
            lines = file.read(_MOST_BYTES).splitlines()
        for line in lines:
            for call in calls:
                if b"tool_result" in line and call.encode() in line:
                    entry = _entry(line)
                    if entry is not None and _answers_call(entry, call):
                        found[call] = entry
    return found


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _answers_call(entry: dict[str, Any], call: str) -> bool:
    message = entry.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = content if isinstance(content, list) else []
    return any(
        isinstance(block, dict) and block.get("type") == "tool_result" and block.get("tool_use_id") == call for block in blocks
    )


def _is_refusal(entry: dict[str, Any] | None) -> bool:
    """The call's answer is a refusal: the client says so, or it is an error that no command printed."""
    if entry is None:
        return False
    from ml_intern_helpers.guard.after_call import jobs_output

    result = entry.get("toolUseResult")
    text = json.dumps(entry)
    ran = isinstance(result, dict) or (isinstance(result, str) and "Exit code" in result[:40])
    return (bool(entry.get("toolDenialKind")) or not ran) and not jobs_output.started("", text)
