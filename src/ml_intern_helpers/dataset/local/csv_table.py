"""Reads CSV and TSV files, with the column types that pandas (and so `datasets`) infers."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.local.bounds import LONGEST_LINE_BYTES, MIB, Allowance
from ml_intern_helpers.dataset.local.table import Sampler, Table, column_notes, first_columns, total_bytes
from ml_intern_helpers.dataset.local.text_files import decode, excerpt, open_bytes, path_text


def read(paths: list[Path], sample_size: int) -> Table:
    """A sample of the rows of `paths`; every line is parsed.

    Raises:
        BadData: a line with more cells than the header, a NUL, or bytes that are not UTF-8.
    """
    csv.field_size_limit(LONGEST_LINE_BYTES)
    sampler, allowance = Sampler(sample_size), Allowance()
    short: list[int] = []
    wide: set[int] = set()
    separator = _separator(paths[0])
    for path in paths:
        for number, header, cells, lacking in _rows(path, separator, allowance, wide):
            sampler.add(number, lambda header=header, cells=cells: dict(zip_longest(header, cells[: len(header)])))  # type: ignore[misc]
            if lacking and len(short) < 1000:
                short.append(number)
    table = sampler.table(allowance)
    table.rows = typed(table.rows)
    table.load_arguments = {} if separator == "," else {"sep": separator}
    table.findings = [_short(paths[0], short)] if short else []
    table.notes += column_notes(max(wide, default=0))
    if not allowance.cut:
        table.bytes_read = total_bytes(paths)
    return table


def rows(path: Path, separator: str, allowance: Allowance) -> Iterator[tuple[int, list[str], list[str], bool]]:
    """For every row of `path`: line number, column names, cells, and whether the line lacks cells."""
    csv.field_size_limit(LONGEST_LINE_BYTES)
    return _rows(path, separator, allowance, set())


def _separator(path: Path) -> str:
    """The tab for .tsv; otherwise the comma, or the most frequent of tab, `;` and `|` in a header without a comma."""
    if ".tsv" in path.suffixes:
        return "\t"
    with open_bytes(path) as stream:
        header = stream.readline(1024 * 1024).decode("utf-8", "replace")
    return "," if "," in header else max(("\t", ";", "|"), key=header.count) if any(mark in header for mark in "\t;|") else ","


def _rows(path: Path, separator: str, allowance: Allowance, wide: set[int]) -> Iterator[tuple[int, list[str], list[str], bool]]:
    """As `rows`; the width of a header that has more columns than are read is added to `wide`."""
    if allowance.used and allowance.over():
        allowance.cut = True
        return
    with open_bytes(path) as stream, io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
        source = _Lines(path, text, allowance)
        reader = csv.reader(source, delimiter=separator)
        try:
            first = next(reader, [])
            width, places, header = len(first), *_kept(_column_names(first))
            wide.update([width] if width > len(header) else [])
            for cells in reader:
                source.row_length = 0
                if cells:
                    if len(cells) > width:
                        message = f"{path_text(path)} line {reader.line_num} has {len(cells)} cells, the header {width}"
                        hint = "quote cells that hold the separator, or repair that line"
                        raise BadData(f"{message}; `datasets` refuses the file", hint=hint)
                    short = len(cells) < width
                    kept = cells if len(header) == width else [cells[at] for at in places if at < len(cells)]
                    yield reader.line_num, header, kept, short
                if allowance.over():
                    allowance.cut = bool(text.read(1))
                    return
            source.refuse_open(separator)
        except csv.Error as err:
            raise BadData(f"{path_text(path)} line {reader.line_num} is not valid CSV: {err}", hint="repair that line") from err
        except UnicodeDecodeError as err:
            # The text reader is many lines ahead of the CSV reader: decode line by line to raise an error that names the line.
            with open_bytes(path) as raw:
                for number, line in enumerate(iter(partial(raw.readline, LONGEST_LINE_BYTES), b""), 1):
                    decode(path, line, number)
            raise BadData(f"{path_text(path)} is not UTF-8", hint="convert the file to UTF-8 (`iconv`)") from err


class _Lines:
    """The lines of `text` for the CSV reader, which takes several for a row with line breaks inside quotes.

    Attributes:
        row_length: characters of the current row that the reader has taken; the caller sets it to 0 after each row.
    """

    def __init__(self, path: Path, text: io.TextIOWrapper, allowance: Allowance) -> None:
        self.row_length = 0
        self._path, self._text, self._allowance = path, text, allowance
        self._last: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_LINE_BYTES + 1)
        if not line:
            raise StopIteration
        if not self.row_length:
            self._last.clear()
        self._last.append(line)
        self.row_length += len(line)
        if self.row_length > LONGEST_LINE_BYTES:
            message = f"{path_text(self._path)} has a row longer than {LONGEST_LINE_BYTES // MIB} MiB"
            raise BadData(message, hint="look for a quote left open, or check that this is a CSV file")
        self._allowance.spend(len(line))
        return line

    def refuse_open(self, separator: str) -> None:
        """Raise `BadData` when the file ends inside quotes: Python reads the rest as one cell, `datasets` refuses the file."""
        if self._last and list(csv.reader([*self._last, "\n", "x\n"], delimiter=separator))[-1] != ["x"]:
            message = (
                f"{path_text(self._path)} ends inside a quoted cell of the row {excerpt(self._last[0])!r}; `datasets` refuses it"
            )
            raise BadData(message, hint="close that quote, or download the file again")


def _column_names(header: list[str]) -> list[str]:
    """The column names as pandas writes them: repeated names get a number (`a`, `a.1`), empty ones `Unnamed: 0`."""
    names: list[str] = []
    seen: Counter[str] = Counter()
    for position, cell in enumerate(header):
        name = cell or f"Unnamed: {position}"
        names.append(f"{name}.{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def _kept(names: list[str]) -> tuple[list[int], list[str]]:
    """The positions and the names of the columns that are read."""
    wanted = set(first_columns(names))
    kept = [(at, name) for at, name in enumerate(names) if name in wanted]
    return [at for at, _ in kept], [name for _, name in kept]


def _short(path: Path, lines: list[int]) -> Finding:
    message = f"{len(lines)} lines have fewer cells than the header; `datasets` fills them with nulls"
    return Finding(
        "SET104", "warning", message, file=path_text(path), line=lines[0], evidence=f"lines {', '.join(map(str, lines[:8]))}"
    )


#: Cells that pandas reads as missing, also in text columns.
MISSING = frozenset({
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null",
})  # fmt: skip


def typed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with cells as bool, int or float where all cells of the column are, and with missing cells as None."""
    for name in rows[0] if rows else []:
        cells = [row[name] if row[name] not in MISSING else None for row in rows]
        present = [cell for cell in cells if cell is not None]
        convert = next((convert for fits, convert in _KINDS if present and all(map(fits, present))), str)
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


