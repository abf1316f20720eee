"""What hooks remember between two calls of one session: a small file for each session, whose loss does no harm."""

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
    """What was kept under `name` for a session; empty where nothing was kept or can be read.

    Args:
        folder: the project's `.ml-intern`; the user's cache without one.
    """
    try:
        path = _path(session, name, folder)
        found = json.loads(path.read_bytes()) if path.stat().st_size <= _MOST_BYTES else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def remember(session: object, name: str, values: dict[str, Any], folder: Path | None = None) -> bool:
    """Keep `values` in place of what was kept before; returns whether that worked."""
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
    """Add a line to those kept for a session and return all of them; empty where that did not work.

    Hooks of parallel calls run in parallel: a line that is appended is not lost, as a count that two of them replace would be.
    """
    path = _path(session, f"{name}-lines", None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        with path.open("ab+") as file:
            file.write(f"{line}\n".encode())
            file.seek(0)
            found = file.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    if is_new:
        _forget_old(path.parent)
    return found


def _path(session: object, name: str, folder: Path | None) -> Path:
    key = hashlib.sha256(str(session).encode("utf-8", "replace")).hexdigest()[:24]
    return (folder or cache_dir()) / FOLDER / f"{key}-{name}.json"


def _forget_old(folder: Path) -> None:
    with suppress(OSError):
        for path in list(folder.glob("*-*.json"))[:1000]:
            if path.stat().st_mtime < time.time() - _KEPT_S:
                path.unlink()
