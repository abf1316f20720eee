"""The same text in several languages: a struct with a key per language (`{"en": …, "de": …}`)."""

from __future__ import annotations

import re
from typing import Any

from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.mapping.code import quoted, row, turn
from ml_intern_helpers.dataset.names import first_named
from ml_intern_helpers.dataset.shapes.shape import Rows, Shape, cells, most, shown

NAMES = ("translation", "translations")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z]{2,4})?")


def find(parts: ColumnRoles, rows: Rows) -> Shape | None:
    """A struct whose keys are languages. Which is the source is not to be seen: the first, and the other way is named."""
    column = first_named(parts.kinds, NAMES)
    held = cells(rows, column) if column else []
    if column is None or not most(isinstance(cell, dict) for cell in held):
        return None
    languages = _languages(held)
    if len(languages) < 2:
        return None
    source, target = languages[:2]
    cell = row(column)
    others = "" if len(languages) == 2 else f"; {shown(', '.join(languages[2:10]))} are there as well"
    return Shape(
        "translation",
        {"prompt": column, "completion": column},
        f"from {shown(source)} to {shown(target)}: swap them for the other way, and put an instruction in front if the model "
        f"shall do more than this{others}",
        {
            "prompt": f"[{turn('user', f'{cell}[{quoted(source)}]')}]",
            "completion": f"[{turn('assistant', f'{cell}[{quoted(target)}]')}]",
        },
        ("sft",),
        keep=_keep(cell, held, len(rows), (source, target)),
    )


def _languages(held: list[Any]) -> list[str]:
    """Keys that every cell has and that name a language, in the data's order."""
    keys = [key for key in held[0] if isinstance(key, str) and _LANGUAGE.fullmatch(key)] if isinstance(held[0], dict) else []
    return [key for key in keys if most(isinstance(cell, dict) and isinstance(cell.get(key), str) for cell in held)]


def _keep(cell: str, held: list[Any], total: int, pair: tuple[str, str]) -> str | None:
    if len(held) == total and all(isinstance(item, dict) and all(item.get(key) for key in pair) for item in held):
        return None
    return " and ".join([cell, *(f"{cell}[{quoted(key)}]" for key in pair)])
