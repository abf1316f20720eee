"""Rows that repeat an earlier row word for word.

The model sees repeated texts more often than others, and a held-out part with copies of training rows does not test the model.
Rows are compared by the columns that have a role, so ids make no difference. A sample shows fewer copies than the whole split
has. Drop the copies before you split off a held-out part.

Bad:
    {"id": 1, "text": "Copper conducts well."}
    {"id": 2, "text": "Copper conducts well."}

Good:
    {"id": 1, "text": "Copper conducts well."}
    {"id": 2, "text": "Iron rusts in the rain."}
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, Row, finding, finding_over_all
from ml_intern_helpers.dataset.checks.filter_code import FilterStep
from ml_intern_helpers.dataset.column_roles import identifying_columns
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.mapping.code import names

CODE, TOPIC = "SET307", "copies"
SEVERITY: Severity = "warning"
#: Its filter loses no content, however many rows it removes.
COPIES = True
FIX = "drop the copies before you split off a held-out part"
#: Keys that several rows of the table `facts` have, with the first of them. Groups that outgrow the memory spill to disk.
SQL_COPIES = "SELECT key, min(rn) AS first FROM facts WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1"


def check(facts: Facts) -> Iterator[Finding]:
    """One finding that counts the repeated rows."""
    columns = _compared(facts)
    if not columns:
        return
    seen: dict[str, int] = {}
    at: list[int] = []
    for position, row in enumerate(facts.rows):
        if seen.setdefault(_key(row, columns), position) != position:
            at.append(position)
    if at:
        first = facts.sample.numbers[seen[_key(facts.rows[at[0]], columns)]]
        message = _message(len(at), columns, facts.sample.numbers[at[0]], first)
        message += "" if facts.complete else "; the whole split holds at least these"
        yield finding(facts, CODE, SEVERITY, message, at, fix=FIX, columns=columns)


def over_all_rows(dataset: str, counted: Row, pair: tuple[int, int], columns: list[str], rows: int) -> Finding:
    """The finding of a full scan; `pair` is the first copy and the row it repeats."""
    message = _message(counted["rows"], columns, *pair)
    return finding_over_all(dataset, CODE, SEVERITY, message, {**counted, "example": None}, rows, FIX, columns)


def filters(facts: Facts, code: str) -> list[FilterStep]:
    cells = f"[row[name] for name in {names(_compared(facts))}]"
    definition = f"""seen = set()
def is_new(row):  # remembers what it has seen: run it once, in one process
    key = json.dumps({cells}, sort_keys=True, default=str)
    return not (key in seen or seen.add(key))"""
    return [FilterStep(code, "is_new(row)", ("import json", definition), remembers=True)]


def _compared(facts: Facts) -> list[str]:
    """The columns that rows are compared by; empty if rows cannot be compared."""
    return identifying_columns(facts.roles, [column.name for column in facts.columns], facts.rows)


def _key(row: Row, columns: list[str]) -> str:
    return json.dumps([row.get(name) for name in columns], sort_keys=True, default=str)


def _message(count: int, columns: list[str], row: int, first: int) -> str:
    many = f"{count:,} rows repeat" if count > 1 else "1 row repeats"
    return f"{many} an earlier row word for word in {', '.join(map(shown_name, columns[:6]))} (row {row} is row {first})"
