"""Notes that an earlier release kept in the cache folder move to where notes lie now."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.papers.library.shelves import LIBRARY, NOTES

_OLD = "SELECT number, arxiv_id, text, quote, place, written_at FROM notes ORDER BY number"
_SAME = "SELECT 1 FROM notes WHERE arxiv_id = ? AND text = ? AND quote IS ? AND place IS ?"
Row = tuple[int, str, str, str | None, str | None, float]


def notes() -> None:
    """Copy what is there, then take it out; stopped in between, the next run finds its own copies and goes on.

    A cache that cannot be read or written stays as it is, and what is in it stays there.
    """
    if not LIBRARY.exists():
        return
    with suppress(Unavailable, OSError, sqlite3.Error):
        rows = _old_notes()
        if rows is not None:
            _copy(rows)
            with LIBRARY.writing() as connection:
                connection.execute("DROP TABLE IF EXISTS notes")
                connection.execute("DROP TABLE IF EXISTS note_words")


def _old_notes() -> list[Row] | None:
    """The notes in the cache, or None where there is no table of them; looked at at each use of notes, so without much ado."""
    with closing(sqlite3.connect(LIBRARY.file(), timeout=LIBRARY.wait_s)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'notes'").fetchone():
            return None
        return connection.execute(_OLD).fetchall()


def _copy(rows: list[Row]) -> None:
    with NOTES.writing() as connection:
        for number, *said, written_at in rows:
            if connection.execute(_SAME, said).fetchone():
                continue
            taken = connection.execute("SELECT 1 FROM notes WHERE number = ?", (number,)).fetchone()
            values = (None if taken else number, *said, written_at)
            row = connection.execute("INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?) RETURNING number", values).fetchone()
            words = "INSERT INTO note_words (rowid, arxiv_id, text, quote, place) VALUES (?, ?, ?, ?, ?)"
            connection.execute(words, (row[0], *said))
