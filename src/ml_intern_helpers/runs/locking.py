"""One writer at a time for a `.ml-intern` folder. The system drops the lock with its process, so a kill leaves none behind."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_intern_helpers.core.errors import ToolError, Unavailable

NAME = "lock"
#: Writing takes milliseconds; whoever holds the lock longer is stopped (Ctrl-Z, a debugger), which the user must hear.
LONGEST_WAIT_S = 10.0
_STEP_S = 0.01


class Held(Unavailable):
    """Another process keeps the lock."""


@contextmanager
def locked(folder: Path, *, timeout_s: float = LONGEST_WAIT_S) -> Iterator[None]:
    """Hold the folder's lock during the body; the folder is made when it is missing.

    Raises:
        Unavailable: it cannot be written.
        Held: another process keeps the lock for longer than `timeout_s`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
    except OSError as err:
        raise cannot_write(folder, err) from err
    try:
        _acquire(descriptor, folder, time.monotonic() + timeout_s)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, folder: Path, ends_at: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as err:
            if err.errno not in (errno.EWOULDBLOCK, errno.EINTR):
                raise cannot_write(folder, err) from err
        if time.monotonic() >= ends_at:
            hint = f"see who has it open (`lsof {folder / NAME}`), end or continue that process, and try again"
            raise Held(f"another process holds the lock of {folder}", hint=hint)
        time.sleep(_STEP_S)


def cannot_write(path: Path, err: OSError) -> ToolError:
    """The error for what could not be written: what, why, what to do about that."""
    hints = {
        errno.ENOSPC: "free some disk space; nothing that was there is lost",
        errno.EDQUOT: "free some of your quota; nothing that was there is lost",
        errno.EFBIG: "the limit on file sizes (`ulimit -f`) is reached; nothing that was there is lost",
        errno.EROFS: "this file system is read-only: work in a folder that can be written",
        errno.EACCES: "make it writable for you (`ls -ld` shows whose it is)",
        errno.ELOOP: "a symbolic link stands in its place: remove the link",
        errno.ENOTDIR: "a file stands where a folder is needed: move it away",
        errno.EEXIST: "a file stands where a folder is needed: move it away",
        errno.EISDIR: "a folder stands where a file is needed: move it away",
    }
    hint = hints.get(err.errno or 0, "check the folder and try again")
    return Unavailable(f"{path} could not be written: {err.strerror or err}", hint=hint)
