"""Labels for KTO that are all desirable, or all undesirable.

KTO learns from the contrast of both. This is an error if every row was read. A sample of data sorted by label may contain only
one of them, so look at more rows first.

Bad:
    {"prompt": "Question {n}?", "completion": "Answer {n}.", "label": true}  × 3

Good:
    {"prompt": "Question 1?", "completion": "Answer 1.", "label": true}
    {"prompt": "Question 2?", "completion": "Answer 2.", "label": false}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, Row, finding, finding_over_all
from ml_intern_helpers.dataset.columns import shown_name
from ml_intern_helpers.dataset.labels import LabelCounts, desirable

CODE, TOPIC = "SET304", "pairs"
SEVERITY: Severity = "error"
#: The method for which all rows with this problem are NO GO, and why.
NO_GO = {"kto": "KTO needs both"}


def check(facts: Facts) -> Iterator[Finding]:
    """One finding when all labels are equal; an error only if every row was read."""
    if not facts.roles.has("prompt", "completion", "label") or facts.method not in (None, "kto"):
        return
    column = facts.roles.by_role["label"]
    good = desirable(row[column] for row in facts.rows)
    if good is None or len(set(good.values())) != 1:
        return
    message = (
        f"every {shown_name(column)} in the {'data' if facts.complete else 'sample'} has the same value: {next(iter(good))!r}"
    )
    level: Severity = SEVERITY if facts.complete else "warning"
    fix = None if facts.complete else "the data may be sorted: look at more rows before training"
    yield finding(facts, CODE, level, message, range(len(facts.rows)), fix=fix, columns=[column])


def check_labels(dataset: str, labels: LabelCounts, rows: int) -> Iterator[Finding]:
    """The same check over all rows, from the labels counted by a full scan."""
    if min(labels.desirable, labels.undesirable) == 0:
        message = f"every {shown_name(labels.column)} in the data has the same value: {next(iter(labels.counts))!r}"
        counted = {"rows": labels.total, "share": 1.0, "row_numbers": [1], "example": None}
        yield finding_over_all(dataset, CODE, SEVERITY, message, counted, rows, None, [labels.column])


def outdated(found: Finding, counted: Row) -> bool:
    """Whether a full scan has counted the labels, which replaces this finding on the sample."""
    return counted["label_counts"] is not None
