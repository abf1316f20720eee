"""Stores answers of services on disk, to answer repeated requests; deleting the cache loses nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.paths import write_atomic

DAY = 86400
#: Offline, stored answers of any age are used, so an entry is kept far longer than its time to live.
KEPT_S = 30 * DAY
#: Above this size the oldest answers are deleted. It is checked once an hour, as listing the files each time is too slow.
MOST_BYTES = 2 * 1024**3
PRUNED_EVERY_S = 3600


@dataclass(frozen=True)
class Entry:
    """A stored answer; `fetched_at` is a Unix time in seconds."""

    status: int
    url: str
    headers: dict[str, str]
    body: bytes
    fetched_at: float


class HttpCache:
    """One file per answer in `folder` (mode 0700). Never stores a token: the key holds a digest, the entry no request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def key(method: str, url: str, body: bytes, secret: str) -> str:
        """A digest over the request; `secret` keeps one account's answers from another."""
        return hashlib.sha256(b"\0".join([method.encode(), url.encode(), body, secret.encode()])).hexdigest()

    def load(self, key: str) -> Entry | None:
        """The stored answer, or None; an entry that cannot be read counts as none."""
        try:
            raw: dict[str, Any] = json.loads((self.folder / f"{key}.json").read_bytes())
            entry = Entry(
                status=int(raw["status"]),
                url=str(raw["url"]),
                headers={str(name): str(value) for name, value in raw["headers"].items()},
                body=base64.b64decode(raw["body"], validate=True),
                fetched_at=float(raw["fetched_at"]),
            )
            return entry if math.isfinite(entry.fetched_at) else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def store(self, key: str, entry: Entry) -> bool:
        """Store `entry`; False if it cannot be written (disk full, read-only), which must not fail the command."""
        raw = {
            "status": entry.status,
            "url": entry.url,
            "headers": entry.headers,
            "body": base64.b64encode(entry.body).decode("ascii"),
            "fetched_at": entry.fetched_at,
        }
        try:
            write_atomic(self.folder / f"{key}.json", json.dumps(raw).encode())
            self._prune()
        except OSError:
            return False
        return True

    def _prune(self) -> None:
        """Once an hour, delete answers older than `KEPT_S`, the oldest above `MOST_BYTES`, and incomplete files."""
        marker, now = self.folder / "pruned", time.time()
        if marker.exists() and now - marker.stat().st_mtime < PRUNED_EVERY_S:
            return
        marker.touch()
        for path in self.folder.glob(".*.json.*"):  # temporary files of `write_atomic`, left by killed processes
            with suppress(OSError):
                if now - path.stat().st_mtime > PRUNED_EVERY_S:
                    path.unlink()
        answers = []
        for path in self.folder.glob("*.json"):
            with suppress(OSError):  # another process may delete it meanwhile
                stat = path.stat()
                answers.append((stat.st_mtime, stat.st_size, path))
        room = MOST_BYTES
        for modified, size, path in sorted(answers, reverse=True):
            room -= size
            if room < 0 or now - modified > KEPT_S:
                path.unlink(missing_ok=True)
