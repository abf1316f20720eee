"""Recordings, with or without what is said in them: nothing that these methods train on."""

from __future__ import annotations

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.row_identity import NOT_READ
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, shown

SOUNDS = ("audio", "speech", "sound", "wav", "recording")
SAID = ("transcription", "transcript", "sentence", "text", "normalized_text", "caption")


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """A column of sound whose bytes were not read, in rows that are no questions and answers."""
    column = first_named(parts.kinds, SOUNDS)
    if column is None or any(map(parts.has, ("messages", "prompt", "completion", "chosen"))):
        return None
    if not any(row.get(column) == NOT_READ for row in rows):
        return None
    words = first_named(parts.kinds, SAID)
    alone = f"; to learn the words alone, keep {shown(words)} and nothing else, as 'text'" if words else ""
    return Shape(
        "speech",
        {"audio": column, **({"text": words} if words else {})},
        f"transformers trains speech models on such rows (Seq2SeqTrainer, CTC), none of these methods does{alone}",
        replaces=frozenset({"text"}),
        refuses=("sft", "dpo", "grpo", "kto", "reward"),
        because=f"{shown(column)} holds sound",
    )
