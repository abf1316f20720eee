"""Columns beside the text that change what is learnt: system prompts that no trainer looks at, pictures without a place."""

from __future__ import annotations

from collections.abc import Iterable

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import ROLES
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.trainers.rows import PICTURES, Problem, Row

#: Names of a column of system prompts.
SYSTEM = ROLES["system"][0]


def system_ignored(rows: list[Row], column: str) -> list[Problem]:
    """A column of system prompts that no trainer looks at, beside conversations that have no system turn of their own."""
    name = first_named(rows[0], SYSTEM)
    if name is None:
        return []
    at = tuple(at for at, row in enumerate(rows) if _words(row.get(name)) and not _has_system(row.get(column)))
    told = f"TRL ignores {clean(name, limit=60)!r}: system prompts are read from the messages alone"
    return [Problem("system_ignored", told, at, silent=True, columns=(name,))] if 2 * len(at) > len(rows) else []


def _words(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _has_system(cell: object) -> bool:
    return isinstance(cell, list) and bool(cell) and isinstance(cell[0], dict) and cell[0].get("role") in ("system", "developer")


def unplaced_images(rows: list[Row], columns: Iterable[str]) -> list[Problem]:
    """Pictures beside plain text: nothing in a string says where the picture is."""
    pictures = next((name for name in PICTURES if rows[0].get(name)), None)
    texts = [name for name in columns if isinstance(rows[0].get(name), str)]
    if pictures is None or not texts or any("<image" in str(row[texts[0]]) or "<|image" in str(row[texts[0]]) for row in rows):
        return []
    return [Problem("images", f"'{pictures}' needs {texts[0]!r} to be messages: a string holds no place for a picture")]
