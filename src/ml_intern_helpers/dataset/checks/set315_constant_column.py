"""Columns that hold the same value in every row.

A prompt or an answer that never changes teaches a single sentence (a warning); other columns just carry no information (info).
The same system prompt, tools or label in all rows may be intended and is not reported here.

Bad:
    {"prompt": "Tell me a story.", "completion": "Story number {n}."}  × 25

Good:
    {"prompt": "Tell me story {n}.", "completion": "Story number {n}."}  × 25
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import LEAST_ROWS, SPOKEN, Facts, Row, finding
from ml_intern_helpers.dataset.columns import shown_name

CODE, TOPIC = "SET315", "text"
SEVERITY: Severity = "warning"
_MAY_BE_CONSTANT = ("system", "tools", "images", "label", "context")
_MOST_SHOWN = 8


def check(facts: Facts) -> Iterator[Finding]:
    """A warning per column that a model would read; one info for all other columns."""
    if len(facts.rows) < LEAST_ROWS:
        return
    roles = {column: role for role, column in facts.roles.by_role.items()}
    values = {column.name: facts.rows[0][column.name] for column in facts.columns if _is_constant(facts.rows, column.name)}
    names = [name for name in values if roles.get(name) not in _MAY_BE_CONSTANT]
    spoken = [name for name in names if roles.get(name) in SPOKEN and values[name] is not None]
    all_rows = range(len(facts.rows))
    for name in spoken:
        message = f"{shown_name(name)} is the same in every row"
        yield finding(facts, CODE, SEVERITY, message, all_rows, example=_shown(values[name]), columns=[name])
    rest = [name for name in names if name not in spoken]
    if rest:
        listed = [f"{clean(name, limit=40)!r} ({clean(_shown(values[name]), limit=40)})" for name in rest[:_MOST_SHOWN]]
        more = f" and {len(rest) - _MOST_SHOWN} more" if len(rest) > _MOST_SHOWN else ""
        message = f"columns with one value in every row: {', '.join(listed)}{more}"
        yield finding(facts, CODE, "info", message, all_rows, columns=rest[:_MOST_SHOWN])


def outdated(found: Finding, counted: Row) -> bool:
    """Whether all rows show that the columns do change."""
    known = [counted["columns"][name] for name in found.columns or () if name in counted["columns"]]
    return bool(known) and all(column["distinct"] > 1 or column["nulls"] for column in known)


def _is_constant(rows: list[Row], name: str) -> bool:
    """Whether all cells are equal; cells that were not read (pictures) never count as equal."""
    cells = [row.get(name) for row in rows]
    return all(cell == cells[0] and type(cell) is type(cells[0]) for cell in cells) and not isinstance(cells[0], (bytes, dict))


def _shown(cell: Any) -> str:
    return "null" if cell is None else str(cell)
