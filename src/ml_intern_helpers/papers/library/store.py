"""The library's file: opened, made, bounded. Several processes may use it at once; a killed one leaves it whole.

SQLite's own journal gives both. Its write-ahead log would be faster and is wrong on the network file systems where
clusters keep home folders, so the default journal stays.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_intern_helpers.errors import Unavailable
from ml_intern_helpers.paths import cache_dir

#: Another process may hold the file for this long before we give up.
WAIT_S = 10.0
VERSION = 1
_SCHEMA = """
CREATE TABLE papers (
    key TEXT PRIMARY KEY, revision INTEGER, title TEXT NOT NULL, said TEXT NOT NULL, source TEXT NOT NULL,
    fetched_at REAL NOT NULL
);
CREATE INDEX papers_by_age ON papers (fetched_at);
CREATE VIRTUAL TABLE paper_words USING fts5 (key UNINDEXED, title, authors, abstract, tokenize = 'porter unicode61');
CREATE TABLE feeds (digest TEXT PRIMARY KEY, said TEXT NOT NULL, parsed_at REAL NOT NULL);
CREATE TABLE notes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, arxiv_id TEXT NOT NULL, text TEXT NOT NULL, quote TEXT, place TEXT,
    written_at REAL NOT NULL
);
CREATE VIRTUAL TABLE note_words USING fts5 (arxiv_id, text, quote, place, tokenize = 'porter unicode61');
"""


def path() -> Path:
    """Where the library lies: beside the stored answers."""
    return cache_dir() / "papers" / "library.sqlite"


def exists() -> bool:
    return path().is_file()


@contextmanager
def opened() -> Iterator[sqlite3.Connection]:
    """The library in one transaction: all that the body does is kept, or nothing.

    Raises:
        Unavailable: the disk will not take it, the file is damaged or from a newer release, or somebody holds it.
    """
    place = path()
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = sqlite3.connect(place, timeout=WAIT_S, isolation_level=None)
    except (OSError, sqlite3.Error) as err:
        raise _broken(err) from err
    try:
        connection.execute("BEGIN IMMEDIATE")
        _prepare(connection)
        yield connection
        connection.execute("COMMIT")
    except sqlite3.Error as err:
        raise _broken(err) from err
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables in a new file; refuse one that a later release has made."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise Unavailable(f"{path()} was made by a newer release", hint="update ml-intern, or move the file aside")
    if found == VERSION:
        return
    for statement in _SCHEMA.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def words_query(text: str, *, every: bool = True) -> str:
    """`text` in the language of FTS5: each word quoted, so that nothing in it is an operator; "" without a word."""
    words = ["".join(c if c.isalnum() else " " for c in word).split() for word in text.split()]
    quoted = [f'"{" ".join(parts)}"' for parts in words if parts]
    return (" AND " if every else " OR ").join(quoted)


def _broken(err: Exception) -> Unavailable:
    return Unavailable(f"the library {path()} cannot be used: {err}", hint="move the file aside; a new one is made")
