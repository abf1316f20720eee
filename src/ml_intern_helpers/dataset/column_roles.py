"""Which role each column has: by its whole name and the kind of its values, never by a piece of the name.

`chosen_score` is not `chosen`: it is another word, and its values are numbers.
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

#: role -> (column names, best first; kinds its values may be of). The first name is TRL's own.
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


#: Stands for the bytes of an image or a sound, which are not read.
NOT_READ = {"bytes": "(not read)"}
#: Roles of columns whose words tell rows apart; of scores, system prompts and passages many rows share one.
_IDENTIFYING = ("messages", "dialogue", "prompt", "completion", "chosen", "rejected", "text")


@dataclass(frozen=True)
class ColumnRoles:
    """Column by role, and the kind of each column; a role without a column is absent.

    Attributes:
        by_role: role -> column.
        kinds: column -> kind of most of its cells; of what the JSON holds, for a column of turns written down as JSON.
        json: the columns whose turns are JSON in a string.
        others: role -> further columns that could have it and have no other.
        shapes: readings that take more than names, see `shapes`.
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
        """The kind of the column with this role; empty when there is none."""
        return self.kinds.get(self.by_role.get(role, ""), "")

    def unpacked(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """`rows` with the turns in place of the JSON."""
        if not self.json:
            return rows
        return [{name: unpacked(value) if name in self.json else value for name, value in row.items()} for row in rows]


def find_roles(columns: Iterable[Column], rows: Sequence[Mapping[str, object]] = ()) -> ColumnRoles:
    """Assign roles to columns. A column has one role; `input` may be a prompt only when nothing else is.

    Args:
        columns: all columns of the dataset.
        rows: the sample; it shows whether a text is to be answered (a document and its summary) or holds the answer already.
    """
    columns = list(columns)
    written = {column.name: _in_json(column.name, rows) for column in columns if column.main == "string"}
    json = frozenset(name for name, held in written.items() if held)
    kinds = {column.name: written.get(column.name) or column.main for column in columns}
    named = {plain_name(name): name for name in reversed(list(kinds))}
    by_role: dict[str, str] = {}
    candidates: dict[str, list[str]] = {}
    for role, (names, allowed) in ROLES.items():
        hits = [named[name] for name in names if name in named and kinds[named[name]] in allowed]
        if hits:
            by_role[role] = hits[0]
            candidates[role] = hits
    # One column has one role: chats are no prompts beside an answer, context is not what is already the prompt.
    if by_role.get("context") == by_role.get("prompt"):
        by_role.pop("context", None)
    # A document beside an answer (XSum, CNN/DailyMail) is what the answer is about: the prompt.
    if "prompt" not in by_role and leaves_out(rows, by_role.get("text"), by_role.get("completion")):
        by_role["prompt"] = by_role.pop("text")
    pair = "chosen" in by_role and "rejected" in by_role
    if "prompt" in by_role and by_role["prompt"] == by_role.get("messages") and not pair:
        by_role.pop("prompt")
    taken = set(by_role.values())
    free = {role: tuple(name for name in candidates.get(role, ()) if name not in taken) for role in by_role}
    return ColumnRoles(by_role, kinds, json, {role: names for role, names in free.items() if names})


def _in_json(name: str, rows: Sequence[Mapping[str, object]]) -> str | None:
    """The kind of turns that most texts of a column hold as JSON; None when they are texts."""
    held = [row[name] for row in rows if row.get(name)]
    kinds = Counter(kind(value) for value in map(unpacked, held) if not isinstance(value, str))
    return kinds.most_common(1)[0][0] if 2 * sum(kinds.values()) > len(held) else None


def leaves_out(rows: Sequence[Mapping[str, object]], text: str | None, answer: str | None) -> bool:
    """Whether most texts do not hold the answer beside them: a text formatted for training does, a document does not."""
    if text is None or answer is None:
        return False
    without = 0
    for row in rows:
        whole, part = row.get(text), row.get(answer)
        held = isinstance(part, (str, list, dict)) and bool(part)  # text or turns; a number is a class
        without += isinstance(whole, str) and held and str(part).strip() not in whole
    return 2 * without > len(rows)


def plain_name(name: str) -> str:
    """The name in lower case with underscores."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")


def first_named(columns: Iterable[str], wanted: Iterable[str]) -> str | None:
    """The column whose whole name is one of `wanted`, the best of these first."""
    by_name = {plain_name(name): name for name in reversed(list(columns))}
    return next((by_name[name] for name in wanted if name in by_name), None)


def identifying_columns(roles: ColumnRoles, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Columns that identify a row: rows that are equal in these are copies, whatever ids stand beside them.

    They are those with a role where one of them holds the words, else all.
    Empty when one of them was not read: rows about two pictures may ask the same.
    """
    named = [column for role, column in roles.by_role.items() if role != "tools"]
    names = list(dict.fromkeys(named if any(map(roles.has, _IDENTIFYING)) else columns))
    unread = {name for row in rows for name in names if row.get(name) == NOT_READ}
    return [] if unread else names
