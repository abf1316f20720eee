"""What a shape is: a form of rows that needs more than renaming; and helpers that all shapes are written with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_intern_helpers.core.text import clean

Row = dict[str, Any]
Rows = list[Row]
METHODS = ("sft", "dpo", "grpo", "kto", "reward")


@dataclass(frozen=True)
class Shape:
    """One way to read the rows.

    Attributes:
        name: the format's name in the report.
        columns: role -> column, for the report.
        note: one line about what the rows are, what is taken for what, and how to go on where there is no mapping.
        fields: role (`prompt`, `completion`, `messages`, `chosen`, `rejected`) -> an expression over `row` that gives messages;
            empty when no mapping of single rows gives them.
        methods: the methods the shape is made for.
        imports, definitions: code that the expressions need.
        keep: a condition over `row`, when some rows have to go.
        replaces: generic formats that this shape is the better reading of.
        refuses: methods that must not fall back on a generic mapping.
        because: the reason for that, in a few words.
        mixed: the mapped rows hold structs of several shapes, see `Script`.
        open: the user may know what the rows do not say: those methods are unknown, not incompatible.
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


def named(name: object) -> str:
    return repr(clean(name, limit=60))


def listed(names: Iterable[object], most: int = 6) -> str:
    """`'a', 'b' and 2 more`."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(named, names[:most])) + more


def cells(rows: Rows, column: str) -> list[Any]:
    """The cells of `column` that hold something."""
    return [row[column] for row in rows if row.get(column) not in (None, "", [], {})]


def most(flags: Iterable[bool]) -> bool:
    """More than half, and at least one."""
    flags = list(flags)
    return 2 * sum(flags) > len(flags)
