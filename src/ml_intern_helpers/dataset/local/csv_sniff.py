"""Tells whether bytes without a file name are a table with commas or tabs: only where nothing else can be meant."""

from __future__ import annotations

import csv

#: Rows below the header that must have its width.
_LEAST_ROWS = 2
_LONGEST_NAME = 60


def table_ending(head: bytes, *, whole: bool) -> str | None:
    """`.csv`, `.tsv` or None, from the first bytes of a file.

    A table has a header of different short names, no number among them, and every row below has as many cells.

    Args:
        head: the first bytes.
        whole: there are no more; otherwise the last line may be cut and is left out.
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
        # A quote that is open where the bytes were cut closes behind them.
        rows = [cells for cells in csv.reader(lines, delimiter=separator) if cells][:-1] if not whole else []
    if len(rows) <= _LEAST_ROWS or len(rows[0]) < 2:
        return False
    return _names(rows[0]) and all(len(cells) == len(rows[0]) for cells in rows)


def _names(header: list[str]) -> bool:
    """Different words that name columns: no number, no sentence. In prose a space follows each comma."""
    return len(set(header)) == len(header) and all(map(_is_name, header))


def _is_name(word: str) -> bool:
    """Up to three words, none of them at the end of a sentence."""
    short = len(word) <= _LONGEST_NAME and len(word.split()) <= 3 and word == word.strip()
    return short and any(sign.isalpha() for sign in word) and not word.endswith((".", "!", "?", ":", ";"))