#: A table must have at least this many rows below its header.
_LEAST_ROWS = 2
_LONGEST_NAME = 60


def table_ending(head: bytes, *, whole: bool) -> str | None:
    """`.csv`, `.tsv` or None, from the first bytes of a file.

    A table has a header of different short names, none of them a number, and every row below has the same number of cells.

    Args:
        head: the first bytes.
        whole: `head` is the whole file; otherwise its last line may be cut off and is left out.
    """
    text = head.decode("utf-8-sig", "replace")
    lines = text.splitlines(keepends=True)
    lines = lines if whole else lines[:-1]
    for separator, ending in (("\t", ".tsv"), (",", ".csv")):
        if _is_table(lines, separator, whole=whole):
            return ending
    return None


def _is_table(lines: list[str], separator: str, *, whole: bool) -> bool:
    try:
        rows = [cells for cells in csv.reader(lines, delimiter=separator, strict=True) if cells]
    except csv.Error:
        # A quote may be open only because the bytes were cut: leave out the last row.
        rows = [cells for cells in csv.reader(lines, delimiter=separator) if cells][:-1] if not whole else []
    if len(rows) <= _LEAST_ROWS or len(rows[0]) < 2:
        return False
    # Names of a header differ from one another; `_is_name` rules out numbers and sentences (prose has a space after a comma).
    header = rows[0]
    names = len(set(header)) == len(header) and all(map(_is_name, header))
    return names and all(len(cells) == len(header) for cells in rows)


def _is_name(word: str) -> bool:
    """Whether `word` could be a column name: at most three words with a letter, not the end of a sentence."""
    short = len(word) <= _LONGEST_NAME and len(word.split()) <= 3 and word == word.strip()
    return short and any(character.isalpha() for character in word) and not word.endswith((".", "!", "?", ":", ";"))
