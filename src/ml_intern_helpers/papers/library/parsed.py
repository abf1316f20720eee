"""What was made from an answer before: parsing takes longer than all the rest of a repeated question.

An entry belongs to the very bytes it was made from and to the code that made it, so it is never out of date.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import Unavailable
from ml_intern_helpers.papers.library.database import LIBRARY

#: A long paper read is about 300 KB: 60 MB at most. What was made longest ago makes room.
MOST = 200
#: Larger ones are made again: the library is no place for a book.
MOST_CHARACTERS = 2_000_000


def known(kind: str, body: bytes) -> Any:
    """What `keep` was given for these bytes, as JSON has it; None when there is nothing."""
    if not LIBRARY.exists():
        return None
    with suppress(Unavailable, ValueError), LIBRARY.reading() as connection:
        row = connection.execute("SELECT said FROM made WHERE digest = ?", (_digest(kind, body),)).fetchone()
        return json.loads(row[0]) if row else None
    return None


def keep(kind: str, body: bytes, value: Any) -> None:
    """Remember what these bytes say; a library that cannot be written costs nothing but the time."""
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
    """What changes when any module of this room does; looking at their dates is quicker than reading them."""
    room = Path(__file__).parents[1]
    looks = ((path, path.stat()) for path in sorted(room.rglob("*.py")))
    message = "\n".join(f"{path.relative_to(room)} {look.st_size} {look.st_mtime_ns}" for path, look in looks)
    return hashlib.sha256(message.encode()).digest()
