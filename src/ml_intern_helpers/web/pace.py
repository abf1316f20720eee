"""Politeness held across processes: four agents on one machine are one client to arXiv, whatever their homes and caches."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ml_intern_helpers.core.errors import RateLimited

#: The place that all processes of a user see, whatever HOME, TMPDIR and the cache folder of each of them.
SHARED = Path("/tmp")


@contextmanager
def paced(
    folder: Path,
    name: str,
    interval_s: float,
    *,
    hold: bool,
    timeout_s: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Run the body at least `interval_s` seconds after the previous body of any process of this user.

    Any process is one on this machine, or one elsewhere that has the same `folder` (nodes of a cluster share a home).

    Args:
        folder: holds one lock file and one time stamp per service, as does one in `SHARED`.
        hold: keep the lock during the body (a single connection at a time), else only while waiting for the turn.
        timeout_s: give up with `RateLimited` when other processes keep the turn for longer.
    """
    if interval_s <= 0:
        yield
        return
    stamps = [place / f"{name}.last" for place in (SHARED / f"ml-intern-pace-{_user()}", folder) if _ours(place)]
    if not stamps:  # no disk to agree on: keep the distance by ourselves
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
    """All of the locks, taken in the same order by everybody; the caller may give them back early."""
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


def _ours(folder: Path) -> bool:
    """Whether the folder is there, or could be made, takes files, and is nobody else's: in /tmp anybody may have made it."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        look = folder.lstat()
        owned = not hasattr(os, "getuid") or look.st_uid == os.getuid()
        return owned and stat.S_ISDIR(look.st_mode) and os.access(folder, os.W_OK | os.X_OK)
    return False


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


def _remaining(stamp: Path, interval_s: float) -> float:
    """Seconds until the next turn, never more than one interval.

    Two clocks are asked, and the one by which less time has passed counts: the wall's may be set, the machine's own starts
    again with the machine. A time from the future says nothing.
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
