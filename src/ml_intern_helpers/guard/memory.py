"""Stores what hooks remember between the calls of a session, in small files whose loss does no harm."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.paths import cache_dir, write_atomic

FOLDER = "sessions"
_MOST_BYTES = 256 * 1024
_KEPT_S = 14 * 86400


def recalled(session: object, name: str, folder: Path | None = None) -> dict[str, Any]:
    """The values stored under `name` for a session; empty where there are none or they cannot be read.

    Args:
        folder: the project's `.ml-intern`; None for the user's cache.
    """
    try:
        path = _path(session, name, folder)
        values = json.loads(path.read_bytes()) if path.stat().st_size <= _MOST_BYTES else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def remember(session: object, name: str, values: dict[str, Any], folder: Path | None = None) -> bool:
    """Store `values`, replacing earlier ones; returns whether that worked."""
    path = _path(session, name, folder)
    try:
        data = json.dumps(values, default=str).encode()
        if len(data) > _MOST_BYTES:
            return False
        is_new = not path.exists()
        write_atomic(path, data)
    except (OSError, ValueError):
        return False
    if is_new:
        _forget_old(path.parent)
    return True


def add_line(session: object, name: str, line: str) -> list[str]:
    """Append a line to a session's lines and return all of them; empty where that did not work.

    Hooks of parallel calls run in parallel: appended lines are not lost, but two writers of a count could overwrite each other.
    """
    path = _path(session, f"{name}-lines", None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        with path.open("ab+") as file:
            file.write(f"{line}\n".encode())
            file.seek(0)
            lines = file.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    if is_new:
        _forget_old(path.parent)
    return lines


def _path(session: object, name: str, folder: Path | None) -> Path:
    key = hashlib.sha256(str(session).encode("utf-8", "replace")).hexdigest()[:24]
    return (folder or cache_dir()) / FOLDER / f"{key}-{name}.json"


def _forget_old(folder: Path) -> None:
    with suppress(OSError):
        for path in list(folder.glob("*-*.json"))[:1000]:
            if path.stat().st_mtime < time.time() - _KEPT_S:
                path.unlink()
