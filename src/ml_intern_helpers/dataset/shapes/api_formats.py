"""Finds shapes written by chat APIs: logs and batches, OpenAI's preference format, and OpenAI's old form of function calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import kind, shown_name
from ml_intern_helpers.dataset.mapping.code import row, turn
from ml_intern_helpers.dataset.shapes.shape import METHODS, Rows, Shape, cells, most

REQUESTS = ("request", "body")
RESPONSES = ("response",)
_ANSWER = '["choices"][0]["message"]["content"]'


def api_log(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Logs of chat APIs and OpenAI's batch files: a request with messages, a response with choices, or only one of the two."""
    request = _column(roles, rows, REQUESTS, _is_request)
    response = _column(roles, rows, RESPONSES, _is_response)
    if request is None:
        if response is None:
            return None
        id_column = next((name for name in ("custom_id", "id", "request_id") if name in roles.kinds), None)
        by = f" by {shown_name(id_column)}" if id_column else ""
        return Shape(
            "api-responses",
            {"completion": response[0]},
            f"join the rows{by} with those of the requests file, so that each has its messages as 'prompt', and take "
            f"{row(response[0])}{response[1]}{_ANSWER} for the 'completion'; then inspect the result",
            refuses=METHODS,
            because=f"{shown_name(response[0])} holds answers of a chat API without their questions",
            open=True,
        )
    messages = f'{row(request[0])}{request[1]}["messages"]'
    if response is None:
        return Shape(
            "api-requests",
            {"prompt": request[0]},
            f"requests to a chat API: {shown_name(request[0])} holds the questions, and no column holds the answers",
            {"prompt": messages},
            ("grpo",),
            refuses=("sft", "dpo", "kto", "reward"),
            because=f"{shown_name(request[0])} holds requests to a chat API without their answers",
        )
    answer = row(response[0]) + response[1] + _ANSWER
    return Shape(
        "api-log",
        {"prompt": request[0], "completion": response[0]},
        f"logs of a chat API: the request is in {shown_name(request[0])}, the answer in {shown_name(response[0])}",
        {"prompt": messages, "completion": f"[{turn('assistant', answer)}]"},
        ("sft",),
    )


def _column(roles: ColumnRoles, rows: Rows, names: Iterable[str], test: Callable[[Any], bool]) -> tuple[str, str] | None:
    """The first column of `names` in which most cells, or the `body` of most cells, pass `test`; and the code to get there."""
    for name in names:
        if roles.kinds.get(name) == "dict":
            column_cells = cells(rows, name)
            if most(map(test, column_cells)):
                return name, ""
            if most(isinstance(cell, dict) and test(cell.get("body")) for cell in column_cells):
                return name, '["body"]'
    return None


def _is_request(cell: Any) -> bool:
    return isinstance(cell, dict) and kind(cell.get("messages")) == "messages"


def _is_response(cell: Any) -> bool:
    choices = cell.get("choices") if isinstance(cell, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    return isinstance(message, dict) and isinstance(message.get("content"), str)


PAIR = {"chosen": "preferred_output", "rejected": "non_preferred_output"}


def openai_preference(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """OpenAI's format for preference fine-tuning, recognised by its exact column names."""
    if not {"input", *PAIR.values()} <= set(roles.kinds):
        return None
    if not most(map(_is_request, cells(rows, "input"))) or any(roles.kinds[name] != "messages" for name in PAIR.values()):
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
#: Removes the nulls that `datasets` adds: it gives every function the parameters of all the others.
_WITHOUT_NULLS = """\
def held(value):
    if isinstance(value, dict):
        return {name: held(item) for name, item in value.items() if item is not None}
    return [held(item) for item in value] if isinstance(value, list) else value"""


def function_calls(roles: ColumnRoles, rows: Rows) -> Shape | None:
    """Conversations with turns that call a function in OpenAI's old form (`function_call`)."""
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
    fields = {"messages": messages, **({"question": f"{messages}[:-1]"} if answered else {})}
    if tools:  # as JSON, which TRL parses: functions have different parameters, which one column cannot hold as structs
        fields["tools"] = f'json.dumps([{{"type": "function", "function": held(item)}} for item in {row(tools)} or []])'
    as_json = all(isinstance(call["arguments"], str) for call in calls)
    called = _CALLED.replace("ARGUMENTS", 'json.loads(call["arguments"])' if as_json else 'call["arguments"]')
    return Shape(
        "messages-with-function-calls",
        {"messages": column, **({"tools": tools} if tools else {})},
        f"{shown_name(column)} calls functions in OpenAI's old form ('function_call'), which chat templates leave out",
        fields,
        ("sft",),
        ("import json",),
        (called, _TO_MESSAGES, *([_WITHOUT_NULLS] if tools else [])),
        replaces=frozenset({"messages"}),
        mixed=True,
    )


def _is_call(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("name"), str) and isinstance(call.get("arguments"), (str, dict))


def _tools(roles: ColumnRoles, rows: Rows) -> str | None:
    """The column with function descriptions in the old form; None for the new form, which needs no rewriting."""
    column = roles.get("tools")
    functions = (
        [item for cell in cells(rows, column) for item in cell] if column and roles.kinds[column] == "list of dict" else []
    )
    return column if functions and all(isinstance(item.get("name"), str) for item in functions) else None
