"""The types that pandas, and so `datasets`, gives to columns of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: What pandas reads as missing, also in a column of text.
MISSING = frozenset(
    [
        "",
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
    ]
)


def typed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cells as bool, int or float where the whole column is, and missing ones as None."""
    for name in rows[0] if rows else []:
        cells = [row[name] if row[name] not in MISSING else None for row in rows]
        held = [cell for cell in cells if cell is not None]
        convert = next((convert for fits, convert in _KINDS if held and all(map(fits, held))), str)
        for row, cell in zip(rows, cells, strict=True):
            row[name] = None if cell is None else convert(cell)
    return rows


def _is_number(make: Callable[[str], object]) -> Callable[[str], bool]:
    def fits(cell: str) -> bool:
        try:
            make(cell)
        except ValueError:
            return False
        return "_" not in cell

    return fits


_KINDS: tuple[tuple[Callable[[str], bool], Callable[[str], Any]], ...] = (
    (lambda cell: cell in ("True", "False", "TRUE", "FALSE", "true", "false"), lambda cell: cell.lower() == "true"),
    (_is_number(int), int),
    (_is_number(float), float),
)
