"""CSV and TSV, with the types that pandas (and so `datasets`) gives to columns of text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ml_intern_helpers.dataset.local.opening import open_bytes, shown
from ml_intern_helpers.dataset.local.sampling import Sampler
from ml_intern_helpers.dataset.local.table import Table
from ml_intern_helpers.errors import BadData
from ml_intern_helpers.report import Finding

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
LONGEST_CELL = 64 * 1024 * 1024


def read(paths: list[Path], sample: int) -> Table:
    """All rows of `paths`; every line is parsed.

    Raises:
        BadData: a line with more cells than the header, a NUL, bytes that are not UTF-8.
    """
    csv.field_size_limit(LONGEST_CELL)
    sampler = Sampler(sample)
    short: list[int] = []
    separator = _separator(paths[0])
    used = sum(path.stat().st_size for path in paths)
    for path in paths:
        for number, row, missing in _rows(path, separator):
            sampler.add(number, row, sum(map(len, filter(None, row.values()))))
            if missing and len(short) < 1000:
                short.append(number)
    rows, numbers = sampler.result()
    arguments = {} if separator == "," else {"sep": separator}
    found = [_short(paths[0], short)] if short else []
    return Table(_typed(rows), numbers, sampler.seen, sampler.seen, used, {}, arguments, True, found)


def _separator(path: Path) -> str:
    """A tab for .tsv; else the comma, unless the header has none and another sign instead."""
    if ".tsv" in path.suffixes:
        return "\t"
    with open_bytes(path) as stream:
        header = stream.readline(1024 * 1024).decode("utf-8", "replace")
    return "," if "," in header else max(("\t", ";", "|"), key=header.count) if any(sign in header for sign in "\t;|") else ","


def _rows(path: Path, separator: str) -> Iterator[tuple[int, dict[str, str | None], int]]:
    """Line number, row, and how many cells the line lacks."""
    with open_bytes(path) as stream, io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
        reader = csv.reader(text, delimiter=separator)
        try:
            header = _names(next(reader, []))
            for cells in reader:
                if cells:
                    _refuse_long(path, reader.line_num, cells, header)
                    padded = [*cells, *[None] * (len(header) - len(cells))]
                    yield reader.line_num, dict(zip(header, padded, strict=True)), len(header) - len(cells)
        except csv.Error as err:
            raise BadData(f"{shown(path)} line {reader.line_num} is no CSV: {err}", hint="repair that line") from err
        except UnicodeDecodeError as err:
            told = f"{shown(path)} is not UTF-8 after line {reader.line_num}: byte 0x{err.object[err.start]:02x}"
            raise BadData(told, hint="convert the file to UTF-8 (`iconv`)") from err


def _refuse_long(path: Path, line: int, cells: list[str], header: list[str]) -> None:
    if len(cells) > len(header):
        told = f"{shown(path)} line {line} has {len(cells)} cells, the header {len(header)}; `datasets` refuses the file"
        raise BadData(told, hint="quote cells that hold the separator, or repair that line")


def _names(header: list[str]) -> list[str]:
    """Column names; pandas numbers a repeated one (`a`, `a.1`) and names an empty one."""
    made: list[str] = []
    for position, name in enumerate(header):
        name = name or f"Unnamed: {position}"
        count = header[:position].count(name)
        made.append(f"{name}.{count}" if count else name)
    return made


def _typed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
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


def _short(path: Path, lines: list[int]) -> Finding:
    told = f"{len(lines)} lines have fewer cells than the header; `datasets` fills them with nulls"
    return Finding("SET104", "warning", told, file=shown(path), line=lines[0], evidence=f"lines {', '.join(map(str, lines[:8]))}")
