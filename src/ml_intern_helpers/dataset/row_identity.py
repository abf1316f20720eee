"""Which columns identify a row: rows that are equal in these are copies, whatever ids stand beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ml_intern_helpers.dataset.column_roles import ColumnRoles

#: Stands for the bytes of an image or a sound, which are not read.
NOT_READ = {"bytes": "(not read)"}
#: Roles of columns whose words tell rows apart; of scores, system prompts and passages many rows share one.
_IDENTIFYING = ("messages", "dialogue", "prompt", "completion", "chosen", "rejected", "text")


def identifying_columns(roles: ColumnRoles, columns: Iterable[str], rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Columns to compare rows by: those with a role where one of them holds the words, else all.

    Empty when one of them was not read: rows about two pictures may ask the same.
    """
    named = [column for role, column in roles.by_role.items() if role != "tools"]
    names = list(dict.fromkeys(named if any(map(roles.has, _IDENTIFYING)) else columns))
    unread = {name for row in rows for name in names if row.get(name) == NOT_READ}
    return [] if unread else names
