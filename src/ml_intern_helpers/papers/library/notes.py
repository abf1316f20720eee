"""Notes on papers, with the quote they rest on: what one run has learned and a later one can look up."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ml_intern_helpers.core.errors import NotFound, UsageError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.library.database import NOTES, words_query

CHARACTERS = 2_000
#: Notes are the user's own and never make room for others: a full library says so.
MOST_NOTES = 20_000


@dataclass(frozen=True)
class Note:
    """One note.

    Attributes:
        number: to name it by.
        quote: the paper's own words, or None.
        place: where they stand, such as `Section 4.2`, or None.
        written_at: ISO 8601 in UTC.
    """

    number: int
    arxiv_id: str
    text: str
    quote: str | None
    place: str | None
    written_at: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def add(arxiv_id: str, text: str, quote: str | None, place: str | None) -> Note:
    """Write a note down; the same note twice is one.

    Raises:
        UsageError: empty, or longer than `CHARACTERS`; the library holds `MOST_NOTES` already.
        Unavailable: the library cannot be written.
    """
    values = (arxiv_id, _checked(text, "the note"), _optional(quote, "--quote"), _optional(place, "--place"))
    with NOTES.writing() as connection:
        same = "SELECT * FROM notes WHERE arxiv_id = ? AND text = ? AND quote IS ? AND place IS ?"
        row = connection.execute(same, values).fetchone()
        return _note(row or _insert(connection, values))


def find(words: str, limit: int) -> tuple[list[Note], int]:
    """Notes that hold every one of `words` (or on the paper of that id), newest first when there are none; and how many match."""
    query = words_query(words)
    if not NOTES.exists() or (words.strip() and not query):
        return [], 0
    with NOTES.reading() as connection:
        if not query:
            total = connection.execute("SELECT COUNT(*) FROM notes").fetchone()[0]
            rows = connection.execute("SELECT * FROM notes ORDER BY number DESC LIMIT ?", (limit,)).fetchall()
        else:
            where = "FROM notes JOIN note_words ON notes.number = note_words.rowid WHERE note_words MATCH ?"
            total = connection.execute(f"SELECT COUNT(*) {where}", (query,)).fetchone()[0]
            ranked = f"SELECT notes.* {where} ORDER BY bm25(note_words), number DESC LIMIT ?"
            rows = connection.execute(ranked, (query, limit)).fetchall()
    return [_note(row) for row in rows], total


def remove(number: int) -> Note:
    """Take a note out; `NotFound` when there is none of this number."""
    with NOTES.writing() as connection:
        row = _numbered(connection, number)
        if row:
            connection.execute("DELETE FROM notes WHERE number = ?", (number,))
            connection.execute("DELETE FROM note_words WHERE rowid = ?", (number,))
    if row is None:
        raise NotFound(f"there is no note {number}", hint="see them: crawl_arxiv notes")
    return _note(row)


def _insert(connection: sqlite3.Connection, values: tuple[str, str, str | None, str | None]) -> tuple[Any, ...]:
    if connection.execute("SELECT COUNT(*) FROM notes").fetchone()[0] >= MOST_NOTES:
        raise UsageError(f"the library holds {MOST_NOTES:,} notes, its most", hint="take some out: crawl_arxiv notes forget N")
    fresh = "INSERT INTO notes (arxiv_id, text, quote, place, written_at) VALUES (?, ?, ?, ?, ?) RETURNING *"
    row: tuple[Any, ...] = connection.execute(fresh, (*values, time.time())).fetchone()
    words = "INSERT INTO note_words (rowid, arxiv_id, text, quote, place) VALUES (?, ?, ?, ?, ?)"
    connection.execute(words, (row[0], *values))
    return row


def _numbered(connection: sqlite3.Connection, number: int) -> tuple[Any, ...] | None:
    if not 0 < number < 2**63:  # SQLite takes no larger one, not even to say that it is not there
        return None
    row: tuple[Any, ...] | None = connection.execute("SELECT * FROM notes WHERE number = ?", (number,)).fetchone()
    return row


def _note(row: tuple[Any, ...]) -> Note:
    written = datetime.fromtimestamp(row[5], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Note(row[0], row[1], row[2], row[3], row[4], written)


def _checked(text: str, what: str) -> str:
    cleaned = clean(text)
    if not cleaned:
        raise UsageError(f"{what} is empty", hint='crawl_arxiv notes add 2305.18290 "what it says" --quote "its own words"')
    if len(cleaned) > CHARACTERS:
        raise UsageError(f"{what} has {len(cleaned):,} characters, at most {CHARACTERS:,}", hint="make it several notes")
    return cleaned


def _optional(text: str | None, what: str) -> str | None:
    return None if text is None else _checked(text, what)
