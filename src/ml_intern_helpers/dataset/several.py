"""What a verdict has to add about the reading it rests on: what else the columns could mean, and which model it takes."""

from __future__ import annotations

from collections.abc import Iterable

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.formats import formats
from ml_intern_helpers.dataset.shapes.shape import Shape, listed, shown
from ml_intern_helpers.dataset.trainers.rows import PICTURES, Row
from ml_intern_helpers.dataset.unused import unused

#: What a part is called in a sentence.
WORDS = {
    "messages": "the conversation",
    "prompt": "the prompt",
    "completion": "the answer",
    "chosen": "the preferred answer",
    "rejected": "the rejected answer",
    "label": "the judgment",
    "text": "the text",
}


def taken(method: str, parts: ColumnRoles, code: str) -> str:
    """What the mapping takes for what, where the columns could mean something else."""
    shape = next((shape for shape in parts.shapes if _made_by(shape, code)), None)
    if shape:
        return f"; {_see(shape)}"
    left = unused(method, list(parts.kinds), code)
    used = [name for name in parts.kinds if name not in left]
    return _alternatives(method, parts, used) or other_reading(method, parts, used)


def _see(shape: Shape) -> str:
    """The note itself is printed once, whatever the number of methods."""
    return f"the format is {shape.name}, see its note"


def _made_by(shape: Shape, code: str) -> bool:
    return any(expression in code for expression in shape.fields.values())


def _alternatives(method: str, parts: ColumnRoles, used: list[str]) -> str:
    """`; 'answer' is taken for the answer, 'solution' could be it too`."""
    told = ""
    for part, names in parts.others.items():
        column = parts.by_role[part]
        if part in WORDS and column in used and (method != "grpo" or part in ("prompt", "messages")):
            told += f"; {shown(column)} is taken for {WORDS[part]}, {listed(names)} could be it too"
    return told


def other_reading(method: str, parts: ColumnRoles, used: Iterable[str]) -> str:
    """A format made for `method` in columns that this reading leaves out; for grpo every column is handed on."""
    used = set(used)
    for entry in formats(parts) if method == "sft" else []:
        columns = [entry["columns"][part] for part in entry["columns"] if part not in ("context", "system", "tools", "images")]
        if method in entry["methods"] and columns and not used & set(columns):
            return f"; {listed(columns)} could be read as {entry['name']} instead"
    notes = [
        _see(shape)
        for shape in parts.shapes
        if shape.name in ("transcript", "classification") and used & set(shape.columns.values())
    ]
    return f"; {notes[0]}" if notes else ""


def vision(method: str, made: Row) -> str:
    """Images make a text model stop."""
    name = next((name for name in PICTURES if made.get(name)), None)
    return f"; with {shown(name)} it takes a vision-language model, a text model stops" if name and method != "reward" else ""
