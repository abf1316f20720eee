"""SET311: rows without a question. The model learns to answer nothing, or a reward judges answers to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts, finding, turns
from ml_intern_helpers.dataset.checks.texts import role_of


def check(facts: Facts) -> Iterator[Finding]:
    """One finding for the column that should ask."""
    part = asking(facts)
    column = facts.parts.get(part) if part else None
    if part is None or column is None:
        return
    at = [position for position, row in enumerate(facts.rows) if unasked(row.get(column), part)]
    if at:
        told = "no turn but the assistant's" if isinstance(facts.rows[at[0]][column], list) else "an empty prompt"
        message = f"{clean(column, limit=60)!r} has {told}: nothing is asked"
        yield finding(facts, "SET311", "warning", message, at, fix="drop the rows, or put the question in")


def asking(facts: Facts) -> str | None:
    """The part that holds the question: the prompt, else the conversation."""
    return next((part for part in ("prompt", "messages") if facts.parts.has(part)), None)


def unasked(cell: Any, part: str) -> bool:
    """Whether `cell`, of the part that asks, holds an emptiness, or an answer alone. Nulls and empty lists are told elsewhere."""
    if part not in ("prompt", "messages"):
        return False
    if isinstance(cell, str):
        return part == "prompt" and not cell.strip()
    found = turns(cell)
    return bool(found) and all(role_of(turn) in ("assistant", "system", "developer") for turn in found)
