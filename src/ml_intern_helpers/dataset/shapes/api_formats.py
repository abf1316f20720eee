"""Logs of chat APIs and files of OpenAI's batches: a request with messages, a response with choices, or one of them alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import kind
from ml_intern_helpers.dataset.mapping.code import row, turn
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, most, shown

_METHODS = ("sft", "dpo", "grpo", "kto", "reward")
REQUESTS = ("request", "body")
RESPONSES = ("response",)
_CHOSEN = '["choices"][0]["message"]["content"]'


def api_log(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """A column with a request, one with a response, or both."""
    asked = _column(roles, rows, REQUESTS, {"": _asks, '["body"]': _asks_inside})
    answered = _column(roles, rows, RESPONSES, {"": _answers, '["body"]': _answers_inside})
    if answered:
        answer = row(answered[0]) + answered[1] + _CHOSEN
        column = answered[0]
        return (
            Shape(
                "api-log",
                {"prompt": asked[0], "completion": column},
                f"logs of a chat API: the request is in {shown(asked[0])}, the answer in {shown(column)}",
                {"prompt": f'{row(asked[0])}{asked[1]}["messages"]', "completion": f"[{turn('assistant', answer)}]"},
                ("sft",),
            )
            if asked
            else _answers_alone(roles, answered[0], answer)
        )
    return _questions_alone(asked) if asked else None


def _answers_alone(roles: ColumnRoles, column: str, answer: str) -> Shape:
    tie = next((name for name in ("custom_id", "id", "request_id") if name in roles.kinds), None)
    by = f" by {shown(tie)}" if tie else ""
    return Shape(
        "api-responses",
        {"completion": column},
        f"join the rows{by} with the file of the requests yourself, so that each has its messages as 'prompt', and take "
        f"{answer} for the 'completion'; then inspect the result",
        refuses=_METHODS,
        because=f"{shown(column)} holds answers of a chat API without their questions",
        open=True,
    )


def _questions_alone(asked: tuple[str, str]) -> Shape:
    return Shape(
        "api-requests",
        {"prompt": asked[0]},
        f"requests to a chat API: {shown(asked[0])} holds the questions, and nothing here the answers",
        {"prompt": f'{row(asked[0])}{asked[1]}["messages"]'},
        ("grpo",),
        refuses=("sft", "dpo", "kto", "reward"),
        because=f"{shown(asked[0])} holds requests to a chat API without their answers",
    )


def _column(roles: ColumnRoles, rows: Rows, names: Iterable[str], where: dict[str, Any]) -> tuple[str, str] | None:
    """The column most of whose cells pass one of the tests `where`, with the way inside that the test is about."""
    for name in names:
        if roles.kinds.get(name) == "dict":
            for path, test in where.items():
                if most(map(test, cells(rows, name))):
                    return name, path
    return None


def _asks(cell: Any) -> bool:
    return isinstance(cell, dict) and kind(cell.get("messages")) == "messages"


def _asks_inside(cell: Any) -> bool:
    return isinstance(cell, dict) and _asks(cell.get("body"))


def _answers(cell: Any) -> bool:
    choices = cell.get("choices") if isinstance(cell, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    return isinstance(message, dict) and isinstance(message.get("content"), str)


def _answers_inside(cell: Any) -> bool:
    return isinstance(cell, dict) and _answers(cell.get("body"))


PAIR = {"chosen": "preferred_output", "rejected": "non_preferred_output"}


def openai_preference(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """The three columns of that format, under exactly these names."""
    if not {"input", *PAIR.values()} <= set(roles.kinds):
        return None
    chats = [isinstance(cell, dict) and kind(cell.get("messages")) == "messages" for cell in cells(rows, "input")]
    if not most(chats) or any(roles.kinds[name] != "messages" for name in PAIR.values()):
        return None
    tools = any(cell.get("tools") for cell in cells(rows, "input") if isinstance(cell, dict))
    fields = {"prompt": 'row["input"]["messages"]', **{part: row(name) for part, name in PAIR.items()}}
    return Shape(
        "openai-preference",
        {"prompt": "input", **PAIR},
        "OpenAI's preference format: the conversation is in 'input'",
        {**fields, "tools": 'row["input"]["tools"]'} if tools else fields,
        ("dpo", "reward", "kto"),
    )


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


def function_calls(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Conversations some turn of which calls in the old form."""
    column = roles.get("messages")
    if column is None or roles.kind("messages") != "messages":
        return None
    turns = [turn for cell in cells(rows, column) if isinstance(cell, list) for turn in cell if isinstance(turn, dict)]
    calls = [turn["function_call"] for turn in turns if turn.get("function_call")]
    if not calls or not all(map(_is_call, calls)):
        return None
    messages = f"to_messages({row(column)})"
    answered = all(isinstance(cell, list) and cell[-1].get("role") == "assistant" for cell in cells(rows, column))
    tools = _tools(roles, rows)
    # As JSON, which TRL reads back: the parameters of every function differ
    written = all(isinstance(call["arguments"], str) for call in calls)
    return Shape(
        "messages-with-function-calls",
        {"messages": column, **({"tools": tools} if tools else {})},
        f"{shown(column)} calls functions in OpenAI's old form ('function_call'), which chat templates leave out",
        {
            "messages": messages,
            **({"question": f"{messages}[:-1]"} if answered else {}),
            **(
                {"tools": f'json.dumps([{{"type": "function", "function": held(item)}} for item in {row(tools)} or []])'}
                if tools
                else {}
            ),
        },
        ("sft",),
        ("import json",),
        (
            _CALLED.replace("ARGUMENTS", 'json.loads(call["arguments"])' if written else 'call["arguments"]'),
            _TO_MESSAGES,
            *([_HELD] if tools else []),
        ),
        replaces=frozenset({"messages"}),
        mixed=True,
    )


def _is_call(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("name"), str) and isinstance(call.get("arguments"), (str, dict))


def _tools(roles: ColumnRoles, rows: Rows) -> str | None:
    """The column with the descriptions of single functions; `tools` in their new form are left as they are."""
    column = roles.get("tools")
    held = [item for cell in cells(rows, column) for item in cell] if column and roles.kinds[column] == "list of dict" else []
    return column if held and all(isinstance(item.get("name"), str) for item in held) else None
