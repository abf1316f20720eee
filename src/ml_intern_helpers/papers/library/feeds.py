"""Feeds that were parsed before: reading Atom takes longer than all the rest of a repeated question.

An entry belongs to the very bytes it was made from, so it is never out of date.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from ml_intern_helpers.errors import Unavailable
from ml_intern_helpers.papers.library import kept, store
from ml_intern_helpers.papers.model import Paper

#: A page of fifty papers is about 100 KB: 20 MB at most.
MOST_FEEDS = 200
#: Raised whenever parsing changes, so that what an older release made is made again.
_PARSER = b"1"


def known(body: bytes) -> tuple[int | None, tuple[Paper, ...]] | None:
    """(results in all, papers) of this feed, or None when it was not parsed yet."""
    if not store.exists():
        return None
    with suppress(Unavailable, ValueError, TypeError), store.opened() as connection:
        row = connection.execute("SELECT said FROM feeds WHERE digest = ?", (_digest(body),)).fetchone()
        if row:
            said = json.loads(row[0])
            return said["total"], tuple(kept.paper(each) for each in said["papers"])
    return None


def keep(body: bytes, total: int | None, papers: Sequence[Paper]) -> None:
    """Remember what a feed says; a library that cannot be written costs nothing but the time."""
    said = json.dumps({"total": total, "papers": [asdict(each) for each in papers]}, ensure_ascii=False)
    with suppress(Unavailable), store.opened() as connection:
        connection.execute("REPLACE INTO feeds VALUES (?, ?, ?)", (_digest(body), said, time.time()))
        oldest = "SELECT digest FROM feeds ORDER BY parsed_at DESC LIMIT -1 OFFSET ?"
        connection.execute(f"DELETE FROM feeds WHERE digest IN ({oldest})", (MOST_FEEDS,))


def _digest(body: bytes) -> str:
    return hashlib.sha256(_PARSER + body).hexdigest()
