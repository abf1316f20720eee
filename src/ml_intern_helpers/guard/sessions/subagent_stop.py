"""SubagentStop: the paper researcher hands back its form, or is asked for it, once."""

from __future__ import annotations

from typing import Any

#: One message tells all that is missing; asked again, a model that could not mend it only pays for its whole context again.
MOST_BLOCKS = 1


def answered(event: dict[str, Any]) -> dict[str, Any] | None:
    """`{"decision": "block", "reason": …}`, or None to let it end."""
    from ml_intern_helpers.guard.before_launch.never_ran import try_to_give_back
    from ml_intern_helpers.guard.research.budget import is_researcher

    try_to_give_back(event)
    report = event.get("last_assistant_message")
    if not is_researcher(event) or not isinstance(report, str):
        return None
    from ml_intern_helpers.guard.research.evidence import given_to_read
    from ml_intern_helpers.guard.research.form import faults_of

    found = faults_of(report, given_to_read(event.get("agent_transcript_path")))
    if not found or not _may_block(event):
        return None
    lines = [
        "ml-intern: hand the report back in its form (see your instructions). What is missing:",
        *(f"- {one}" for one in found),
    ]
    return {"decision": "block", "reason": "\n".join([*lines, "What was not read stays NOT READ: fill no cell from memory."])}


def _may_block(event: dict[str, Any]) -> bool:
    """Counted for each agent; what cannot be counted could go on for ever."""
    from ml_intern_helpers.guard.memory import recalled, remembered

    key = f"{event.get('session_id')}/{event.get('agent_id')}"
    count = recalled(key, "researcher").get("count", 0)
    if not isinstance(count, int) or count >= MOST_BLOCKS:
        return False
    return remembered(key, "researcher", {"count": count + 1})
