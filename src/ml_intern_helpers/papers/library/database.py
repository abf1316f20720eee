"""Opens the two SQLite files: the library of papers in the cache folder, and the notes in the data folder.

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
#: Only the hint for a damaged file suggests moving it aside: doing so with a healthy one would lose its notes.
_HINTS = {
    **dict.fromkeys(_DAMAGED, "move the file aside; a new one is made"),
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), "another process holds it: run again"),
    sqlite3.SQLITE_FULL: "free some space on that disk",
}
#: Expendable files that failed in this process: a command that stores three things must not wait three times for one lock.
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
        name: its name in messages.
        variable: the environment variable that sets the folder.
        file: gives its path, which depends on the environment.
        version: the version of `schema`, kept in the file's `user_version`.
        schema: statements that create the tables of a new file.
        upgrades: version -> statements that upgrade a file to the next one.
        expendable: whether everything in it can be fetched again; then a damaged file is moved aside automatically.
        wait_s: seconds to wait for another process that is writing.
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
        """A transaction that writes: everything that the body does is kept, or nothing.

        Raises:
            Unavailable: the disk cannot be written, the file is damaged or from a newer release, or another process locks it.
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
        path = self.file()
        if path in _given_up:
            raise Unavailable(f"{self.name} {path} could not be opened earlier in this run", hint="run again")
        with self._errors(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = sqlite3.connect(path, timeout=self.wait_s, isolation_level=None)
            try:
                connection.execute(begin)
                file_version: int = connection.execute("PRAGMA user_version").fetchone()[0]
                if file_version > self.version:
                    message = f"{self.name} {path} was made by a newer release"
                    raise Unavailable(message, hint="update ml-intern, or move the file aside")
                yield connection, file_version
                connection.execute("COMMIT")
            finally:
                connection.close()

    @contextmanager
    def _errors(self, path: Path) -> Iterator[None]:
        """Errors of SQLite and of the disk become `Unavailable`."""
        inode = _inode(path)
        try:
            yield
        except (OSError, sqlite3.Error) as err:
            error_code = getattr(err, "sqlite_errorcode", 0) & 0xFF
            hint = _HINTS.get(error_code) or f"see to its folder, or name another with {self.variable}"
            if self.expendable:
                _given_up.add(path)
                if error_code in _DAMAGED and _moved_aside(path, inode):
                    hint = "it was moved aside; the next run creates a new one"
            raise Unavailable(f"{self.name} {path} cannot be used: {err}", hint=hint) from err


def words_query(text: str, *, every: bool = True) -> str:
    """An FTS5 query for all words of `text` (or any of them), each quoted so that none is an operator; "" without a word."""
    words = ["".join(c if c.isalnum() else " " for c in word).split() for word in text.split()]
    quoted = [f'"{" ".join(parts)}"' for parts in words if parts]
    return (" AND " if every else " OR ").join(quoted)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _moved_aside(path: Path, inode: int | None) -> bool:
    """Rename a damaged file and its journal, unless another process has already replaced the file."""
    if inode is None or _inode(path) != inode:
        return False
    with suppress(OSError):
        with suppress(FileNotFoundError):
            Path(f"{path}-journal").replace(f"{path}.damaged-journal")
        path.replace(f"{path}.damaged")
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
