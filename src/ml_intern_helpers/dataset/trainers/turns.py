"""What is wrong with one cell that must hold messages, or a string; and with one turn."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.columns import turn_keys, unpacked

Row = dict[str, Any]
#: Roles that chat templates know. Qwen's drop any other turn without a word, Gemma's and Mistral's raise.
ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function", "ipython"})


def is_chat(value: object) -> bool:
    """TRL's own test for messages: a list whose first item is a dict with a role."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "role" in value[0]


def cell_problem(value: object, chat: bool, pictures: bool = False) -> str | None:
    """What is wrong with one cell that must hold messages (or a string): a code, or None.

    Args:
        value: the cell.
        chat: it must hold messages.
        pictures: the row brings images, so that a vision-language model reads it.
    """
    if value is None:
        return "null"
    if not chat:
        return "kind" if not isinstance(value, str) else ("json" if unpacked(value) is not value else None)
    if not isinstance(value, list):
        return "kind"
    if not value:
        return "empty"
    return next((fault for turn in value if (fault := turn_problem(turn, pictures))), None)


def turn_problem(turn: object, pictures: bool = False) -> str | None:
    """What is wrong with one turn."""
    if not isinstance(turn, dict) or not isinstance(turn.get("role"), str):
        return "keys" if isinstance(turn, dict) and turn_keys([turn]) else "kind"
    if turn["role"] not in ROLES:
        return "role"
    if any(isinstance(arguments, str) for arguments in call_arguments(turn)):
        return "arguments"
    if turn.get("function_call") and isinstance(turn.get("content"), str):
        return "function_call"
    return _content_problem(turn.get("content"), bool(turn.get("tool_calls")), pictures)


def _content_problem(content: object, calls: bool, pictures: bool) -> str | None:
    if content is None:
        return None if calls else "content"
    if isinstance(content, str):
        return None
    if not in_blocks(content):
        return "kind"
    return None if pictures or _shows(content) else "blocks"


def call_arguments(turn: Row) -> list[Any]:
    """The arguments of each tool call of a turn."""
    calls = turn.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    return [function["arguments"] for function in functions if isinstance(function, dict) and "arguments" in function]


def _shows(content: Any) -> bool:
    """Some block is a picture (or a film): only a vision-language model reads those."""
    return any(block["type"] in ("image", "video") for block in content)


def in_blocks(content: object) -> bool:
    """Content in blocks, as vision models take it: `[{"type": "text", "text": …}, {"type": "image"}]`."""
    return isinstance(content, list) and all(isinstance(block, dict) and "type" in block for block in content)
