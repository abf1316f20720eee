"""The two SQLite files: the library of papers lies in the cache folder, notes, which cannot be fetched again, do not.

A file is created and upgraded when it is opened. Several processes may use it at once, and a killed process leaves it intact:
SQLite's default journal ensures both. Its write-ahead log is faster but unsafe on the network file systems of clusters.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.core.paths import cache_dir, data_dir

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
#: Only a damaged file may be moved aside: a user who moves a healthy one loses its notes.
_HINTS = {
    **dict.fromkeys(_DAMAGED, "move the file aside; a new one is made"),
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), "another process holds it: run again"),
    sqlite3.SQLITE_FULL: "free some space on that disk",
}
#: Files that could not be used a moment ago: a search that stores three things must not wait three times for one lock.
_given_up: set[Path] = set()

_PARSED = "CREATE TABLE made (digest TEXT PRIMARY KEY, said TEXT NOT NULL, made_at REAL NOT NULL);\n"
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


@dataclass(frozen=True)
class Database:
    """One SQLite file and its schema.

    Attributes:
        name: for messages.
        variable: the environment variable that sets the folder.
        file: its path, read each time because the environment decides.
        version: of `schema`; kept in the file's `user_version`.
        schema: statements that make a new file.
        upgrades: version -> statements that make it the next one.
        expendable: everything in it can be fetched again, so a damaged file is moved aside automatically.
        wait_s: seconds to wait for another process that writes.
    """

    name: str
    variable: str
    file: Callable[[], Path]
    version: int
    schema: str
    upgrades: Mapping[int, str] = field(default_factory=dict)
    expendable: bool = False
    wait_s: float = 10.0

    def exists(self) -> bool:
        return self.file().is_file()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A transaction that only reads: it needs no write permission and waits only for a writer that is committing.

        Raises:
            Unavailable: as `writing`.
        """
        with self._transaction("BEGIN") as (connection, version):
            if version == self.version:
                yield connection
                return
        with self.writing() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes: all that the body does is kept, or nothing.

        Raises:
            Unavailable: the disk refuses it, the file is damaged or from a newer release, or another process holds it.
        """
        with self._transaction("BEGIN IMMEDIATE") as (connection, version):
            if version < self.version:
                scripts = [self.upgrades[each] for each in range(version, self.version)] if version else [self.schema]
                for statement in ";\n".join(scripts).split(";\n"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {self.version}")
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[tuple[sqlite3.Connection, int]]:
        place = self.file()
        if place in _given_up:
            raise Unavailable(f"{self.name} {place} could not be used a moment ago", hint="run again")
        with self._errors(place):
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = sqlite3.connect(place, timeout=self.wait_s, isolation_level=None)
            try:
                connection.execute(begin)
                found: int = connection.execute("PRAGMA user_version").fetchone()[0]
                if found > self.version:
                    message = f"{self.name} {place} was made by a newer release"
                    raise Unavailable(message, hint="update ml-intern, or move the file aside")
                yield connection, found
                connection.execute("COMMIT")
            finally:
                connection.close()

    @contextmanager
    def _errors(self, place: Path) -> Iterator[None]:
        """Errors of SQLite and of the disk become `Unavailable`."""
        number = _inode(place)
        try:
            yield
        except (OSError, sqlite3.Error) as err:
            why = getattr(err, "sqlite_errorcode", 0) & 0xFF
            hint = _HINTS.get(why) or f"see to its folder, or name another with {self.variable}"
            if self.expendable:
                _given_up.add(place)
                if why in _DAMAGED and _moved_aside(place, number):
                    hint = "it was moved aside, and the next run makes a new one"
            raise Unavailable(f"{self.name} {place} cannot be used: {err}", hint=hint) from err


def words_query(text: str, *, every: bool = True) -> str:
    """An FTS5 query for `text`: each word is quoted, so that none is an operator; "" without a word."""
    words = ["".join(c if c.isalnum() else " " for c in word).split() for word in text.split()]
    quoted = [f'"{" ".join(parts)}"' for parts in words if parts]
    return (" AND " if every else " OR ").join(quoted)


def _inode(place: Path) -> int | None:
    try:
        return place.stat().st_ino
    except OSError:
        return None


def _moved_aside(place: Path, number: int | None) -> bool:
    """Rename a damaged file, unless another process has put a new one there; its journal must not meet the new one."""
    if number is None or _inode(place) != number:
        return False
    with suppress(OSError):
        with suppress(FileNotFoundError):
            Path(f"{place}-journal").replace(f"{place}.damaged-journal")
        place.replace(f"{place}.damaged")
        return True
    return False


#: Version 1 held parsed feeds in a table of their own.
LIBRARY = Database(
    "the library",
    "ML_INTERN_CACHE",
    lambda: cache_dir() / "papers" / "library.sqlite",
    version=2,
    schema=_PAPERS + _PARSED,
    upgrades={1: f"DROP TABLE feeds;\n{_PARSED}"},
    expendable=True,
    wait_s=2.0,
)
NOTES = Database("the file of notes", "ML_INTERN_DATA", lambda: data_dir() / "notes.sqlite", version=1, schema=_NOTES)
