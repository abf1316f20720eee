"""SET307: rows whose text is an earlier row's, word for word. The model sees them more often than the others, and a copy that
falls into the held-out part is no test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.same_rows import telling


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that counts the repeated rows. A sample shows fewer copies than there are."""
    columns = compared(facts)
    if not columns:
        return
    seen: dict[str, int] = {}
    at: list[int] = []
    for position, row in enumerate(facts.rows):
        if seen.setdefault(_key(row, columns), position) != position:
            at.append(position)
    if not at:
        return
    first = facts.look.numbers[seen[_key(facts.rows[at[0]], columns)]]
    shown = ", ".join(repr(clean(name, limit=60)) for name in columns[:6])
    message = f"{len(at)} rows repeat an earlier row word for word in {shown} (row {facts.look.numbers[at[0]]} is row {first})"
    message += "" if facts.look.extent.complete else "; the whole split holds at least these"
    yield finding(facts, "SET307", "warning", message, at, fix="drop the copies before a held-out part is split off")


def compared(facts: Facts) -> list[str]:
    """The columns that rows are compared by; none where they cannot be told apart."""
    return telling(facts.parts, [column.name for column in facts.columns], facts.rows)


def _key(row: dict[str, Any], columns: list[str]) -> str:
    return json.dumps([row.get(name) for name in columns], sort_keys=True, default=str)
