"""Lines that found the ledger locked: each waits in a file of its own beside it, until whoever has the lock next takes it in.

A hook may not wait for long, and what it has seen of a job is seen once: without this the figure would be lost.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from ml_intern_helpers.core.paths import write_atomic
from ml_intern_helpers.runs import project_files

_PREFIX = f"{project_files.LEDGER}.late-"
#: Of one file: some lines of a launch. What is longer was not written here.
_MOST_BYTES = 4 * 1024 * 1024


def put(folder: Path, data: bytes) -> None:
    """Keep whole lines; they are on the disk when this returns. Names sort by time.

    Raises:
        OSError: the folder cannot be written.
    """
    write_atomic(folder / f"{_PREFIX}{time.time_ns():020d}-{os.urandom(4).hex()}", data, durable=True)


def files(folder: Path) -> list[Path]:
    """The files that wait, oldest first; none where the folder cannot be looked at."""
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.name.startswith(_PREFIX))
    return []


def content(path: Path) -> bytes:
    """The lines of one; nothing where it has just been taken in, or is none of ours."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if stat.S_ISREG(about.st_mode) and about.st_size <= _MOST_BYTES:
                data = file.read()
                return data if data.endswith(b"\n") else b""
    return b""


def taken_in(paths: list[Path]) -> None:
    """Remove what stands in the ledger now. One that cannot be removed does no harm: its lines are known as read already."""
    for path in paths:
        with suppress(OSError):
            path.unlink()
