"""The texts of a row, taken out of columns, turns and blocks, each with who says it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES

#: Parts whose words a model learns, or learns from.
SPOKEN = ("messages", "dialogue", "prompt", "context", "completion", "chosen", "rejected", "text")
#: A row's other columns are walked this deep: deeper there are no texts for people.
_DEEPEST = 12


class Piece(NamedTuple):
    """One text of a row.

    Attributes:
        column: where it stands.
        part: what the column is to a trainer (`prompt`, `chosen` …), or None.
        role: who says it (`user`, `assistant` …) where turns say so, else None.
        text: the words.
    """

    column: str
    part: str | None
    role: str | None
    text: str


class Vocabulary(dict[str, int]):
    """Word -> number, in the order of their first appearance."""

    def __missing__(self, word: str) -> int:
        self[word] = len(self)
        return self[word]


def pieces(row: dict[str, Any], parts: ColumnRoles) -> list[Piece]:
    """Every text of `row`, in the order of its columns."""
    played = {column: part for part, column in reversed(parts.by_role.items())}
    found: list[Piece] = []
    for column, cell in row.items():
        part = played.get(column)
        if isinstance(cell, str):
            found.append(Piece(column, part, None, cell))
        elif cell is not None:
            found += [Piece(column, part, role, text) for role, text in _said(cell)]
    return found


def _said(cell: Any) -> Iterator[tuple[str | None, str]]:
    """(who, words) of every turn; of anything else every string inside."""
    for item in cell if isinstance(cell, list) else [cell]:
        role = role_of(item) if isinstance(item, dict) else None
        if role is None:
            yield from ((None, text) for text in strings(item))
            continue
        words = "\n".join(strings(next((item[key] for key in ("content", "value", "text") if key in item), None)))
        calls = item.get("tool_calls")
        yield role, words + (json.dumps(calls, ensure_ascii=False, default=str) if calls else "")


def role_of(turn: dict[str, Any]) -> str | None:
    """Who a turn is by, as chat templates call them; None for what is no turn."""
    said = next((turn[key] for key in ("role", "from", "speaker") if key in turn), None)
    return SPEAKER_NAMES.get(said.lower(), said.lower()) if isinstance(said, str) else None


def strings(value: Any, depth: int = 0) -> Iterator[str]:
    """Every string inside `value`, keys of structs left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, dict)) and depth < _DEEPEST:
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item, depth + 1)


def is_answer(piece: Piece) -> bool:
    """Whether `piece` is what an assistant says, and a model would learn to say."""
    if piece.role is not None:
        return piece.role == "assistant" and piece.part not in ("rejected", "prompt")
    return piece.part in ("completion", "chosen")
