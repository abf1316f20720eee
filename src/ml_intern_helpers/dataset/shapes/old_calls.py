"""OpenAI's old form of calls: `function_call` in a turn, `function` for who answers, `functions` for what may be called."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import row
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, shown

_CALLED = """\
def called(turn):
    call = turn.get("function_call")
    return [{"type": "function", "function": {"name": call["name"], "arguments": ARGUMENTS}}] if call else []"""
_TO_MESSAGES = """\
def to_messages(turns):
    return [
        {
            "role": "tool" if turn["role"] == "function" else turn["role"],
            "content": turn.get("content"),
            "tool_calls": called(turn),
            **({"name": turn["name"]} if turn.get("name") else {}),
        }
        for turn in turns
    ]"""
#: `datasets` gives every function the arguments of all others, as nulls.
_HELD = """\
def held(value):
    if isinstance(value, dict):
        return {name: held(item) for name, item in value.items() if item is not None}
    return [held(item) for item in value] if isinstance(value, list) else value"""


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """Conversations some turn of which calls in the old form."""
    column = parts.get("messages")
    if column is None or parts.kind("messages") != "messages":
        return None
    turns = [turn for cell in cells(rows, column) if isinstance(cell, list) for turn in cell if isinstance(turn, dict)]
    calls = [turn["function_call"] for turn in turns if turn.get("function_call")]
    if not calls or not all(map(_is_call, calls)):
        return None
    messages = f"to_messages({row(column)})"
    answered = all(isinstance(cell, list) and cell[-1].get("role") == "assistant" for cell in cells(rows, column))
    tools = _tools(parts, rows)
    return Shape(
        "messages-with-function-calls",
        {"messages": column, **({"tools": tools} if tools else {})},
        f"{shown(column)} calls functions in OpenAI's old form ('function_call'), which chat templates leave out",
        {
            "messages": messages,
            **({"question": f"{messages}[:-1]"} if answered else {}),
            **({"tools": _written(tools)} if tools else {}),
        },
        ("sft",),
        ("import json",),
        (_called(calls), _TO_MESSAGES, *([_HELD] if tools else [])),
        replaces=frozenset({"messages"}),
        mixed=True,
    )


def _is_call(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("name"), str) and isinstance(call.get("arguments"), (str, dict))


def _called(calls: list[dict[str, Any]]) -> str:
    written = all(isinstance(call["arguments"], str) for call in calls)
    return _CALLED.replace("ARGUMENTS", 'json.loads(call["arguments"])' if written else 'call["arguments"]')


def _tools(parts: ColumnRoles, rows: Rows) -> str | None:
    """The column with the descriptions of single functions; `tools` in their new form are left as they are."""
    column = parts.get("tools")
    held = [item for cell in cells(rows, column) for item in cell] if column and parts.kinds[column] == "list of dict" else []
    return column if held and all(isinstance(item.get("name"), str) for item in held) else None


def _written(column: str) -> str:
    """As JSON, which TRL reads back: the parameters of every function differ."""
    return f'json.dumps([{{"type": "function", "function": held(item)}} for item in {row(column)} or []])'
