"""Tokens with a tag each (named entities, parts of speech): nothing that these methods train on."""

from __future__ import annotations

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, shown

TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "pos_tags", "chunk_tags", "tags", "labels")


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """A list of words and a list of tags."""
    tokens, tags = first_named(parts.kinds, TOKENS), first_named(parts.kinds, TAGS)
    if (
        not tokens
        or not tags
        or parts.kinds[tokens] != "list of string"
        or parts.kinds[tags] not in ("list of int", "list of string")
    ):
        return None
    return Shape(
        "token-classification",
        {"tokens": tokens, "tags": tags},
        "transformers' AutoModelForTokenClassification trains on such rows, none of these methods does",
        refuses=("sft", "dpo", "grpo", "kto", "reward"),
        because=f"{shown(tokens)} are words with a tag each in {shown(tags)}",
    )
