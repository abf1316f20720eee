"""Determines which columns a method needs and the dataset lacks, and whether columns with unknown names could serve instead.

If some could, the data are not proved incompatible: the verdict is "unknown", and the user must name the columns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import ColumnRoles, first_named
from ml_intern_helpers.dataset.labels import pairs_across_rows, rating, threshold
from ml_intern_helpers.dataset.trainers.rows import Row

#: Columns whose numbers may be answers; `target` is missing, because its numbers are classes.
_NUMBERS = ("completion", "response", "answer", "output", "solution")


@dataclass(frozen=True)
class MissingColumns:
    """Roles that no column is known to have.

    Attributes:
        message: one line.
        named: columns with unknown names that could have these roles; empty if none could.
        wanted: the names under which TRL reads these roles.
        nested: whether the texts are inside lists, structs or JSON and must be extracted.
        whole: whether the message is complete without the problem at which the trainer would stop.
    """

    message: str
    named: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    nested: bool = False
    whole: bool = False

    @property
    def open(self) -> bool:
        """Whether the data may be usable, which only the user can tell."""
        return bool(self.named)

    def reason(self) -> str:
        """The message, with the columns that could serve and how to rename them."""
        if not self.open or not self.wanted:
            return self.message
        names = ", ".join(repr(clean(name, limit=60)) for name in self.named[:8])
        pronoun = "them" if len(self.named) > 1 else "it"
        renamed = ", ".join(f'"…": "{name}"' for name in self.wanted)
        next_step = f"name {pronoun} yourself: dataset.rename_columns({{{renamed}}})"
        if self.nested:
            fields = ", ".join(f'"{name}": …' for name in self.wanted)
            next_step = (
                f"take the texts out of {pronoun} yourself (json.loads where it is JSON): dataset.map(lambda row: {{{fields}}})"
            )
        return f"{self.message}; if {names} can serve, {next_step}, and inspect the result"


def missing_columns(method: str, roles: ColumnRoles, rows: list[Row]) -> MissingColumns | None:
    """The missing roles that no mapping can provide, or None if no role is missing."""
    shape = next((shape for shape in roles.shapes if method in shape.refuses), None)
    if shape:
        return MissingColumns(shape.because, tuple(shape.columns.values()) if shape.open else (), whole=True)
    if method in ("dpo", "reward"):
        return _pair(roles, rows)
    if method == "kto":
        return _rated(roles, rows)
    if method == "grpo":
        if any(roles.has(role) for role in ("prompt", "messages", "chosen")):
            return None
        return _texts("no column is known as a prompt", ("prompt",), roles, rows, nested_words=True)
    if any(roles.has(role) for role in ("messages", "dialogue", "completion", "chosen", "text")):
        return None
    numbers = [name for name, kind in roles.kinds.items() if kind in ("int", "float")]
    number = first_named(numbers, _NUMBERS)
    if number and roles.has("prompt"):
        as_text = f'dataset.map(lambda row: {{"completion": str(row[{number!r}])}})'
        return MissingColumns(
            f"{number!r} holds numbers, and SFT learns texts; if they are the answers: {as_text}, and inspect the result",
            (number,),
        )
    wanted = ("completion",) if roles.has("prompt") else ("prompt", "completion")
    return _texts("no column is known as an answer or a text to learn", wanted, roles, rows, at_least=1, nested_words=True)


def _pair(roles: ColumnRoles, rows: list[Row]) -> MissingColumns | None:
    wanted = tuple(name for name in ("chosen", "rejected") if not roles.has(name))
    pairs_message = pairs_across_rows(roles, rows) if wanted else None
    if pairs_message:
        return MissingColumns(pairs_message, (roles.by_role["completion"],))
    return _texts("no columns are known as a preferred and a rejected answer", wanted, roles, rows) if wanted else None


def _rated(roles: ColumnRoles, rows: list[Row]) -> MissingColumns | None:
    """What is missing for KTO: a prompt, its answer, and a column that says whether the answer is good."""
    if roles.has("chosen", "rejected"):
        return None
    rating_column = rating(roles, rows)
    if rating_column and roles.has("prompt", "completion"):
        return MissingColumns(threshold(rating_column), (rating_column,))
    if not roles.has("label"):
        message = "no column is known to say which answers are desirable"
        wanted = tuple(name for name in ("prompt", "completion") if not roles.has(name))
        missing_texts = _texts(message, wanted, roles, rows)
        binary_columns = []
        for name in _columns_without_role(roles):
            cells = [row.get(name) for row in rows]
            if len({str(cell) for cell in cells if isinstance(cell, (bool, int, float, str))}) == 2:
                binary_columns.append(name)
        if not binary_columns or (wanted and not missing_texts.open):
            pair = _pair(roles, rows)  # TRL splits pairs into single answers
            return replace(pair, message=message) if pair and pair.open else MissingColumns(message)
        return MissingColumns(message, (*missing_texts.named, *binary_columns), (*wanted, "label"))
    if roles.has("prompt", "completion"):
        label = roles.by_role["label"]
        message = f"decide which values of {label!r} mean a desirable answer, and map them to true and false"
        return MissingColumns(message, (label,))
    wanted = tuple(name for name in ("prompt", "completion") if not roles.has(name))
    return _texts("no columns are known as a prompt and its answer", wanted, roles, rows)


def _texts(
    message: str,
    wanted: tuple[str, ...],
    roles: ColumnRoles,
    rows: list[Row],
    *,
    at_least: int | None = None,
    nested_words: bool = False,
) -> MissingColumns:
    """The missing texts, with the columns of unknown names that hold texts if these are enough.

    Args:
        message: the message.
        wanted: the names under which the texts are needed.
        roles: the roles of the columns.
        rows: the sample.
        at_least: the number of texts that is enough, if smaller than that of `wanted`.
        nested_words: whether single words inside lists and structs count as texts, too (SQuAD's answers).
    """
    texts_by_column = {
        name: _texts_per_cell([row.get(name) for row in rows], nested_words) for name in _columns_without_role(roles)
    }
    named = tuple(name for name, count in texts_by_column.items() if count)
    enough = sum(texts_by_column.values()) >= (len(wanted) if at_least is None else at_least)
    if not (wanted and named and enough):
        return MissingColumns(message)
    nested = any(not isinstance(row.get(name), str) or _is_json(row[name]) for row in rows[:1] for name in named)
    return MissingColumns(message, named, wanted, nested)


def _is_json(text: str) -> bool:
    """Whether a string is a JSON list or object."""
    if not text.lstrip().startswith(("[", "{")):
        return False
    try:
        return isinstance(json.loads(text), (list, dict))
    except ValueError:
        return False


def _columns_without_role(roles: ColumnRoles) -> list[str]:
    used = {*roles.by_role.values(), *(name for shape in roles.shapes for name in shape.columns.values())}
    return [name for name in roles.kinds if name not in used]


def _texts_per_cell(cells: list[Any], nested_words: bool) -> int:
    """The usual number of texts in a cell of a column; 0 for ids, links, categories and numbers."""
    cells = [cell for cell in cells if cell]
    if len({type(cell) for cell in cells}) > 1:
        return 0  # cells of several kinds need more than a new name
    different = {json.dumps(cell, default=str, sort_keys=True) for cell in cells}
    if 2 * len(different) <= len(cells):
        return 0  # few different values are categories
    words = nested_words and not isinstance(next(iter(cells), None), str)
    counts = sorted(_count_texts(cell, words) for cell in cells)
    return counts[len(counts) // 2] if counts else 0


def _count_texts(value: object, words: bool) -> int:
    """The number of texts in `value`: strings of several words, or any strings with `words`; links do not count."""
    if isinstance(value, str):
        is_text = " " in value.strip() or not value.isascii()
        return int((is_text or (words and bool(value))) and not value.startswith(("http://", "https://")))
    inner = list(value.values()) if isinstance(value, dict) else (value[:50] if isinstance(value, (list, tuple)) else [])
    return sum(_count_texts(item, words) for item in inner)
