"""SET305: columns whose cells are of several kinds. `datasets` keeps them as JSON, and trainers trip over single rows."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.columns import kind


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column of mixed kinds, pointing at the rarer ones."""
    for column in facts.columns:
        if not column.mixed:
            continue
        at = [position for position, row in enumerate(facts.rows) if kind(row.get(column.name)) not in (column.main, "null")]
        counts = ", ".join(f"{name} {count}" for name, count in column.kinds.items())
        yield finding(facts, "SET305", "warning", f"{clean(column.name, limit=60)!r} mixes kinds: {counts}", at)
