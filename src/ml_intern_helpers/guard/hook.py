"""Where the client's hooks enter: read the event, ask the guards, answer with one JSON object or nothing.

The client lets a tool run when a hook fails, times out or prints a word too much, so a guard catches everything and writes
once, at the end. Every Bash call of a session waits for this process: it imports next to nothing (no dataclasses, no
pathlib, no argparse).
"""

from __future__ import annotations

import json
import os
import sys

_LARGEST_EVENT_BYTES = 16 * 1024 * 1024
#: Event -> the module below this room that answers it, loaded when the event comes: `answered(event)`.
_POINTS = {
    "post_tool_use": "after_call.after_bash",
    "after_write": "after_call.after_write",
    "permission_denied": "before_launch.never_ran",
    "stop": "sessions.stop",
    "subagent_stop": "sessions.subagent_stop",
    "session_start": "sessions.session",
    "pre_compact": "sessions.session",
}
#: These hold nobody to anything; `ML_INTERN_GUARD=off` does not concern them.
_ALWAYS = ("session_start", "pre_compact")


def main(arguments: list[str]) -> int:
    """Answer the hook event named first (`pre_tool_use`, or one of _POINTS) that stands on stdin as JSON; always 0."""
    point = arguments[0] if arguments else ""
    event, answer = None, None
    try:
        event = json.loads(sys.stdin.buffer.read(_LARGEST_EVENT_BYTES))
        if isinstance(event, dict):
            answer = _answered(point, event)
    except (Exception, SystemExit) as err:  # our own fault: the client's rules decide, as without this plugin, but for a launch
        answer = _unchecked(event, err) if point == "pre_tool_use" else None
    if answer is not None:
        sys.stdout.write(json.dumps(answer))
    return 0


def _answered(point: str, event: dict[str, object]) -> dict[str, object] | None:
    if point == "pre_tool_use":
        return before_tool(event)
    from ml_intern_helpers.guard import control

    if point not in _POINTS or (point not in _ALWAYS and control.mode() == "off"):
        return None
    from importlib import import_module

    found: dict[str, object] | None = import_module(f"ml_intern_helpers.guard.{_POINTS[point]}").answered(event)
    return found


def before_tool(event: dict[str, object]) -> dict[str, object] | None:
    """The answer to a PreToolUse event, or None for no opinion."""
    answer = _of_guards(event)
    return answer if event.get("agent_type") is None else _of_budget(event, answer)


def _of_budget(event: dict[str, object], answer: dict[str, object] | None) -> dict[str, object] | None:
    """`answer`, or what a researcher's budget makes of it."""
    try:
        from ml_intern_helpers.guard.research import budget

        return budget.before(event, answer) if budget.is_researcher(event) else answer
    except Exception:  # a count that fails must not take back what the guards said
        return answer


def _of_guards(event: dict[str, object]) -> dict[str, object] | None:
    """The first guard that has an opinion wins."""
    from ml_intern_helpers.guard import everyday
    from ml_intern_helpers.guard.permissions import helper_calls, own_texts

    tool, tool_input = event.get("tool_name"), event.get("tool_input")
    if not isinstance(tool_input, dict):
        return None
    cwd = event.get("cwd")
    cwd = cwd if isinstance(cwd, str) else os.getcwd()
    if tool == "Bash" and helper_calls.allows(tool_input, cwd):
        return _decision("allow", "read-only helper of the ml-intern plugin")
    command = tool_input.get("command")
    if tool == "Bash" and isinstance(command, str) and everyday.concerns_us(command):
        from ml_intern_helpers.guard.before_launch import launch_guard

        return launch_guard.guarded(event, command, cwd).answer()
    if tool in ("Write", "Edit", "MultiEdit") and ".ml-intern" in str(tool_input.get("file_path")):
        from ml_intern_helpers.guard import control
        from ml_intern_helpers.guard.decisions import softened
        from ml_intern_helpers.guard.permissions import own_records

        held, mode = own_records.on_edit(tool_input), control.mode()
        return None if mode == "off" else (softened(held) if mode == "warn" else held).answer()
    if tool == "Read" and own_texts.allows(tool_input):
        return _decision("allow", "reference or recipe of the ml-intern plugin")
    return None


def _unchecked(event: object, err: BaseException) -> dict[str, object] | None:
    """A plugin that is damaged lets no launch pass in silence; it still holds nothing but what looks like one.

    An event that is no JSON names no command: the client's own rules decide.
    """
    import re

    tool_input = event.get("tool_input") if isinstance(event, dict) and event.get("tool_name") == "Bash" else None
    command = tool_input.get("command") if isinstance(tool_input, dict) else None
    looks = r"\bjobs\b|train|accelerate|torchrun|deepspeed|\btrl\b|run_(?:uv_)?job"
    if (
        not isinstance(command, str)
        or not re.search(looks, command)
        or os.environ.get("ML_INTERN_GUARD", "").lower() in ("off", "0")
    ):
        return None
    told = f"ml-intern could not check this launch: its guard failed ({type(err).__name__}). Install the plugin again"
    return _decision("ask", f"{told}, or let the user run it.")


def _decision(decision: str, reason: str) -> dict[str, object]:
    """`decision` is allow, deny or ask; the reason is shown to the user (allow, ask) or to the model (deny)."""
    answer = {"hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": reason}
    return {"hookSpecificOutput": answer}
