"""Columns with cells of several kinds.

`datasets` keeps such a column as JSON, and trainers fail at single rows. Look at the rows of the rarer kinds, and convert or drop
them.

Bad:
    {"text": "Copper conducts well.", "score": 3}  × 3
    {"text": "Iron rusts.", "score": "high"}

Good:
    {"text": "Copper conducts well.", "score": 3}
    {"text": "Iron rusts.", "score": 5}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumns
from ml_intern_helpers.dataset.columns import kind, shown_name

CODE, TOPIC = "SET305", "columns"
SEVERITY: Severity = "warning"


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column of mixed kinds, with the rows of the rarer kinds."""
    for column in facts.columns:
        if not column.mixed:
            continue
        at = [position for position, row in enumerate(facts.rows) if kind(row.get(column.name)) not in (column.main, "null")]
        counts = ", ".join(f"{name} {count}" for name, count in column.kinds.items())
        yield finding(facts, CODE, SEVERITY, f"{shown_name(column.name)} mixes kinds: {counts}", at, columns=[column.name])


def flags(columns: SqlColumns) -> Iterator[Flag]:
    """Cells that differ in kind from most others, in columns with a role."""
    for item in columns:
        if item.strange != "false":
            message = f"{shown_name(item.column)} mixes kinds"
            yield Flag(CODE, item.strange, message, "look at these rows, or drop them", columns=(item.column,))
