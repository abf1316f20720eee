"""PostToolUse and PostToolUseFailure: records how a launch ended and what a call shows of a run, and explains failures.

After most commands there is nothing to do, and this must be decided quickly.
"""

from __future__ import annotations

import os
import re
from typing import Any

from ml_intern_helpers.guard import prefilter
from ml_intern_helpers.guard.event import Call, call_of, data_folder_with, folders_of, names_call

_LEDGER, _LOG = "runs.jsonl", "guard.log"
#: Commands that show something of a run: the state or log of its job, or the file that it writes to.
_SHOWS_JOBS = re.compile(r"\bhf\s+jobs\s+(?:logs|inspect|ps|ls|list|wait|cancel)\b")
_READS_FILES = re.compile(r"(?:^|[\s;&|(])(?:tail|cat|head|grep|rg|sed|awk|less|more)\s")


def answer(event: dict[str, Any]) -> dict[str, Any] | None:
    """The client's answer: lines for the model, or None."""
    if event.get("agent_id"):
        from ml_intern_helpers.guard import research_budget

        if research_budget.is_researcher(event):
            research_budget.after_call(event)
    call, folders = call_of(event), folders_of(event)
    if call is None:
        return None
    folder = data_folder_with(folders, _LEDGER)
    lines: list[str] = []
    if folders and _may_have_launched(call, folders, folder):
        from ml_intern_helpers.guard import launch_outcome

        if os.path.isdir(folders[0]):
            os.chdir(folders[0])
        lines += launch_outcome.record_launch(call, folders, folder)
    shows_a_run = call.tool == "Read" or _SHOWS_JOBS.search(call.command) or _READS_FILES.search(call.command)
    if folder is not None and shows_a_run:
        from ml_intern_helpers.guard import launch_outcome

        lines += launch_outcome.record_observations(call, folder, folders)
    if not lines:
        return None
    name = "PostToolUseFailure" if event.get("hook_event_name") == "PostToolUseFailure" else "PostToolUse"
    return {"hookSpecificOutput": {"hookEventName": name, "additionalContext": "\n".join(lines)}}


def _may_have_launched(call: Call, folders: list[str], folder: str | None) -> bool:
    """A launch that succeeded is in the ledger or in the guard's log; the meaning of a failure is of use in any case."""
    if call.tool != "Bash" or prefilter.launches_nothing(call.command):
        return False
    return call.failed or names_call(folder, _LEDGER, call.id) or names_call(data_folder_with(folders, _LOG), _LOG, call.id)
