"""Conversations one level down: inside a struct (`{"meta": …, "turns": [...]}`), or several of them in a list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import kind
from ml_intern_helpers.dataset.mapping.code import quoted, row
from ml_intern_helpers.dataset.shapes.openai_pairs import PAIR
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, most, shown

_METHODS = ("sft", "dpo", "grpo", "kto", "reward")
#: With one of these the rows say themselves what they are.
_CLEAR = ("messages", "dialogue", "prompt", "completion", "chosen", "text")
_DEEPEST = 3


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """One place inside one column where most rows hold a conversation that the assistant takes part in."""
    if any(map(parts.has, _CLEAR)) or set(PAIR.values()) & set(parts.kinds):
        return None
    found = [(name, path) for name in parts.kinds if parts.kinds[name] == "dict" for path in _paths(cells(rows, name))]
    if len(found) == 1:
        return _one(*found[0], rows)
    several = [name for name in parts.kinds if parts.kinds[name] == "list" and most(map(_many, cells(rows, name)))]
    return _several(several[0]) if several and not found else None


def _one(column: str, path: tuple[str, ...], rows: Rows) -> Shape:
    messages = row(column) + "".join(f"[{quoted(key)}]" for key in path)
    ends = [_at(cell, path)[-1]["role"] for cell in cells(rows, column) if kind(_at(cell, path)) == "messages"]
    answered = all(role == "assistant" for role in ends)
    return Shape(
        "nested-messages",
        {"messages": column},
        f"the conversation is inside {shown(column)}, in {messages}",
        {"messages": messages, **({"question": f"{messages}[:-1]"} if answered else {})},
        ("sft",),
    )


def _several(column: str) -> Shape:
    flat = f'{{"messages": [turns for chats in rows[{quoted(column)}] for turns in chats]}}'
    return Shape(
        "conversations-in-lists",
        {"messages": column},
        f"make a row of each: dataset.map(lambda rows: {flat}, batched=True, remove_columns=dataset.column_names), "
        "and inspect the result",
        refuses=_METHODS,
        because=f"each row holds several conversations, in {shown(column)}",
        open=True,
    )


def _paths(held: list[Any]) -> Iterator[tuple[str, ...]]:
    """Ways to a conversation in the first cell that most others have, too."""
    for path in _ways(held[0]) if held else ():
        if most(_talks(_at(cell, path)) for cell in held):
            yield path


def _ways(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if path and kind(value) == "messages":
        yield path
    elif isinstance(value, dict) and len(path) < _DEEPEST:
        for key, item in value.items():
            if isinstance(key, str):
                yield from _ways(item, (*path, key))


def _at(cell: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        cell = cell.get(key) if isinstance(cell, dict) else None
    return cell


def _talks(value: Any) -> bool:
    return kind(value) == "messages" and any(turn["role"] == "assistant" for turn in value)


def _many(cell: Any) -> bool:
    return isinstance(cell, list) and bool(cell) and all(map(_talks, cell))
