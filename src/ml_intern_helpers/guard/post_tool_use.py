"""PostToolUse and PostToolUseFailure hook: records how a launch ended and what a call shows of a run, and explains failures.

It runs after every Bash and Read call, most of which concern no run, so the modules that do the work are imported on demand.
"""

from __future__ import annotations

import os
import re
from typing import Any

from ml_intern_helpers.guard import prefilter
from ml_intern_helpers.guard.event import Call, call_of, data_folder_with, folders_of, names_call

_LEDGER, _LOG = "runs.jsonl", "guard.log"
#: Commands that may show the state or log of a job, or read the file that a run writes to.
_SHOWS_JOBS = re.compile(r"\bhf\s+jobs\s+(?:logs|inspect|ps|ls|list|wait|cancel)\b")
_READS_FILES = re.compile(r"(?:^|[\s;&|(])(?:tail|cat|head|grep|rg|sed|awk|less|more)\s")


def answer(event: dict[str, Any]) -> dict[str, Any] | None:
    """The client's answer: lines for the model, or None."""
    if event.get("agent_id"):
        from ml_intern_helpers.guard import research_budget

        if research_budget.is_researcher(event):
            research_budget.after_call(event)
    call, project_folders = call_of(event), folders_of(event)
    if call is None:
        return None
    data_folder = data_folder_with(project_folders, _LEDGER)
    lines: list[str] = []
    if project_folders and _may_have_launched(call, project_folders, data_folder):
        from ml_intern_helpers.guard import launch_outcome

        if os.path.isdir(project_folders[0]):
            os.chdir(project_folders[0])  # relative script paths of the command are resolved against the working folder
        lines += launch_outcome.record_launch(call, project_folders, data_folder)
    shows_a_run = call.tool == "Read" or _SHOWS_JOBS.search(call.command) or _READS_FILES.search(call.command)
    if data_folder is not None and shows_a_run:
        from ml_intern_helpers.guard import launch_outcome

        lines += launch_outcome.record_observations(call, data_folder, project_folders)
    if not lines:
        return None
    name = "PostToolUseFailure" if event.get("hook_event_name") == "PostToolUseFailure" else "PostToolUse"
    return {"hookSpecificOutput": {"hookEventName": name, "additionalContext": "\n".join(lines)}}


def _may_have_launched(call: Call, project_folders: list[str], data_folder: str | None) -> bool:
    """Whether a Bash call may need recording or explaining: it failed, or the ledger or the guard's log names it."""
    if call.tool != "Bash" or prefilter.launches_nothing(call.command):
        return False
    if call.failed or names_call(data_folder, _LEDGER, call.id):
        return True
    return names_call(data_folder_with(project_folders, _LOG), _LOG, call.id)
