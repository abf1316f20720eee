"""All checks, in the order of their codes."""

from __future__ import annotations

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.checks import (
    agent_orders,
    class_balance,
    constant,
    damaged_text,
    duplicates,
    empty_turns,
    equal_pair,
    keys_inside,
    language_mix,
    last_turn,
    leakage,
    mixed_types,
    near_duplicates,
    no_question,
    nulls,
    one_class,
    personal_data,
    pictures,
    refusals,
    role_order,
    terms,
    too_long,
    traps,
)
from ml_intern_helpers.dataset.checks.context import Check, Facts

CHECKS: tuple[Check, ...] = (
    traps.check,
    nulls.check,
    empty_turns.check,
    no_question.check,
    last_turn.check,
    role_order.check,
    equal_pair.check,
    one_class.check,
    class_balance.check,
    mixed_types.check,
    pictures.check,
    duplicates.check,
    near_duplicates.check,
    leakage.check,
    damaged_text.check,
    constant.check,
    language_mix.check,
    refusals.check,
    keys_inside.check,
    personal_data.check,
    agent_orders.check,
    terms.check,
    too_long.check,
)


def run_checks(facts: Facts) -> list[Finding]:
    """Findings of the reader and of every check, errors first."""
    found = [*facts.look.findings, *(item for check in CHECKS for item in check(facts))] if facts.rows else facts.look.findings
    rank = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda item: rank[item.severity])
