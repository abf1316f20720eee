"""Launches that were put on file and then did not happen: the user, or the client's own rules, refused the call after our hook.

No hook tells of that. The session's transcript does, by the time the next launch is looked at; without it the money would stay
set aside, and the next launch would wait for a job that never was.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

from ml_intern_helpers.guard.holds import State
from ml_intern_helpers.runs import launching
from ml_intern_helpers.runs.run_record import Run, runs_of

#: How the client begins the result of a call that it did not make. One that ran and failed begins with its exit code.
_REFUSED = re.compile(
    r"This command requires approval|The user doesn't want to|Permission to use|Claude requested permissions|PreToolUse:\S+ hook"
    r"|.{0,80}\b(?:was|been|is) (?:denied|rejected|blocked)|.{0,40}requires approval",
    re.IGNORECASE,
)
#: The call lies shortly before the one that is looked at.
_TAIL_BYTES = 8 * 1024 * 1024


def settled(state: State, event: dict[str, object]) -> State:
    """The state with what is set aside for refused calls of this session given back.

    Raises:
        Unavailable: the ledger cannot be written.
    """
    waiting = [run for run in state.runs.all if run.state == "reserved" and _is_earlier(run, event)]
    refused = _refused(event.get("transcript_path"), {run.text("tool_use_id") for run in waiting}) if waiting else set()
    gone = [run for run in waiting if run.text("tool_use_id") in refused]
    for run in gone:
        launching.release(state.folder, run.id, "the call was refused: it never ran")
    return state._replace(runs=runs_of(state.folder, state.at)) if gone else state


def _is_earlier(run: Run, event: dict[str, object]) -> bool:
    mine = run.text("session_id") == event.get("session_id")
    return mine and run.text("tool_use_id") not in ("", event.get("tool_use_id"))


def _refused(path: object, calls: set[str]) -> set[str]:
    """Those of `calls` whose result in the transcript says that the client did not make them."""
    if not isinstance(path, str) or not os.path.isfile(path):
        return set()
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - _TAIL_BYTES))
        lines = file.read().splitlines()
    return {call for line in lines for call in calls if call.encode() in line and any(map(_REFUSED.match, _results(line, call)))}


def _results(line: bytes, call: str) -> Iterator[str]:
    """The texts of error results for `call` on a line of the transcript."""
    try:
        content = json.loads(line)["message"]["content"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for block in content if isinstance(content, list) else []:
        if isinstance(block, dict) and block.get("tool_use_id") == call and block.get("is_error") is True:
            inner = block.get("content")
            yield from (
                [inner]
                if isinstance(inner, str)
                else [one["text"] for one in inner or [] if isinstance(one, dict) and "text" in one]
            )
