"""Whether anything has changed in a project between two looks: what was written, launched, ticked or decided."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

_MOST_ENTRIES = 3000
_DEEPEST = 3
#: Changed by hooks themselves, or by nothing that is work.
_OTHER = frozenset({"sessions", ".git", "__pycache__", "node_modules", ".venv", "lock", "state.md"})


def state_of(project: Path) -> str:
    """A word that stays the same while no file below `project` changes (the newest few thousand are looked at)."""
    found = hashlib.sha256()
    for count, entry in enumerate(_below(str(project), _DEEPEST)):
        if count >= _MOST_ENTRIES:
            break
        found.update(entry.encode("utf-8", "replace"))
    return found.hexdigest()[:32]


def _below(folder: str, depth: int) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name in _OTHER:
            continue
        try:
            is_folder, status = entry.is_dir(follow_symlinks=False), entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if not is_folder:
            yield f"{entry.path}\0{status.st_size}\0{status.st_mtime_ns}\n"
        elif depth > 0:
            yield from _below(entry.path, depth - 1)
