"""SubagentStop: the paper researcher hands back its form, or is asked for it, twice at most."""

from __future__ import annotations

from typing import Any

RESEARCHER = "ml-paper-researcher"
MOST_BLOCKS = 2


def answered(event: dict[str, Any]) -> dict[str, Any] | None:
    """`{"decision": "block", "reason": …}`, or None to let it end."""
    from ml_intern_helpers.guard.before_launch.never_ran import try_to_give_back

    try_to_give_back(event)
    kind, report = event.get("agent_type"), event.get("last_assistant_message")
    if not isinstance(kind, str) or kind.rpartition(":")[2] != RESEARCHER or not isinstance(report, str):
        return None
    from ml_intern_helpers.guard.sessions.research_form import faults_of

    found = faults_of(report)
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
