"""PermissionDenied: the reservation of a launch that was refused is released.

The client tells this hook of a refusal only in some permission modes. Otherwise the client's record of the session shows it: the
call has a result, no hook heard that the call ran, and the result names no job. Other events look there through
`release_refused`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.guard.event import data_folder_with, folders_of

if TYPE_CHECKING:
    from ml_intern_helpers.runs.run_record import Run

_LEDGER = "runs.jsonl"
#: Read from the end of a session's record, where the newest calls are.
_MOST_BYTES = 8 * 1024 * 1024


def answer(event: dict[str, Any]) -> None:
    """Release the reservation of this call, which will not run."""
    folder, call_id = data_folder_with(folders_of(event), _LEDGER), event.get("tool_use_id")
    if folder is not None and isinstance(call_id, str) and call_id:
        _release([run for run in _reserved(folder) if run.text("tool_use_id") == call_id], folder)


def release_refused(event: dict[str, Any]) -> None:
    """Release the reservations of this session whose calls were refused according to the client's record.

    A reservation that cannot be released now stays: the safe side.
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
    """Call -> the entry of the session's record, or of the subagent's, that holds its result."""
    found: dict[str, dict[str, Any]] = {}
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
                    found[call] = entry
    return found


def _result_of(call: str, line: bytes) -> dict[str, Any] | None:
    """The entry on this line, where it holds the result of `call`."""
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
    """The client calls the result a refusal, or it is an error that no command printed; and no job was started."""
    if entry is None:
        return False
    from ml_intern_helpers.guard import jobs_output

    result = entry.get("toolUseResult")
    ran = isinstance(result, dict) or (isinstance(result, str) and "Exit code" in result[:40])
    return (bool(entry.get("toolDenialKind")) or not ran) and not jobs_output.started("", json.dumps(entry))
