"""Answers kept on disk, so that a repeated question costs no request; losing the cache loses nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.paths import write_atomic

DAY = 86400
#: Offline answers come from here whatever their age, so an entry outlives its time to live by far.
KEPT_S = 30 * DAY
#: Above this the oldest answers go first. Looked at once an hour: counting a folder at each answer costs more than it saves.
MOST_BYTES = 2 * 1024**3
LOOKED_AT_S = 3600


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
        """Keep `entry`; False when the disk will not take it (full, read-only), which is never the command's failure."""
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
        """Once an hour, delete what nobody has asked for in a month, and the oldest of what is too much."""
        marker, now = self.folder / "pruned", time.time()
        if marker.exists() and now - marker.stat().st_mtime < LOOKED_AT_S:
            return
        marker.touch()
        _sweep(self.folder, now)
        room = MOST_BYTES
        for modified, size, path in sorted(_sizes(self.folder), reverse=True):
            room -= size
            if room < 0 or now - modified > KEPT_S:
                path.unlink(missing_ok=True)


def _sweep(folder: Path, now: float) -> None:
    """Half-written files of processes that were killed (`write_atomic` begins their names with a dot)."""
    for path in folder.glob(".*.json.*"):
        with suppress(OSError):
            if now - path.stat().st_mtime > LOOKED_AT_S:
                path.unlink()


def _sizes(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """(modified, bytes, path) of every stored answer; one that another process deletes meanwhile is passed over."""
    for path in folder.glob("*.json"):
        with suppress(OSError):
            message = path.stat()
            yield message.st_mtime, message.st_size, path
