"""PostToolUse and PostToolUseFailure: what became of a launch, what was seen of a run, and what a failure means.

After most commands there is nothing to do, and that has to be found out at once.
"""

from __future__ import annotations

import os
import re
from typing import Any

from ml_intern_helpers.guard import prefilter
from ml_intern_helpers.guard.event import Call, call_of, holds_file, places_of, speaks_of

_LEDGER, _LOG = "runs.jsonl", "guard.log"
#: Commands that show something of a run: its job's, or the file it writes to.
_WATCHES = re.compile(r"\bhf\s+jobs\s+(?:logs|inspect|ps|ls|list|wait|cancel)\b")
_READS = re.compile(r"(?:^|[\s;&|(])(?:tail|cat|head|grep|rg|sed|awk|less|more)\s")


def answered(event: dict[str, Any]) -> dict[str, Any] | None:
    """The client's answer: lines for the model, or None."""
    if event.get("agent_id"):
        from ml_intern_helpers.guard import research_budget

        if research_budget.is_researcher(event):
            research_budget.after(event)
    call = call_of(event)
    lines = _lines(call, places_of(event)) if call is not None else []
    if not lines:
        return None
    name = "PostToolUseFailure" if event.get("hook_event_name") == "PostToolUseFailure" else "PostToolUse"
    return {"hookSpecificOutput": {"hookEventName": name, "additionalContext": "\n".join(lines)}}


def _lines(call: Call, places: list[str]) -> list[str]:
    folder = holds_file(places, _LEDGER)
    lines: list[str] = []
    if places and _may_have_launched(call, places, folder):
        from ml_intern_helpers.guard import launch_outcome

        if os.path.isdir(places[0]):
            os.chdir(places[0])
        lines += launch_outcome.told(call, places, folder)
    if folder is not None and _shows_a_run(call):
        from ml_intern_helpers.guard import run_observation

        lines += run_observation.told(call, folder, places)
    return lines


def _may_have_launched(call: Call, places: list[str], folder: str | None) -> bool:
    """A launch that went well stands in the ledger, or in the guard's log; of one that failed the meaning is of use anyway."""
    if call.tool != "Bash" or prefilter.launches_nothing(call.command):
        return False
    return call.failed or speaks_of(folder, _LEDGER, call.id) or speaks_of(holds_file(places, _LOG), _LOG, call.id)


def _shows_a_run(call: Call) -> bool:
    return call.tool == "Read" or bool(_WATCHES.search(call.command) or _READS.search(call.command))
