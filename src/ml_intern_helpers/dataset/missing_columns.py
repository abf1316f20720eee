"""Which columns a method needs and the dataset lacks, and whether columns of unknown names could serve instead.

A column with an unknown name does not prove the data incompatible: the verdict is then "unknown", and the user names the columns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import ColumnRoles, first_named
from ml_intern_helpers.dataset.labels import pairs_across_rows, rating, threshold
from ml_intern_helpers.dataset.trainers.rows import Row

#: Columns whose numbers may be answers; a number in `target` is a class.
_NUMBERS = ("completion", "response", "answer", "output", "solution")


@dataclass(frozen=True)
class MissingColumns:
    """Roles that no column is known to have.

    Attributes:
        message: one line.
        named: columns of other names that could have them; empty when none could.
        wanted: names that TRL reads them under.
        whole: the message says all there is to say, whatever the trainer would stop at.
        nested: the texts are inside lists, structs or JSON, and must be taken out.
    """

    message: str
    named: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    nested: bool = False
    whole: bool = False

    @property
    def open(self) -> bool:
        """The data may serve: only the user can say."""
        return bool(self.named)

    def reason(self) -> str:
        """The message; where columns could serve, which they are and how to name them."""
        if not self.open or not self.wanted:
            return self.message
        shown = ", ".join(repr(clean(name, limit=60)) for name in self.named[:8])
        it = "them" if len(self.named) > 1 else "it"
        renamed = ", ".join(f'"…": "{name}"' for name in self.wanted)
        how = f"name {it} yourself: dataset.rename_columns({{{renamed}}})"
        if self.nested:
            fields = ", ".join(f'"{name}": …' for name in self.wanted)
            how = f"take the texts out of {it} yourself (json.loads where it is JSON): dataset.map(lambda row: {{{fields}}})"
        return f"{self.message}; if {shown} can serve, {how}, and inspect the result"


def missing_columns(method: str, roles: ColumnRoles, rows: list[Row]) -> MissingColumns | None:
    """What no mapping could make up for, or None when every role has a column."""
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
    across = pairs_across_rows(roles, rows) if wanted else None
    if across:
        return MissingColumns(across, (roles.by_role["completion"],))
    return _texts("no columns are known as a preferred and a rejected answer", wanted, roles, rows) if wanted else None


def _rated(roles: ColumnRoles, rows: list[Row]) -> MissingColumns | None:
    """KTO: a prompt, its answer, and a column that says good or bad."""
    if roles.has("chosen", "rejected"):
        return None
    rated = rating(roles, rows)
    if rated and roles.has("prompt", "completion"):
        return MissingColumns(threshold(rated), (rated,))
    if not roles.has("label"):
        message = "no column is known to say which answers are desirable"
        wanted = tuple(name for name in ("prompt", "completion") if not roles.has(name))
        texts = _texts(message, wanted, roles, rows)
        two = []
        for name in _free(roles):
            cells = [row.get(name) for row in rows]
            if len({str(cell) for cell in cells if isinstance(cell, (bool, int, float, str))}) == 2:
                two.append(name)
        if not two or (wanted and not texts.open):
            pair = _pair(roles, rows)  # TRL takes pairs apart
            return replace(pair, message=message) if pair and pair.open else MissingColumns(message)
        return MissingColumns(message, (*texts.named, *two), (*wanted, "label"))
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
    """Missing texts, and the unknown columns with texts, if they hold as many as are wanted.

    Args:
        message: the message.
        wanted: names that texts are wanted under.
        roles: the roles of the columns.
        rows: the sample.
        at_least: texts that will do, when fewer than `wanted`.
        nested_words: inside lists and structs single words count as text too (SQuAD's answers).
    """
    held = {name: _held([row.get(name) for row in rows], nested_words) for name in _free(roles)}
    named = tuple(name for name, count in held.items() if count)
    enough = sum(held.values()) >= (len(wanted) if at_least is None else at_least)
    if not (wanted and named and enough):
        return MissingColumns(message)
    nested = any(not isinstance(row.get(name), str) or _is_json(row[name]) for row in rows[:1] for name in named)
    return MissingColumns(message, named, wanted, nested)


def _is_json(text: str) -> bool:
    """Turns or fields written down as JSON in a string."""
    if not text.lstrip().startswith(("[", "{")):
        return False
    try:
        return isinstance(json.loads(text), (list, dict))
    except ValueError:
        return False


def _free(roles: ColumnRoles) -> list[str]:
    playing = {*roles.by_role.values(), *(name for shape in roles.shapes for name in shape.columns.values())}
    return [name for name in roles.kinds if name not in playing]


def _held(cells: list[Any], nested_words: bool) -> int:
    """How many texts a cell of this column usually holds; 0 for ids, links, categories, numbers."""
    cells = [cell for cell in cells if cell]
    if len({type(cell) for cell in cells}) > 1:
        return 0  # a mix of kinds is no matter of names
    different = {json.dumps(cell, default=str, sort_keys=True) for cell in cells}
    if 2 * len(different) <= len(cells):
        return 0  # the same few values over and over: a category
    words = nested_words and not isinstance(next(iter(cells), None), str)
    counts = sorted(_prose(cell, words) for cell in cells)
    return counts[len(counts) // 2] if counts else 0


def _prose(value: object, words: bool) -> int:
    """Texts in `value`: strings of is_text words, or of any when `words`; links are none."""
    if isinstance(value, str):
        is_text = " " in value.strip() or not value.isascii()
        return int((is_text or (words and bool(value))) and not value.startswith(("http://", "https://")))
    inner = list(value.values()) if isinstance(value, dict) else (value[:50] if isinstance(value, (list, tuple)) else [])
    return sum(_prose(item, words) for item in inner)
