"""Answers the client's hooks: reads one event from standard input and prints one JSON object or nothing.

The client lets a tool run when a hook fails, times out or prints anything else, so every exception is caught here and the answer
is written once, at the end. Every Bash call of a session waits for this process: it imports next to nothing (no dataclasses, no
pathlib, no argparse).
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module

_LARGEST_EVENT_BYTES = 16 * 1024 * 1024
#: Each event is handled by the module of that name in this package; its `answer(event)` returns the client's answer or None.
EVENTS = (
    "pre_tool_use", "post_tool_use", "after_write", "permission_denied", "stop", "subagent_stop", "session_start", "pre_compact",
)  # fmt: skip
#: Events that are answered even with `ML_INTERN_GUARD=off`: the first also allows our helpers, the others only inform.
_ALWAYS = ("pre_tool_use", "session_start", "pre_compact")


def main(arguments: list[str]) -> int:
    """Answer the event on standard input (JSON), whose name (one of EVENTS) is the first argument; always returns 0."""
    name = arguments[0] if arguments else ""
    event, answer = None, None
    try:
        event = json.loads(sys.stdin.buffer.read(_LARGEST_EVENT_BYTES))
        if isinstance(event, dict) and name in EVENTS and (name in _ALWAYS or _is_switched_on()):
            answer = import_module(f"ml_intern_helpers.guard.{name}").answer(event)
    except (Exception, SystemExit) as err:
        # After an error of ours the client's own rules decide, except on a launch.
        answer = _question_about_unchecked(event, err) if name == "pre_tool_use" else None
    if answer is not None:
        sys.stdout.write(json.dumps(answer))
    return 0


def _is_switched_on() -> bool:
    from ml_intern_helpers.guard.decision import mode

    return mode() != "off"


def _question_about_unchecked(event: object, err: BaseException) -> dict[str, object] | None:
    """The question to the user about a command that looks like a launch and that a damaged plugin could not check.

    None for an event that names no such command; the client's own rules then decide. No other module of ours is imported here,
    because it may be the damaged one.
    """
    import re

    tool_input = event.get("tool_input") if isinstance(event, dict) and event.get("tool_name") == "Bash" else None
    command = tool_input.get("command") if isinstance(tool_input, dict) else None
    launch = r"\bjobs\b|train|accelerate|torchrun|deepspeed|\btrl\b|run_(?:uv_)?job"
    if not isinstance(command, str) or not re.search(launch, command):
        return None
    if os.environ.get("ML_INTERN_GUARD", "").strip().lower() in ("off", "0", "false", "no"):  # as decision.mode has it
        return None
    reason = (
        f"ml-intern could not check this launch because its guard crashed ({type(err).__name__}). "
        "Reinstall the plugin, or ask the user to run the command."
    )
    answer = {"hookEventName": "PreToolUse", "permissionDecision": "ask", "permissionDecisionReason": reason}
    return {"hookSpecificOutput": answer}
