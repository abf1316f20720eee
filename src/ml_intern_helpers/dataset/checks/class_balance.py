"""SET317: labels of which one is rare. KTO weighs both sides alike unless it is told otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.definitions.limits import LEAST_ROWS, SMALL_CLASS_SHARE
from ml_intern_helpers.dataset.thumbs import desirable, said


def check(facts: Facts) -> Iterator[Finding]:
    """One finding when desirable and undesirable rows are far from even."""
    column = facts.parts.get("label")
    if column is None or not facts.parts.has("prompt", "completion") or facts.method not in (None, "kto"):
        return
    good = desirable(row[column] for row in facts.rows)
    counts = Counter(said(good, row[column]) for row in facts.rows) if good else Counter()
    yes, no = counts.get(True, 0), counts.get(False, 0)
    if min(yes, no) == 0 or yes + no < LEAST_ROWS or min(yes, no) >= SMALL_CLASS_SHARE * (yes + no):
        return
    rare = yes < no
    at = [position for position, row in enumerate(facts.rows) if good and said(good, row[column]) is rare]
    message = f"{clean(column, limit=60)!r}: {yes} rows desirable, {no} undesirable"
    yield finding(facts, "SET317", "warning", message, at, fix=_weights(yes, no))


def _weights(yes: int, no: int) -> str:
    """TRL asks for desirable_weight * desirable : undesirable_weight * undesirable between 1:1 and 4:3."""
    if yes < no:
        return f"KTOConfig(desirable_weight={1.15 * no / yes:.2f}): the weighted sides should stand between 1:1 and 4:3"
    return f"KTOConfig(undesirable_weight={0.87 * yes / no:.2f}): the weighted sides should stand between 1:1 and 4:3"
