"""SET304: KTO rows that are all desirable, or all undesirable. KTO learns from the contrast."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.thumbs import desirable


def check(facts: Facts) -> Iterator[Finding]:
    """One finding when every label says the same; an error only when every row was read."""
    if not facts.parts.has("prompt", "completion", "label") or facts.method not in (None, "kto"):
        return
    column = facts.parts.by_role["label"]
    good = desirable(row[column] for row in facts.rows)
    if good is None or len(set(good.values())) != 1:
        return
    whole = facts.look.extent.complete
    message = f"every {column!r} in the {'data' if whole else 'sample'} says the same: {next(iter(good))!r}"
    fix = None if whole else "the data may be sorted: look at more rows before training"
    yield finding(facts, "SET304", "error" if whole else "warning", message, range(len(facts.rows)), fix=fix)
