"""Which columns make a row what it is: rows that are equal in them are copies, whatever ids stand beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ml_intern_helpers.dataset.column_roles import ColumnRoles

#: Stands for the bytes of an image or a sound, which are not read.
NOT_READ = {"bytes": "(not read)"}
#: Parts whose words tell rows apart; of scores, system prompts and passages many rows share one.
_TELLING = ("messages", "dialogue", "prompt", "completion", "chosen", "rejected", "text")


def telling(parts: ColumnRoles, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Columns to compare rows by: those that play a part where one of them holds the words, else all.

    Empty when one of them was not read: rows about two pictures may ask the same.
    """
    playing = [column for part, column in parts.by_role.items() if part != "tools"]
    names = list(dict.fromkeys(playing if any(map(parts.has, _TELLING)) else columns))
    unread = {name for row in rows for name in names if row.get(name) == NOT_READ}
    return [] if unread else names
