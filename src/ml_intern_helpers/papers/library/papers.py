"""Stores the papers that earlier runs have seen, finds them by their words, and stores the results of parsing answers.

A result is keyed by the bytes that were parsed and by the code that parsed them, so it is never out of date.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.papers.library.database import LIBRARY, words_query
from ml_intern_helpers.papers.model import Paper, key_of

#: About 4 KB each with their index: 100 MB at most. The papers with the oldest descriptions are deleted to make room.
MOST_PAPERS = 25_000
#: Characters of an abstract that are kept; a longer one is the result of a broken page.
_ABSTRACT_CHARACTERS = 6_000
#: Stored results; a long paper takes about 300 KB, so 60 MB at most. The oldest are deleted to make room.
MOST = 200
#: A larger result is not stored.
MOST_CHARACTERS = 2_000_000


@dataclass(frozen=True)
class KeptPaper:
    """A paper of the library.

    Attributes:
        source: the service that described it.
        fetched_at: Unix time in seconds of that description.
    """

    paper: Paper
    source: str
    fetched_at: float


def keep(papers: Iterable[KeptPaper]) -> bool:
    """Add these papers; False when the library cannot be written, which must not fail the command."""
    with suppress(Unavailable), LIBRARY.writing() as connection:
        for kept in papers:
            _put(connection, kept)
        surplus = connection.execute("SELECT COUNT(*) FROM papers").fetchone()[0] - MOST_PAPERS
        if surplus > 0:
            oldest = "SELECT key FROM papers ORDER BY fetched_at LIMIT ?"
            connection.execute(f"DELETE FROM paper_words WHERE key IN ({oldest})", (surplus,))
            connection.execute(f"DELETE FROM papers WHERE key IN ({oldest})", (surplus,))
        return True
    return False


def find(words: str, limit: int) -> list[KeptPaper]:
    """Papers that contain all of `words`, or if there are none, any of them; best first."""
    if not LIBRARY.exists():
        return []
    with LIBRARY.reading() as connection:
        for every in (True, False):
            query = words_query(words, every=every)
            rows = (
                connection.execute(
                    "SELECT said, source, fetched_at FROM papers JOIN paper_words USING (key) WHERE paper_words MATCH ? "
                    "ORDER BY bm25(paper_words, 0, 4, 2, 1), key LIMIT ?",
                    (query, limit),
                ).fetchall()
                if query
                else []
            )
            if rows:
                return [KeptPaper(paper(json.loads(stored)), source, fetched_at) for stored, source, fetched_at in rows]
    return []


def titles(arxiv_ids: Iterable[str]) -> dict[str, str]:
    """The titles of those papers that the library knows; none when it cannot be read."""
    keys = [f"arxiv:{each}" for each in dict.fromkeys(arxiv_ids)]
    if not keys or not LIBRARY.exists():
        return {}
    with suppress(Unavailable), LIBRARY.reading() as connection:
        rows = [connection.execute("SELECT key, title FROM papers WHERE key = ?", (key,)).fetchone() for key in keys]
        return {row[0].removeprefix("arxiv:"): row[1] for row in rows if row}
    return {}


def _put(connection: sqlite3.Connection, kept: KeptPaper) -> None:
    """Store one paper, merged with its description in the library; of the two, the newer takes precedence."""
    key = key_of(kept.paper)
    row = connection.execute("SELECT said, fetched_at FROM papers WHERE key = ?", (key,)).fetchone()
    merged, when, source = kept.paper, kept.fetched_at, kept.source
    if row:
        earlier = paper(json.loads(row[0]))
        newer = when >= row[1]
        merged = merged.filled(earlier) if newer else earlier.filled(merged)
        when = max(when, row[1])
    abstract = (merged.abstract or "")[:_ABSTRACT_CHARACTERS] or None
    stored = json.dumps(asdict(replace(merged, abstract=abstract)), ensure_ascii=False)
    if row:
        connection.execute("DELETE FROM paper_words WHERE key = ?", (key,))
    connection.execute("REPLACE INTO papers VALUES (?, ?, ?, ?, ?, ?)", (key, merged.version, merged.title, stored, source, when))
    words = (key, merged.title, " ".join(merged.authors), abstract or "")
    connection.execute("INSERT INTO paper_words VALUES (?, ?, ?, ?)", words)


def paper(stored: dict[str, Any]) -> Paper:
    """A stored paper; keys that this release does not know are left out."""
    known = {each.name for each in fields(Paper)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items() if name in known
    }
    return Paper(**values)


def stored_result(kind: str, body: bytes) -> Any:
    """The result that `store_result` has stored for these bytes, as parsed JSON; None when there is none."""
    if not LIBRARY.exists():
        return None
    with suppress(Unavailable, ValueError), LIBRARY.reading() as connection:
        row = connection.execute("SELECT said FROM made WHERE digest = ?", (_digest(kind, body),)).fetchone()
        return json.loads(row[0]) if row else None
    return None


def store_result(kind: str, body: bytes, value: Any) -> None:
    """Store the result of parsing these bytes; a library that cannot be written is ignored."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > MOST_CHARACTERS:
        return
    with suppress(Unavailable), LIBRARY.writing() as connection:
        connection.execute("REPLACE INTO made VALUES (?, ?, ?)", (_digest(kind, body), text, time.time()))
        oldest = "SELECT digest FROM made ORDER BY made_at DESC LIMIT -1 OFFSET ?"
        connection.execute(f"DELETE FROM made WHERE digest IN ({oldest})", (MOST,))


def _digest(kind: str, body: bytes) -> str:
    return hashlib.sha256(b"\0".join([kind.encode(), _code(), body])).hexdigest()


@cache
def _code() -> bytes:
    """A digest that changes with any module of this package, from dates and sizes, which are read faster than contents."""
    package = Path(__file__).parents[1]
    files = ((path, path.stat()) for path in sorted(package.rglob("*.py")))
    state = "\n".join(f"{path.relative_to(package)} {stat.st_size} {stat.st_mtime_ns}" for path, stat in files)
    return hashlib.sha256(state.encode()).digest()
