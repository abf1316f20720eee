"""OpenAI's file for preference fine-tuning: `input` with the conversation, `preferred_output` and `non_preferred_output`."""

from __future__ import annotations

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import kind
from ml_intern_helpers.dataset.mapping.code import row
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, most

PAIR = {"chosen": "preferred_output", "rejected": "non_preferred_output"}


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """The three columns of that format, under exactly these names."""
    if not {"input", *PAIR.values()} <= set(parts.kinds):
        return None
    chats = [isinstance(cell, dict) and kind(cell.get("messages")) == "messages" for cell in cells(rows, "input")]
    if not most(chats) or any(parts.kinds[name] != "messages" for name in PAIR.values()):
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
