"""Pairs whose chosen and rejected answers are the same.

Nothing can be learnt from them, and reward accuracy can never reach 1. Drop them; if all pairs are equal, create them again.

Bad:
    {"prompt": "Which metal is liquid?", "chosen": "Mercury.", "rejected": "Iron."}
    {"prompt": "Which metal conducts best?", "chosen": "Silver.", "rejected": "Silver."}

Good:
    {"prompt": "Which metal is liquid?", "chosen": "Mercury.", "rejected": "Iron."}
    {"prompt": "Which metal conducts best?", "chosen": "Silver.", "rejected": "Gold."}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.filter_code import FilterStep, all_of
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumns
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.mapping.code import row

CODE, TOPIC = "SET303", "pairs"
SEVERITY: Severity = "warning"


def severity(count: int, of: int) -> Severity:
    """An error when all pairs are equal."""
    return "error" if count == of else SEVERITY


def check(facts: Facts) -> Iterator[Finding]:
    """One finding when any pair is equal."""
    if not facts.roles.has("chosen", "rejected"):
        return
    chosen, rejected = facts.roles.by_role["chosen"], facts.roles.by_role["rejected"]
    at = [position for position, row in enumerate(facts.rows) if row[chosen] is not None and row[chosen] == row[rejected]]
    if at:
        level = severity(len(at), len(facts.rows))
        fix = _fix(chosen, rejected)
        if level == "error":
            fix = "no filter helps: create the pairs again, or train on one of the columns with SFT"
        yield finding(facts, CODE, level, _message(chosen, rejected), at, fix=fix, columns=[chosen, rejected])


def flags(columns: SqlColumns) -> Iterator[Flag]:
    chosen, rejected = columns.get("chosen"), columns.get("rejected")
    if chosen and rejected:
        names = chosen.column, rejected.column
        yield Flag(CODE, f"{chosen.text} = {rejected.text}", _message(*names), _fix(*names), columns=names)


def filters(facts: Facts, code: str) -> list[FilterStep]:
    if not facts.roles.has("chosen", "rejected"):
        return []
    return all_of(code, [f"{row(facts.roles.by_role['chosen'])} != {row(facts.roles.by_role['rejected'])}"])


def _message(chosen: str, rejected: str) -> str:
    return f"{shown_name(chosen)} and {shown_name(rejected)} are equal"


def _fix(chosen: str, rejected: str) -> str:
    return f"dataset.filter(lambda row: row[{chosen!r}] != row[{rejected!r}])"
