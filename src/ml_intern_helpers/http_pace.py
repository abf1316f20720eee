"""Politeness held across processes: four agents on one machine are one client to arXiv."""

from __future__ import annotations

import os
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

    usable = _usable(folder)
    if usable is None:  # no disk to agree on: keep the distance by ourselves
        sleep(interval_s)
        yield
        return
    lock, stamp = FileLock(usable / f"{name}.lock"), usable / f"{name}.last"
    try:
        lock.acquire(timeout=timeout_s)
    except Timeout as err:
        raise RateLimited(f"other processes have kept {name} busy for {timeout_s:.0f} s", hint="try again later") from err
    try:
        sleep(_remaining(stamp, interval_s))
        _touch(stamp)
        if hold:
            yield
            _touch(stamp)
            return
    finally:
        lock.release()
    yield


def _usable(folder: Path) -> Path | None:
    """`folder`, else one in the temporary folder (a read-only home must not cost the politeness), else None."""
    if _writable(folder):
        return folder
    import tempfile

    other = Path(tempfile.gettempdir()) / f"ml-intern-pace-{_user()}"
    return other if _writable(other) else None


def _writable(folder: Path) -> bool:
    """Whether the folder is there, or could be made, and takes files."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.access(folder, os.W_OK | os.X_OK)
    return False


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")


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
