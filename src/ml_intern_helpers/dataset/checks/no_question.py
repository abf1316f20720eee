"""SET311: rows without a question. The model learns to answer nothing, or a reward judges answers to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.dataset.checks.context import Facts, finding, turns, words
from ml_intern_helpers.dataset.checks.texts import role_of, strings
from ml_intern_helpers.report import Finding
from ml_intern_helpers.text import clean


def check(facts: Facts) -> Iterator[Finding]:
    """One finding for the column that should ask."""
    column = asking(facts)
    at = [position for position, row in enumerate(facts.rows) if column and unasked(row.get(column))]
    if column and at:
        told = "no turn of the user's before the answer" if isinstance(facts.rows[at[0]][column], list) else "an empty prompt"
        message = f"{clean(column, limit=60)!r} has {told}"
        yield finding(facts, "SET311", "warning", message, at, fix="drop the rows, or put the question in")


def asking(facts: Facts) -> str | None:
    """The column that holds the question: the prompt, else the conversation."""
    return facts.parts.get("prompt") or facts.parts.get("messages")


def unasked(cell: Any) -> bool:
    """Whether `cell` holds an answer or an emptiness, and no question. Nulls and empty lists are told elsewhere."""
    if isinstance(cell, str):
        return not cell.strip()
    found = turns(cell)
    if not found:
        return False
    asked = [turn for turn in found if role_of(turn) not in ("assistant", "system", "developer", None)]
    return not any("".join(strings(words(turn))).strip() for turn in asked)
