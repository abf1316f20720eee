"""Texts with a class each: work for a classifier, or for a chat model that answers with the name of the class."""

from __future__ import annotations

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import row, turn
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, most, shown

TEXTS = ("text", "sentence", "review", "utterance", "tweet", "headline", "title", "comment", "content", "document", "message")
CLASSES = (
    "label_text", "label_name", "label", "labels", "class", "sentiment", "intent", "emotion", "coarse_label",
    "fine_label",
)  # fmt: skip
CLASSIFIER = "for a classifier proper use transformers' AutoModelForSequenceClassification, it is none of these methods"
#: A class has a short name.
LONGEST_NAME = 60


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """A text beside a column of few different values, and nothing that could be an answer."""
    if any(parts.has(part) for part in ("messages", "completion", "chosen", "dialogue", "images")):
        return None
    text = first_named(parts.kinds, TEXTS)
    column = first_named((name for name, kind in parts.kinds.items() if kind in ("string", "int", "bool")), CLASSES)
    if text is None or column is None or parts.kinds[text] != "string" or not _few(rows, column):
        return None
    columns = {"text": text, "class": column}
    if parts.kinds[column] != "string":
        told = (
            f"{shown(column)} is a number: for a chat model that answers with the class, map {shown(text)} to 'prompt' and the "
            f"name of the class to 'completion' (a ClassLabel has int2str); {CLASSIFIER}"
        )
        return Shape("classification", columns, told, replaces=frozenset({"text"}))
    short = min(len(cells(rows, text)), len(cells(rows, column))) < len(rows)
    return Shape(
        "classification",
        columns,
        f"the model learns to answer {shown(text)} with {shown(column)}; {CLASSIFIER}",
        {"prompt": f"[{turn('user', row(text))}]", "completion": f"[{turn('assistant', row(column))}]"},
        ("sft",),
        keep=f"{row(text)} and {row(column)}" if short else None,
        replaces=frozenset({"text"}),
    )


def ignored(rows: Rows) -> str | None:
    """The class in words beside `text` that a trainer of `text` alone would not look at, and that the text does not hold."""
    if not isinstance(rows[0].get("text"), str):
        return None
    names = [name for name, value in rows[0].items() if isinstance(value, str)]
    column = first_named(names, CLASSES)
    if column is None or not _few(rows, column):
        return None
    return column if most(str(row.get(column)).lower() not in str(row.get("text")).lower() for row in rows) else None


def _few(rows: Rows, column: str) -> bool:
    held = [str(row[column]) for row in rows if row.get(column) is not None]
    return 1 < len(set(held)) <= max(2, len(held) // 2) and max(map(len, held)) <= LONGEST_NAME
