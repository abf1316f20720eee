"""SET301: texts and turns with nothing in them. The run does not stop; the model learns to say nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.checks.context import CALLS, Facts, finding, turns, words
from ml_intern_helpers.dataset.checks.no_question import unasked


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column with empty texts or turns."""
    for part, column, cells in facts.answers():
        at = [position for position, cell in enumerate(cells) if hollow(cell) and not unasked(cell, part)]
        if at:
            yield finding(facts, "SET301", "warning", f"{column!r} has empty texts or turns", at, fix="filter these rows out")


def hollow(cell: object) -> bool:
    if isinstance(cell, str):
        return not cell.strip()
    return any(
        isinstance(words(turn), str) and not str(words(turn)).strip() and not any(map(turn.get, CALLS)) for turn in turns(cell)
    )
