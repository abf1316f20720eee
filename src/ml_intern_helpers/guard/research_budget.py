"""Limits the calls of one paper researcher and the tokens it reads: beyond the budget its calls are denied.

A budget in a prompt is not enforced, and the client's own `maxTurns` ends a subagent without a report. A denial ends the search
but leaves turns for the report. Calls that cannot be counted pass.
"""

from __future__ import annotations

import json
from typing import Any

RESEARCHER = "ml-paper-researcher"
#: Budget of one researcher; a test keeps the texts that name these figures in step. Reading five papers takes about 35 calls.
MOST_CALLS, MOST_TOKENS = 40, 60_000
_NEARLY = 0.8
#: The usual estimate for English text; tables and formulas have fewer characters per token.
_CHARACTERS_PER_TOKEN = 4
_NAME = "research"


def is_researcher(event: dict[str, Any]) -> bool:
    """Whether the event comes from this kind of subagent: its bare name, or with the plugin's `ml-intern:` before it."""
    kind = event.get("agent_type")
    return isinstance(kind, str) and kind.rpartition(":")[2] == RESEARCHER


def before_call(event: dict[str, Any], answer: dict[str, Any] | None) -> dict[str, Any] | None:
    """The answer to a researcher's PreToolUse event: `answer`, with a warning when little is left; a denial when nothing is."""
    from ml_intern_helpers.guard import decision

    mode = decision.mode()
    spent = _add(event, "call", 1) if mode != "off" else None
    if spent is None:
        return answer
    calls, tokens = spent
    used = f"ml-intern: {min(calls, MOST_CALLS)} of {MOST_CALLS} calls, {tokens:,} of {MOST_TOKENS:,} tokens read"
    if mode == "on" and (calls > MOST_CALLS or tokens >= MOST_TOKENS):
        reason = f"{used}: the research budget is spent. Write the report now from what you have read; list the rest as NOT READ."
        return _with(None, permissionDecision="deny", permissionDecisionReason=reason)
    if max(calls / MOST_CALLS, tokens / MOST_TOKENS) < _NEARLY:
        return answer
    return _with(answer, additionalContext=f"{used}. Stop searching: check what the report rests on, then write it.")


def after_call(event: dict[str, Any]) -> None:
    """Count the characters that a finished call gave the researcher to read."""
    response = event.get("tool_response", event.get("error", ""))
    _add(event, "read", len(json.dumps(response, ensure_ascii=False, default=str)))


def _with(answer: dict[str, Any] | None, **more: str) -> dict[str, Any]:
    inner = (answer or {}).get("hookSpecificOutput") or {"hookEventName": "PreToolUse"}
    return {"hookSpecificOutput": {**inner, **more}}


def _add(event: dict[str, Any], what: str, count: int) -> tuple[int, int] | None:
    """(calls, tokens read) of this agent including this entry; None where they cannot be counted. Safe for parallel calls."""
    from ml_intern_helpers.guard.memory import add_line

    lines = add_line(f"{event.get('session_id')}/{event.get('agent_id')}", _NAME, f"{what} {count}")
    if not lines:
        return None
    sums = {"call": 0, "read": 0}
    for line in lines:
        name, _, number = line.partition(" ")
        if name in sums and number.isdigit():
            sums[name] += int(number)
    return sums["call"], sums["read"] // _CHARACTERS_PER_TOKEN
