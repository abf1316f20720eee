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


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """A column with a request, one with a response, or both."""
    asked = _column(parts, rows, REQUESTS, {"": _asks, '["body"]': _asks_inside})
    answered = _column(parts, rows, RESPONSES, {"": _answers, '["body"]': _answers_inside})
    if answered:
        answer = row(answered[0]) + answered[1] + _CHOSEN
        return _both(asked, answered[0], answer) if asked else _answers_alone(parts, answered[0], answer)
    return _questions_alone(asked) if asked else None


def _both(asked: tuple[str, str], column: str, answer: str) -> Shape:
    return Shape(
        "api-log",
        {"prompt": asked[0], "completion": column},
        f"logs of a chat API: the request is in {shown(asked[0])}, the answer in {shown(column)}",
        {"prompt": f'{row(asked[0])}{asked[1]}["messages"]', "completion": f"[{turn('assistant', answer)}]"},
        ("sft",),
    )


def _answers_alone(parts: ColumnRoles, column: str, answer: str) -> Shape:
    tie = next((name for name in ("custom_id", "id", "request_id") if name in parts.kinds), None)
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


def _column(parts: ColumnRoles, rows: Rows, names: Iterable[str], where: dict[str, Any]) -> tuple[str, str] | None:
    """The column most of whose cells pass one of the tests `where`, with the way inside that the test is about."""
    for name in names:
        if parts.kinds.get(name) == "dict":
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
