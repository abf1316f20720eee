"""Google's chats (Gemini, Vertex): `contents` with turns of `role` and `parts`, and a system instruction of parts beside them."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import row, turn
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, shown

TURNS = ("contents", "messages", "conversations", "conversation", "history")
SYSTEM = ("system_instruction",)
#: Speakers as Google writes them; a turn of parts has no other.
ROLES = {"user": "user", "model": "assistant"}


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """Turns whose parts are texts, by `user` and `model`; turns with pictures or calls are left to the user."""
    column = first_named(parts.kinds, TURNS)
    held = cells(rows, column) if column else []
    if column is None or not held or not all(map(_chat, held)):
        return None
    system = first_named(parts.kinds, SYSTEM)
    system = system if system and all(_texts(cell) for cell in cells(rows, system)) else None
    messages = f"to_messages({row(column)})"
    if system:
        opening = turn("system", f"text({row(system)})")
        messages = f"[*([{opening}] if {row(system)} else []), *{messages}]"
    answered = all(cell[-1]["role"] == "model" for cell in held)
    return Shape(
        "gemini",
        {"messages": column, **({"system": system} if system else {})},
        f"Google's format: {shown(column)} holds turns of 'parts', and calls the assistant 'model'",
        {"messages": messages, **({"question": f"{messages}[:-1]"} if answered else {})},
        ("sft",),
        definitions=(
            'ROLES = {"user": "user", "model": "assistant"}',
            'def text(turn):\n    return "".join(part["text"] for part in turn["parts"])',
            'def to_messages(turns):\n    return [{"role": ROLES[turn["role"]], "content": text(turn)} for turn in turns]',
        ),
    )


def _chat(cell: Any) -> bool:
    return isinstance(cell, list) and all(_texts(turn) and turn.get("role") in ROLES for turn in cell)


def _texts(turn: Any) -> bool:
    """A turn, or an instruction, all of whose parts are texts."""
    parts = turn.get("parts") if isinstance(turn, dict) else None
    return isinstance(parts, list) and bool(parts) and all(isinstance(part, dict) and _text_alone(part) for part in parts)


def _text_alone(part: dict[str, Any]) -> bool:
    return isinstance(part.get("text"), str) and not any(value for name, value in part.items() if name != "text")
