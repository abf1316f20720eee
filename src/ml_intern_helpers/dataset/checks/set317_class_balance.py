"""Labels for KTO of which one side is rare: fewer than a fifth of the rows.

KTO weighs both sides alike unless it is told otherwise. Set `desirable_weight` or `undesirable_weight` in `KTOConfig` so that
the weighted sides stand between 1:1 and 4:3, as TRL's documentation asks.

Bad:
    {"prompt": "Question {n}?", "completion": "Answer {n}.", "label": true}  × 30
    {"prompt": "Question 31?", "completion": "Answer 31.", "label": false}

Good:
    {"prompt": "Question {n}?", "completion": "Answer {n}.", "label": true}  × 20
    {"prompt": "What of {n}?", "completion": "Nothing of {n}.", "label": false}  × 20
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import LEAST_ROWS, Facts, Row, finding, finding_over_all
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.labels import LabelCounts, desirable, is_desirable

CODE, TOPIC = "SET317", "pairs"
SEVERITY: Severity = "warning"
#: A class with less than this share of the rows is reported.
_SMALL = 0.2


def check(facts: Facts) -> Iterator[Finding]:
    """One finding when desirable and undesirable rows are far from even."""
    column = facts.roles.get("label")
    if column is None or not facts.roles.has("prompt", "completion") or facts.method not in (None, "kto"):
        return
    good = desirable(row[column] for row in facts.rows)
    counts = Counter(is_desirable(good, row[column]) for row in facts.rows) if good else Counter()
    yes, no = counts.get(True, 0), counts.get(False, 0)
    if good and _uneven(yes, no):
        rare = yes < no
        at = [position for position, row in enumerate(facts.rows) if is_desirable(good, row[column]) is rare]
        yield finding(facts, CODE, SEVERITY, _message(column, yes, no), at, fix=_weights(yes, no), columns=[column])


def check_labels(dataset: str, labels: LabelCounts, rows: int) -> Iterator[Finding]:
    """The same over all rows, from the labels that a full scan has counted."""
    yes, no = labels.desirable, labels.undesirable
    if _uneven(yes, no):
        few = {"rows": min(yes, no), "share": min(yes, no) / labels.total, "row_numbers": [], "example": None}
        message = _message(labels.column, yes, no)
        yield finding_over_all(dataset, CODE, SEVERITY, message, few, rows, _weights(yes, no), [labels.column])


def outdated(found: Finding, counted: Row) -> bool:
    """Counted labels replace those of the sample."""
    return counted["label_counts"] is not None


def _uneven(yes: int, no: int) -> bool:
    return min(yes, no) > 0 and yes + no >= LEAST_ROWS and min(yes, no) < _SMALL * (yes + no)


def _message(column: str, yes: int, no: int) -> str:
    return f"{shown_name(column)}: {yes:,} rows desirable, {no:,} undesirable"


def _weights(yes: int, no: int) -> str:
    weight = f"desirable_weight={1.15 * no / yes:.2f}" if yes < no else f"undesirable_weight={0.87 * yes / no:.2f}"
    return f"KTOConfig({weight}): the weighted sides should stand between 1:1 and 4:3"
