"""Rows without a question: an empty prompt, or a conversation in which only the assistant speaks.

The model learns to answer without a question, or a reward function judges such answers. Add the question, or drop the rows.

Bad:
    {"prompt": "", "completion": "Silver conducts best."}

Good:
    {"prompt": "Which metal conducts best?", "completion": "Silver conducts best."}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding, speaker_of, turns
from ml_intern_helpers.dataset.checks.filter_code import FilterStep, all_of, names_of, turn_keys_of
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumns, letter, says_something
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.mapping.code import quoted, row

CODE, TOPIC = "SET311", "empty"
SEVERITY: Severity = "warning"
FIX = "drop the rows, or add the question"


def check(facts: Facts) -> Iterator[Finding]:
    """One finding for the column that should hold the question."""
    role = _asking_role(facts)
    column = facts.roles.get(role)
    at = [position for position, row in enumerate(facts.rows) if column and asks_nothing(row.get(column), role)]
    if column and at:
        what = "only turns of the assistant" if isinstance(facts.rows[at[0]][column], list) else "an empty prompt"
        message = f"{shown_name(column)} has {what}, so there is no question"
        yield finding(facts, CODE, SEVERITY, message, at, fix=FIX, columns=[column])


def flags(columns: SqlColumns) -> Iterator[Flag]:
    column = columns.get("prompt") or columns.get("messages")
    if column is None:
        return
    message = f"{shown_name(column.column)} has an empty prompt"
    condition = f"NOT {says_something(column.value)}"
    if column.chat:
        message = f"{shown_name(column.column)} has no turn of the user before the answer"
        asks = f"{letter('x.who')} NOT IN ('a', 's', 'd', 'n') AND {says_something('x.what')}"
        turns = f"len(list_filter({column.value}, lambda x: x IS NOT NULL))"
        condition = f"{turns} > 0 AND len(list_filter({column.value}, lambda x: {asks})) = 0"
    yield Flag(CODE, condition, message, FIX, columns=(column.column,))


def filters(facts: Facts, code: str) -> list[FilterStep]:
    role = _asking_role(facts)
    column = facts.roles.get(role)
    if column is None:
        return []
    if facts.roles.kind(role) == "string":
        return all_of(code, [f"{row(column)}.strip()"])
    others = names_of(facts, column, "assistant", "system", "developer")
    return all_of(code, [f"any(turn[{quoted(turn_keys_of(facts, column)[0])}] not in {others} for turn in {row(column)})"])


def _asking_role(facts: Facts) -> str:
    """The role of the column that holds the question: the prompt, else the conversation."""
    return "prompt" if facts.roles.has("prompt") else "messages"


def asks_nothing(cell: Any, role: str) -> bool:
    """Whether a prompt or conversation is empty text or only an answer; nulls and empty lists are reported by other checks."""
    if role not in ("prompt", "messages"):
        return False
    if isinstance(cell, str):
        return role == "prompt" and not cell.strip()
    found_turns = turns(cell)
    return bool(found_turns) and all(speaker_of(turn) in ("assistant", "system", "developer") for turn in found_turns)
