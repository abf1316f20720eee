"""Paces requests across processes: all agents on one machine count as one client, also with different cache folders."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ml_intern_helpers.core.errors import RateLimited

#: A folder that all processes of a user share even with different HOME, TMPDIR and cache folders.
SHARED = Path("/tmp")


@contextmanager
def paced(
    folder: Path, name: str, interval_s: float, *, hold: bool, timeout_s: float, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Run the body at least `interval_s` seconds after the previous body of any process of this user.

    This covers processes on this machine, and those elsewhere with the same `folder` (nodes of a cluster share a home).

    Args:
        folder: contains a lock file and a time stamp per service, as does a folder in `SHARED`.
        name: the service, for the names of these files.
        interval_s: the least time between two bodies; 0 for no pacing.
        hold: hold the lock during the body (one connection at a time), not only until it starts.
        timeout_s: raise `RateLimited` if other processes hold the lock for longer.
    """
    if interval_s <= 0:
        yield
        return
    user = str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    stamps = [place / f"{name}.last" for place in (SHARED / f"ml-intern-pace-{user}", folder) if _usable(place)]
    if not stamps:  # without a shared folder each process keeps the interval by itself
        sleep(interval_s)
    with _locked(stamps, timeout_s) as locks:
        sleep(max((_remaining(stamp, interval_s) for stamp in stamps), default=0.0))
        _touch(stamps)
        if not hold:
            locks.close()
        yield
        if hold:
            _touch(stamps)


@contextmanager
def _locked(stamps: list[Path], timeout_s: float) -> Iterator[ExitStack]:
    """Hold all locks, taken in the same order by every process; the caller may release them early."""
    from filelock import FileLock, Timeout

    ends_at = time.monotonic() + timeout_s
    with ExitStack() as locks:
        for stamp in stamps:
            try:
                locks.enter_context(FileLock(stamp.with_suffix(".lock")).acquire(timeout=max(ends_at - time.monotonic(), 0)))
            except Timeout as err:
                message = f"other processes have kept {stamp.stem} busy for {timeout_s:.0f} s"
                raise RateLimited(message, hint="try again later") from err
        yield locks


def _usable(folder: Path) -> bool:
    """Whether the folder exists or could be made, is writable, and belongs to this user: in /tmp others may have created it."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.lstat()
        owned = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        return owned and stat.S_ISDIR(status.st_mode) and os.access(folder, os.W_OK | os.X_OK)
    return False


def _remaining(stamp: Path, interval_s: float) -> float:
    """Seconds until the next turn, never more than one interval.

    The clock that shows less passed time counts: the wall clock may be set, and the monotonic clock restarts with the machine. A
    stored time in the future is ignored.
    """
    try:
        passed = [time.time() - stamp.stat().st_mtime, time.monotonic() - float(stamp.read_text("ascii"))]
    except OSError:
        return 0.0
    except ValueError:
        return interval_s
    return max(interval_s - min((each for each in passed if each >= 0), default=0.0), 0.0)


def _touch(stamps: list[Path]) -> None:
    for stamp in stamps:
        with suppress(OSError):
            stamp.write_text(repr(time.monotonic()), "ascii")
