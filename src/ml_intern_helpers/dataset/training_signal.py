"""Rows that a trainer reads without an error and that hold no training signal: the run would be a waste from its first step."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.trainers.rows import Row

MissingSignal = tuple[str, str]


def missing_signal(method: str, rows: list[Row], *, complete: bool) -> MissingSignal | None:
    """Why `rows`, in the shape that `method` reads, cannot teach it anything: a code and one line; None when they can.

    Args:
        method: the training method.
        rows: the sample as the trainer would get it.
        complete: the sample is every row of the split.
    """
    if method == "grpo":
        return None
    if method == "sft":
        column = next((name for name in ("completion", "messages", "conversations", "text") if name in rows[0]), None)
        if column is None or any(_has_answer(row[column]) for row in rows):
            return None
        what = "has a turn of the assistant's with something in it" if isinstance(rows[0][column], list) else "holds any text"
        return "no_answer", f"no {column!r} of the {len(rows)} rows {what}: there is nothing to learn"
    if "chosen" in rows[0]:
        if any(row["chosen"] != row["rejected"] for row in rows):
            return None
        return "equal_pair", f"'chosen' and 'rejected' are equal in all of the {len(rows)} rows: there is nothing to prefer"
    return _one_class(rows) if method == "kto" and complete else None


def _one_class(rows: list[Row]) -> MissingSignal | None:
    """Only of a whole split: data may be sorted by label, and then a sample says nothing."""
    labels = {row["label"] for row in rows}
    if len(labels) != 1:
        return None
    return "one_class", f"every 'label' is {next(iter(labels))}: KTO needs desirable and undesirable answers"


def _has_answer(cell: Any) -> bool:
    """Whether a cell in TRL's own form holds something of the assistant's to learn."""
    if isinstance(cell, str):
        return bool(cell.strip())
    turns = [turn for turn in cell or [] if isinstance(turn, dict)]
    said = [turn for turn in turns if turn.get("role", turn.get("from")) == "assistant"]
    return any(turn.get("tool_calls") or _words(turn.get("content", turn.get("value"))) for turn in said)


def _words(content: object) -> bool:
    return bool(content.strip()) if isinstance(content, str) else bool(content)
