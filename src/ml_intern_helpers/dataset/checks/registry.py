"""All checks, in the order of their codes."""

from __future__ import annotations

from ml_intern_helpers.dataset.checks import (
    duplicates,
    empty_turns,
    equal_pair,
    last_turn,
    mixed_types,
    one_class,
    pictures,
    traps,
)
from ml_intern_helpers.dataset.checks.context import Check, Facts
from ml_intern_helpers.report import Finding

CHECKS: tuple[Check, ...] = (
    traps.check,
    empty_turns.check,
    last_turn.check,
    equal_pair.check,
    one_class.check,
    mixed_types.check,
    pictures.check,
    duplicates.check,
)


def run_checks(facts: Facts) -> list[Finding]:
    """Findings of the reader and of every check, errors first."""
    found = [*facts.look.findings, *(item for check in CHECKS for item in check(facts))] if facts.rows else facts.look.findings
    rank = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda item: rank[item.severity])
