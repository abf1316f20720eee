"""Defines what a shape is, a form of rows that needs more than renaming columns, and the helpers that all shapes use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_intern_helpers.dataset.columns import shown_name

Row = dict[str, Any]
Rows = list[Row]
METHODS = ("sft", "dpo", "grpo", "kto", "reward")


@dataclass(frozen=True)
class Shape:
    """One form that the rows have, and how to turn it into what trainers read.

    Attributes:
        name: the format's name in the report.
        columns: role -> column, for the report.
        note: one line that describes the rows and the mapping, or says how to continue when there is no mapping.
        fields: role (`prompt`, `completion`, `messages`, `chosen`, `rejected`) -> an expression over `row` for its messages;
            empty when no mapping of single rows can produce them.
        methods: the methods that the shape is suited for.
        imports, definitions: code that the expressions need.
        keep: a condition over `row` for the rows to keep, or None when all are kept.
        replaces: names of generic formats that are not reported because this shape describes the rows better.
        refuses: methods that must not fall back on a generic mapping.
        because: the reason for `refuses`, in a few words.
        open: whether the user may know what the rows do not show, so that `refuses` are unknown, not incompatible.
        mixed: whether the mapped rows hold structs with different keys, see `Script`.
    """

    name: str
    columns: Mapping[str, str]
    note: str
    fields: Mapping[str, str] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    keep: str | None = None
    replaces: frozenset[str] = frozenset()
    refuses: tuple[str, ...] = ()
    because: str = ""
    open: bool = False
    mixed: bool = False


def listed(names: Iterable[object], most: int = 6) -> str:
    """`'a', 'b' and 2 more`."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(shown_name, names[:most])) + more


def cells(rows: Rows, column: str) -> list[Any]:
    """The cells of `column` that are not empty."""
    return [row[column] for row in rows if row.get(column) not in (None, "", [], {})]


def most(flags: Iterable[bool]) -> bool:
    """Whether more than half of `flags` are true (never when there are none)."""
    flags = list(flags)
    return 2 * sum(flags) > len(flags)
