"""Nulls in a column that has a role, at which no trainer stops, but a reward function or a mapping may.

Nulls that make a trainer stop are SET214. Columns that may be empty (`system`, `tools`, a context) are not checked. Drop the
rows, or fill in the cells.

Bad:
    {"prompt": "What is 2 + 2?", "solution": "4"}
    {"prompt": "What is 2 + 3?", "solution": null}

Good:
    {"prompt": "What is 2 + 2?", "solution": "4"}
    {"prompt": "What is 2 + 3?", "solution": "5"}
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.filter_code import FilterStep, all_of
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumns
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.mapping.code import row
from ml_intern_helpers.dataset.trainers.methods import READERS

CODE, TOPIC = "SET308", "nulls"
SEVERITY: Severity = "warning"
FILTERS_FOR = ("SET214", CODE)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column with nulls, unless SET214 reports them."""
    methods = [facts.method] if facts.method else list(READERS)
    problems = [problem for method in methods for problem in READERS[method](facts.rows) if problem.code == "null"]
    reported = {name for problem in problems for name in problem.columns}
    for column, at in _null_rows(facts).items():
        if column not in reported and len(at) < len(facts.rows):
            message = f"{shown_name(column)} is null in {len(at)} rows"
            yield finding(facts, CODE, SEVERITY, message, at, fix=_fix(column), columns=[column])


def flags(columns: SqlColumns) -> Iterator[Flag]:
    """Nulls in needed columns; the full scan's count also replaces that of the sample's SET214."""
    needed = _needed([item.role for item in columns])
    for item in columns:
        if item.role in needed:
            message = f"{shown_name(item.column)} is null"
            yield Flag(CODE, f"{item.cell} IS NULL", message, _fix(item.column), columns=(item.column,))


def filters(facts: Facts, code: str) -> list[FilterStep]:
    """Keep rows without nulls in the needed columns, including columns whose nulls only a full scan has found."""
    names = [name for name, at in _null_rows(facts).items() if len(at) < len(facts.rows)]
    counted = facts.of_all.nulls if facts.of_all else {}
    needed_columns = [facts.roles.get(role) for role in _needed(facts.roles.by_role)]
    names += [name for name in needed_columns if name and clean(name, limit=200) in counted]
    return all_of(code, (f"{row(name)} is not None" for name in names))


def _null_rows(facts: Facts) -> dict[str, list[int]]:
    """Needed column -> positions of its nulls; without columns that have none."""
    names = [facts.roles.by_role[role] for role in _needed(facts.roles.by_role) if facts.roles.has(role)]
    positions = {name: [at for at, row in enumerate(facts.rows) if row.get(name) is None] for name in dict.fromkeys(names)}
    return {name: at for name, at in positions.items() if at}


def _needed(roles: Collection[str]) -> tuple[str, ...]:
    """The roles that a row must have: those of the richest reading that `roles` allow, since other columns may be optional."""
    if "chosen" in roles and "rejected" in roles:
        return ("prompt", "chosen", "rejected")
    if "messages" in roles:
        return ("messages",)
    return ("prompt", "completion", "text", "dialogue", *(("label",) if "prompt" in roles and "completion" in roles else ()))


def _fix(column: str) -> str:
    return f"dataset.filter(lambda row: row[{column!r}] is not None)"
