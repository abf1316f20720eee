"""PreToolUse hook: allows the plugin's own helpers and texts, and decides on launches and on changes of its records."""

from __future__ import annotations

import os

from ml_intern_helpers.guard import own_helpers, prefilter


def answer(event: dict[str, object]) -> dict[str, object] | None:
    """The client's answer, or None for no opinion."""
    decision = _decided(event)
    if event.get("agent_type") is None:
        return decision
    try:
        from ml_intern_helpers.guard import research_budget

        return research_budget.before_call(event, decision) if research_budget.is_researcher(event) else decision
    except Exception:  # an error in counting must not revoke the decision
        return decision


def _decided(event: dict[str, object]) -> dict[str, object] | None:
    """The answer of the first check that has an opinion."""
    tool, tool_input, cwd = event.get("tool_name"), event.get("tool_input"), event.get("cwd")
    if not isinstance(tool_input, dict):
        return None
    cwd = cwd if isinstance(cwd, str) else os.getcwd()
    if tool == "Bash" and own_helpers.is_plain_call(tool_input, cwd):
        return _allowed("read-only helper of the ml-intern plugin")
    command = tool_input.get("command")
    if tool == "Bash" and isinstance(command, str) and prefilter.concerns_us(command):
        from ml_intern_helpers.guard.launch_decision import decision_on

        return decision_on(event, command, cwd).answer()
    if tool in ("Write", "Edit", "MultiEdit") and ".ml-intern" in str(tool_input.get("file_path")):
        from ml_intern_helpers.guard import own_records

        return own_records.decision_on_edit(tool_input).as_configured().answer()
    if tool == "Read" and own_helpers.is_own_text(tool_input):
        return _allowed("reference or recipe of the ml-intern plugin")
    return None


def _allowed(reason: str) -> dict[str, object]:
    answer = {"hookEventName": "PreToolUse", "permissionDecision": "allow", "permissionDecisionReason": reason}
    return {"hookSpecificOutput": answer}
