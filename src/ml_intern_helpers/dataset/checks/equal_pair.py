"""SET303: pairs whose chosen and rejected answers are the same. They teach nothing, and reward accuracy can never reach 1."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.checks.context import Facts, finding


def check(facts: Facts) -> Iterator[Finding]:
    """One finding when any pair is equal."""
    if not facts.parts.has("chosen", "rejected"):
        return
    chosen, rejected = facts.parts.by_role["chosen"], facts.parts.by_role["rejected"]
    at = [position for position, row in enumerate(facts.rows) if row[chosen] is not None and row[chosen] == row[rejected]]
    if at:
        every = len(at) == len(facts.rows)
        severity = "error" if every else "warning"
        fix = f"dataset.filter(lambda row: row[{chosen!r}] != row[{rejected!r}])"
        if every:
            fix = "no filter helps: build the pairs anew, or train on one of the columns with SFT"
        yield finding(facts, "SET303", severity, f"{chosen!r} and {rejected!r} are equal", at, fix=fix)  # type: ignore[arg-type]
