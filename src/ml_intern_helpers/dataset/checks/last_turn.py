"""SET302: conversations to learn from that end with somebody else's turn: nothing of the assistant's to learn there."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding, speaker, turns
from ml_intern_helpers.dataset.mapping.code import SPEAKER_NAMES


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per column of answers whose last turn is not the assistant's."""
    for part in ("messages", "completion", "chosen", "rejected"):
        column = facts.parts.get(part)
        if column is None or (part == "messages" and facts.method == "grpo"):
            continue
        last = [_last(row.get(column)) for row in facts.rows]
        at = [position for position, role in enumerate(last) if role and role != "assistant"]
        if at:
            mute = [position for position in at if not _answered(facts.rows[position][column])]
            severity: Severity = "error" if len(mute) == len(facts.rows) else "warning"
            message = f"{column!r} ends with a turn that is not the assistant's" + _silent(len(mute))
            yield finding(facts, "SET302", severity, message, at, example=last[at[0]], fix=_fix(len(mute), len(at)))


def _answered(cell: object) -> bool:
    """Whether the assistant says anything at all."""
    return any(SPEAKER_NAMES.get(speaker(turn), speaker(turn)) == "assistant" for turn in turns(cell))


def _silent(count: int) -> str:
    """What one such row costs: TRL stops at it."""
    return f"; {count} have no turn of the assistant's, and assistant_only_loss=True stops at the first" if count else ""


def _fix(mute: int, total: int) -> str:
    """Cutting leaves nothing of a conversation in which the assistant says nothing."""
    if not mute:
        return "cut the last turn off, or drop the rows"
    drop = 'dataset.filter(lambda row: any(turn["role"] == "assistant" for turn in row[…]))'
    return "drop these rows" if mute == total else f"drop the rows without an answer ({drop}), cut the last turn off the others"


def _last(cell: object) -> str | None:
    found = turns(cell)
    return SPEAKER_NAMES.get(speaker(found[-1]), speaker(found[-1])) if found else None
