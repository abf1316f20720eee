"""Politeness held across processes: four agents on one machine are one client to arXiv."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ml_intern_helpers.errors import RateLimited


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

    Args:
        folder: holds one lock file and one time stamp per service.
        hold: keep the lock during the body (a single connection at a time), else only while waiting for the turn.
        timeout_s: give up with `RateLimited` when other processes keep the turn for longer.
    """
    if interval_s <= 0:
        yield
        return
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=timeout_s)
    except Timeout as err:
        raise RateLimited(f"other processes have kept {name} busy for {timeout_s:.0f} s", hint="try again later") from err
    try:
        stamp = folder / f"{name}.last"
        sleep(_remaining(stamp, interval_s))
        _touch(stamp)
        if hold:
            yield
            _touch(stamp)
            return
    finally:
        lock.release()
    yield


def _remaining(stamp: Path, interval_s: float) -> float:
    """Seconds until the next turn; a stamp from the future (a clock set back) costs one interval at most."""
    try:
        passed = time.time() - stamp.stat().st_mtime
    except OSError:
        return 0.0
    return min(max(interval_s - passed, 0.0), interval_s)


def _touch(stamp: Path) -> None:
    with suppress(OSError):
        stamp.touch()
