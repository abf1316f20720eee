"""SET302: conversations to learn from that end with somebody else's turn: nothing of the assistant's to learn there."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.dataset.checks.context import Facts, finding, speaker, turns
from ml_intern_helpers.dataset.mapping.code import ROLE_NAMES
from ml_intern_helpers.report import Finding


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column of answers whose last turn is not the assistant's."""
    for part in ("messages", "completion", "chosen", "rejected"):
        column = facts.parts.get(part)
        if column is None or (part == "messages" and facts.method == "grpo"):
            continue
        last = [_last(row.get(column)) for row in facts.rows]
        at = [position for position, role in enumerate(last) if role and role != "assistant"]
        if at:
            message = f"{column!r} ends with a turn that is not the assistant's"
            yield finding(
                facts, "SET302", "warning", message, at, example=last[at[0]], fix="cut the last turn off, or drop the rows"
            )


def _last(cell: object) -> str | None:
    found = turns(cell)
    return ROLE_NAMES.get(speaker(found[-1]), speaker(found[-1])) if found else None
