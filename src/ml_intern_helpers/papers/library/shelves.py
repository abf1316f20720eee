"""The two files: papers that can be met again lie in the cache folder, notes that nobody can fetch again do not."""

from __future__ import annotations

from ml_intern_helpers.core.paths import cache_dir, data_dir
from ml_intern_helpers.papers.library.store import Shelf

_MADE = "CREATE TABLE made (digest TEXT PRIMARY KEY, said TEXT NOT NULL, made_at REAL NOT NULL);\n"
_PAPERS = """
CREATE TABLE papers (
    key TEXT PRIMARY KEY, revision INTEGER, title TEXT NOT NULL, said TEXT NOT NULL, source TEXT NOT NULL,
    fetched_at REAL NOT NULL
);
CREATE INDEX papers_by_age ON papers (fetched_at);
CREATE VIRTUAL TABLE paper_words USING fts5 (key UNINDEXED, title, authors, abstract, tokenize = 'porter unicode61');
"""
_NOTES = """
CREATE TABLE notes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, arxiv_id TEXT NOT NULL, text TEXT NOT NULL, quote TEXT, place TEXT,
    written_at REAL NOT NULL
);
CREATE VIRTUAL TABLE note_words USING fts5 (arxiv_id, text, quote, place, tokenize = 'porter unicode61');
"""


def _bring_notes_over() -> None:
    from ml_intern_helpers.papers.library import bring_over

    bring_over.notes()


#: Version 1 held the notes, too, and parsed feeds.
LIBRARY = Shelf(
    "the library",
    "ML_INTERN_CACHE",
    lambda: cache_dir() / "papers" / "library.sqlite",
    version=2,
    schema=_PAPERS + _MADE,
    upgrades={1: f"DROP TABLE feeds;\n{_MADE}"},
    upgraded=_bring_notes_over,
    expendable=True,
    wait_s=2.0,
)
NOTES = Shelf("the file of notes", "ML_INTERN_DATA", lambda: data_dir() / "notes.sqlite", version=1, schema=_NOTES)
