"""Determines the role of each column, from its whole name and the kind of its values.

Parts of a name do not count: `chosen_score` is not `chosen`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.dataset.columns import Column, kind, unpacked

if TYPE_CHECKING:
    from ml_intern_helpers.dataset.shapes.shape import Shape

TEXT = frozenset({"string"})
CHAT = frozenset({"messages", "sharegpt"})
ANSWER = TEXT | CHAT | {"turn"}

#: Role -> (column names, best first; the kinds that its values may have). The first name is TRL's own.
ROLES: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {
    "messages": (("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "turns"), CHAT),
    "dialogue": (
        ("dialogue", "dialog", "conversation", "conversations", "turns", "messages", "data"), frozenset({"list of string"}),
    ),
    "prompt": (
        ("prompt", "instruction", "question", "query", "problem", "user_prompt", "user_message", "user", "human", "input",
         "conversations"),
        TEXT | CHAT,
    ),
    "completion": (
        ("completion", "response", "answer", "output", "solution", "target", "reply", "assistant_response", "assistant",
         "model_response", "gpt", "summary", "highlights", "tldr"),
        ANSWER,
    ),
    "chosen": (
        ("chosen", "chosen_response", "response_chosen", "chosen_answer", "preferred", "preferred_response", "accepted"), ANSWER,
    ),
    "rejected": (
        ("rejected", "rejected_response", "response_rejected", "rejected_answer", "dispreferred", "dispreferred_response",
         "refused"),
        ANSWER,
    ),
    "label": (
        ("label", "desirable", "is_desirable", "is_good", "thumbs_up", "liked", "rating", "score", "feedback"),
        frozenset({"bool", "int", "float", "string"}),
    ),
    "text": (("text", "content", "document", "body", "passage", "article", "dialogue"), TEXT),
    "system": (("system", "system_prompt", "system_message"), TEXT),
    "context": (("input", "context"), TEXT),
    "tools": (("tools", "functions"), frozenset({"list of dict", "string", "list", "list of string", "messages", "sharegpt"})),
    "images": (("images", "image"), frozenset({"dict", "list of dict", "bytes", "list", "string", "list of string"})),
}  # fmt: skip


#: Replaces the bytes of an image or a sound, which are not read.
NOT_READ = {"bytes": "(not read)"}
#: Roles of columns whose texts tell rows apart; scores, system prompts and passages are often shared by many rows.
_IDENTIFYING = ("messages", "dialogue", "prompt", "completion", "chosen", "rejected", "text")


@dataclass(frozen=True)
class ColumnRoles:
    """The column of each role, and the kind of each column.

    Attributes:
        by_role: role -> column; roles without a column are absent.
        kinds: column -> kind of most of its cells; for turns stored as JSON text, the kind of the parsed turns.
        json: the columns whose turns are stored as JSON text.
        others: role -> further columns that could have it and have no other role.
        shapes: the readings that need more than renaming, see `shapes`.
    """

    by_role: dict[str, str]
    kinds: dict[str, str]
    json: frozenset[str] = frozenset()
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shapes: tuple[Shape, ...] = ()

    def get(self, role: str) -> str | None:
        return self.by_role.get(role)

    def has(self, *roles: str) -> bool:
        return all(part in self.by_role for part in roles)

    def kind(self, role: str) -> str:
        """The kind of the column with this role; an empty string without such a column."""
        return self.kinds.get(self.by_role.get(role, ""), "")

    def unpacked(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """`rows` with turns stored as JSON text parsed."""
        if not self.json:
            return rows
        return [{name: unpacked(value) if name in self.json else value for name, value in row.items()} for row in rows]


def find_roles(columns: Iterable[Column], rows: Sequence[Mapping[str, object]] = ()) -> ColumnRoles:
    """Assign at most one role to each column; `input` is a prompt only if no other column is.

    Args:
        columns: all columns of the dataset.
        rows: the sample; it shows whether a text is a prompt (a document beside its summary) or already contains the answer.
    """
    columns = list(columns)
    json_kinds = {column.name: _json_turns_kind(column.name, rows) for column in columns if column.main == "string"}
    json_columns = frozenset(name for name, kind in json_kinds.items() if kind)
    kinds = {column.name: json_kinds.get(column.name) or column.main for column in columns}
    by_plain_name = {plain_name(name): name for name in reversed(list(kinds))}
    by_role: dict[str, str] = {}
    candidates: dict[str, list[str]] = {}
    for role, (names, allowed) in ROLES.items():
        matches = [by_plain_name[name] for name in names if name in by_plain_name and kinds[by_plain_name[name]] in allowed]
        if matches:
            by_role[role] = matches[0]
            candidates[role] = matches
    # Each column has one role: the column of the prompt is not the context, too, and messages are not also a prompt.
    if by_role.get("context") == by_role.get("prompt"):
        by_role.pop("context", None)
    # A document beside an answer (XSum, CNN/DailyMail) is the prompt, because the answer is about it.
    if "prompt" not in by_role and leaves_out(rows, by_role.get("text"), by_role.get("completion")):
        by_role["prompt"] = by_role.pop("text")
    has_pair = "chosen" in by_role and "rejected" in by_role
    if "prompt" in by_role and by_role["prompt"] == by_role.get("messages") and not has_pair:
        by_role.pop("prompt")
    taken = set(by_role.values())
    unassigned = {role: tuple(name for name in candidates.get(role, ()) if name not in taken) for role in by_role}
    return ColumnRoles(by_role, kinds, json_columns, {role: names for role, names in unassigned.items() if names})


def _json_turns_kind(name: str, rows: Sequence[Mapping[str, object]]) -> str | None:
    """The kind of turns that most cells of a column hold as JSON text; None if most are plain texts."""
    cells = [row[name] for row in rows if row.get(name)]
    turn_kinds = Counter(kind(value) for value in map(unpacked, cells) if not isinstance(value, str))
    return turn_kinds.most_common(1)[0][0] if 2 * sum(turn_kinds.values()) > len(cells) else None


def leaves_out(rows: Sequence[Mapping[str, object]], text: str | None, answer: str | None) -> bool:
    """Whether most texts lack the answer of their row: documents do, texts formatted for training contain it."""
    if text is None or answer is None:
        return False
    rows_without = 0
    for row in rows:
        full_text, answer_cell = row.get(text), row.get(answer)
        has_answer = isinstance(answer_cell, (str, list, dict)) and bool(
            answer_cell
        )  # texts or turns; a number is a class, not an answer
        rows_without += isinstance(full_text, str) and has_answer and str(answer_cell).strip() not in full_text
    return 2 * rows_without > len(rows)


def plain_name(name: str) -> str:
    """The name in lower case with underscores."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")


def first_named(columns: Iterable[str], wanted: Iterable[str]) -> str | None:
    """The column named like the first possible of `wanted`, whatever its spelling; None without one."""
    by_name = {plain_name(name): name for name in reversed(list(columns))}
    return next((by_name[name] for name in wanted if name in by_name), None)


def identifying_columns(roles: ColumnRoles, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> list[str]:
    """The columns that identify a row: rows that are equal in these are copies, even if their ids differ.

    These are the columns with a role if one of them holds texts, otherwise all. The list is empty if one of them was not read:
    equal questions about different pictures are no copies.
    """
    with_role = [column for role, column in roles.by_role.items() if role != "tools"]
    names = list(dict.fromkeys(with_role if any(map(roles.has, _IDENTIFYING)) else columns))
    unread = {name for row in rows for name in names if row.get(name) == NOT_READ}
    return [] if unread else names
