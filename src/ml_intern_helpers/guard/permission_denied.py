"""PermissionDenied hook: releases the reservation of a launch that was refused.

The client sends this event only in some permission modes. In the others its record of the session shows a refusal: the call has a
result that is not from a command and names no job, and no hook ran after the call. Hooks of other events therefore call
`release_refused`, which reads that record.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.guard.event import data_folder_with, folders_of

if TYPE_CHECKING:
    from ml_intern_helpers.runs.run_record import Run

_LEDGER = "runs.jsonl"
#: Bytes read from the end of a session's record, where the newest calls are.
_MOST_BYTES = 8 * 1024 * 1024


def answer(event: dict[str, Any]) -> None:
    """Release the reservation of this call, which will not run."""
    folder, call_id = data_folder_with(folders_of(event), _LEDGER), event.get("tool_use_id")
    if folder is not None and isinstance(call_id, str) and call_id:
        _release([run for run in _reserved(folder) if run.text("tool_use_id") == call_id], folder)


def release_refused(event: dict[str, Any]) -> None:
    """Release the reservations of this session whose calls were refused according to the client's record.

    A reservation that cannot be released now stays, which is the safe side.
    """
    folder = data_folder_with(folders_of(event), _LEDGER)
    if folder is None:
        return
    from ml_intern_helpers.core.errors import ToolError

    try:
        waiting = [run for run in _reserved(folder) if run.text("session_id") == event.get("session_id")]
        if waiting:
            results = _results([run.text("tool_use_id") for run in waiting], event)
            _release([run for run in waiting if _is_refusal(results.get(run.text("tool_use_id")))], folder)
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


def _results(calls: list[str], event: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Id of a call -> the entry with its result, from the record of the session or of the subagent."""
    entries: dict[str, dict[str, Any]] = {}
    for name in (event.get("transcript_path"), event.get("agent_transcript_path")):
        if not isinstance(name, str) or not os.path.isfile(name):
            continue
        with open(name, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _MOST_BYTES))
            lines = file.read(_MOST_BYTES).splitlines()
        for line in lines:
            for call in calls if b"tool_result" in line else ():
                entry = _result_of(call, line) if call.encode() in line else None
                if entry is not None:
                    entries[call] = entry
    return entries


def _result_of(call: str, line: bytes) -> dict[str, Any] | None:
    """The entry on this line if it contains the result of `call`, else None."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    message = entry.get("message") if isinstance(entry, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    is_result = any(block.get("type") == "tool_result" and block.get("tool_use_id") == call for block in blocks)
    return entry if is_result else None


def _is_refusal(entry: dict[str, Any] | None) -> bool:
    """Whether the client marks the result as a refusal, or no command produced it; and it names no job."""
    if entry is None:
        return False
    from ml_intern_helpers.guard import jobs_output

    result = entry.get("toolUseResult")
    ran = isinstance(result, dict) or (isinstance(result, str) and "Exit code" in result[:40])
    return (bool(entry.get("toolDenialKind")) or not ran) and not jobs_output.started("", json.dumps(entry))
