"""A system turn that is not the first one.

Some chat templates ignore such a turn, others stop at it. Move it to the front, or drop the rows.

Bad:
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Hm"}, {"role": "assistant", "content": "Hi"}]}

Good:
    {"messages": [{"role": "system", "content": "Hm"}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hi"}]}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.set309_turn_order import ORDERED, speakers_by_column
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumns
from ml_intern_helpers.dataset.columns import shown_name

CODE, TOPIC = "SET310", "turns"
SEVERITY: Severity = "warning"
#: A dataset may have this throughout; then dropping most of the rows is no remedy. The filter of SET309 removes the rows.
HABIT = True
FIX = "move it to the front, or drop the rows"


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column."""
    for column, rows in speakers_by_column(facts):
        at = [position for position, speakers in enumerate(rows) if {"system", "developer"} & set(speakers[1:])]
        if at:
            example = " → ".join(rows[at[0]][:8])
            yield finding(facts, CODE, SEVERITY, _message(column), at, example=example, fix=FIX, columns=[column])


def flags(columns: SqlColumns) -> Iterator[Flag]:
    for item in columns:
        if item.chat and item.role in ORDERED:
            inside = f"regexp_matches(coalesce({item.speakers}, ''), '^[sd]*[^sd].*[sd]|^[sd]*s[sd]*s')"
            yield Flag(CODE, inside, _message(item.column), FIX, item.first_speakers, (item.column,), speakers=True)


def _message(column: str) -> str:
    return f"{shown_name(column)} has a system turn that is not the first one (some chat templates drop it or stop)"
