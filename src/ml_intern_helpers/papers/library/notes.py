"""Stores, finds and deletes the user's notes on papers, with the quotes that support them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml_intern_helpers.core.errors import NotFound, UsageError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.library.database import NOTES, words_query

CHARACTERS = 2_000
#: Notes belong to the user and are never deleted to make room: adding one to a full library fails.
MOST_NOTES = 20_000


@dataclass(frozen=True)
class Note:
    """One note.

    Attributes:
        quote: the paper's own words, or None.
        place: where the quote is, such as `Section 4.2`, or None.
        written_at: ISO 8601 in UTC.
    """

    number: int
    arxiv_id: str
    text: str
    quote: str | None
    place: str | None
    written_at: str


def add(arxiv_id: str, text: str, quote: str | None, place: str | None) -> Note:
    """Add a note; a note that exists already is returned.

    Raises:
        UsageError: empty, or longer than `CHARACTERS`; the library holds `MOST_NOTES` already.
        Unavailable: the library cannot be written.
    """
    texts = (("the note", text), ("--quote", quote), ("--place", place))
    values = (arxiv_id, *(None if words is None else _checked(words, what) for what, words in texts))
    with NOTES.writing() as connection:
        select_same = "SELECT * FROM notes WHERE arxiv_id = ? AND text = ? AND quote IS ? AND place IS ?"
        row = connection.execute(select_same, values).fetchone()
        if row is None:
            if connection.execute("SELECT COUNT(*) FROM notes").fetchone()[0] >= MOST_NOTES:
                hint = "delete some first: crawl_arxiv notes forget N"
                raise UsageError(f"the library already holds {MOST_NOTES:,} notes, the maximum", hint=hint)
            insert_note = "INSERT INTO notes (arxiv_id, text, quote, place, written_at) VALUES (?, ?, ?, ?, ?) RETURNING *"
            row = connection.execute(insert_note, (*values, time.time())).fetchone()
            words = "INSERT INTO note_words (rowid, arxiv_id, text, quote, place) VALUES (?, ?, ?, ?, ?)"
            connection.execute(words, (row[0], *values))
        return _note(row)


def find(words: str, limit: int) -> tuple[list[Note], int]:
    """Up to `limit` notes with all of `words` or on the paper with that id (best first), or all (newest first); and the total."""
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
    """Delete a note; `NotFound` when there is none with this number."""
    row: tuple[Any, ...] | None = None
    with NOTES.writing() as connection:
        if 0 < number < 2**63:  # SQLite accepts no larger number, even in a query
            row = connection.execute("SELECT * FROM notes WHERE number = ?", (number,)).fetchone()
        if row:
            connection.execute("DELETE FROM notes WHERE number = ?", (number,))
            connection.execute("DELETE FROM note_words WHERE rowid = ?", (number,))
    if row is None:
        raise NotFound(f"there is no note {number}", hint="see them: crawl_arxiv notes")
    return _note(row)


def _note(row: tuple[Any, ...]) -> Note:
    written = datetime.fromtimestamp(row[5], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Note(row[0], row[1], row[2], row[3], row[4], written)


def _checked(text: str, what: str) -> str:
    cleaned = clean(text)
    if not cleaned:
        raise UsageError(f"{what} is empty", hint='crawl_arxiv notes add 2305.18290 "what it says" --quote "its own words"')
    if len(cleaned) > CHARACTERS:
        raise UsageError(f"{what} has {len(cleaned):,} characters, at most {CHARACTERS:,}", hint="split it into several notes")
    return cleaned
