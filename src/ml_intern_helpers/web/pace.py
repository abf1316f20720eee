"""Paces requests across processes: to arXiv, all agents on one machine are one client, whatever their cache folders."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ml_intern_helpers.core.errors import RateLimited

#: A folder that all processes of a user share, whatever their HOME, TMPDIR and cache folder.
SHARED = Path("/tmp")


@contextmanager
def paced(
    folder: Path, name: str, interval_s: float, *, hold: bool, timeout_s: float, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Run the body at least `interval_s` seconds after the previous body of any process of this user.

    Any process is one on this machine, or one elsewhere that has the same `folder` (nodes of a cluster share a home).

    Args:
        folder: holds one lock file and one time stamp per service, as does one in `SHARED`.
        hold: hold the lock during the body (a single connection at a time), else only while waiting for the turn.
        timeout_s: raise `RateLimited` when other processes hold the lock for longer.
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
    """All locks, taken in the same order by every process; the caller may release them early."""
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
    """Whether the folder exists or could be made, is writable, and is this user's: in /tmp anybody may have made it."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = folder.lstat()
        owned = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        return owned and stat.S_ISDIR(status.st_mode) and os.access(folder, os.W_OK | os.X_OK)
    return False


def _remaining(stamp: Path, interval_s: float) -> float:
    """Seconds until the next turn, never more than one interval.

    Of two clocks, the one by which less time has passed counts: the wall clock may be set, the monotonic one restarts with
    the machine. A time in the future is ignored.
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
