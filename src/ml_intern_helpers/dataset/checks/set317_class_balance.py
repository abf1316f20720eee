"""Unbalanced labels for KTO: desirable or undesirable rows are fewer than a fifth.

KTO gives both the same weight by default. Set `desirable_weight` or `undesirable_weight` in `KTOConfig` so that the ratio of the
weighted sides is between 1:1 and 4:3, as TRL's documentation recommends.

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
    """One finding if desirable and undesirable rows are unbalanced."""
    column = facts.roles.get("label")
    if column is None or not facts.roles.has("prompt", "completion") or facts.method not in (None, "kto"):
        return
    good = desirable(row[column] for row in facts.rows)
    counts = Counter(is_desirable(good, row[column]) for row in facts.rows) if good else Counter()
    good_rows, bad_rows = counts.get(True, 0), counts.get(False, 0)
    if good and _uneven(good_rows, bad_rows):
        rare_value = good_rows < bad_rows
        at = [position for position, row in enumerate(facts.rows) if is_desirable(good, row[column]) is rare_value]
        yield finding(
            facts, CODE, SEVERITY, _message(column, good_rows, bad_rows), at, fix=_weights(good_rows, bad_rows), columns=[column]
        )


def check_labels(dataset: str, labels: LabelCounts, rows: int) -> Iterator[Finding]:
    """The same check over all rows, from the labels counted by a full scan."""
    good_rows, bad_rows = labels.desirable, labels.undesirable
    if _uneven(good_rows, bad_rows):
        rare = {
            "rows": min(good_rows, bad_rows),
            "share": min(good_rows, bad_rows) / labels.total,
            "row_numbers": [],
            "example": None,
        }
        message = _message(labels.column, good_rows, bad_rows)
        yield finding_over_all(dataset, CODE, SEVERITY, message, rare, rows, _weights(good_rows, bad_rows), [labels.column])


def outdated(found: Finding, counted: Row) -> bool:
    """Whether a full scan has counted the labels, which replaces this finding on the sample."""
    return counted["label_counts"] is not None


def _uneven(good_rows: int, bad_rows: int) -> bool:
    return (
        min(good_rows, bad_rows) > 0
        and good_rows + bad_rows >= LEAST_ROWS
        and min(good_rows, bad_rows) < _SMALL * (good_rows + bad_rows)
    )


def _message(column: str, good_rows: int, bad_rows: int) -> str:
    return f"{shown_name(column)}: {good_rows:,} rows desirable, {bad_rows:,} undesirable"


def _weights(good_rows: int, bad_rows: int) -> str:
    weight = (
        f"desirable_weight={1.15 * bad_rows / good_rows:.2f}"
        if good_rows < bad_rows
        else f"undesirable_weight={0.87 * good_rows / bad_rows:.2f}"
    )
    return f"KTOConfig({weight}): the ratio of the weighted sides should be between 1:1 and 4:3"
