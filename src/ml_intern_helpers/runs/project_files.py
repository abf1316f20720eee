"""The folder `.ml-intern` of a project, which keeps what was agreed and what was launched: how it is found, and its lock.

It is looked for as pre-flight looks for it. The lock admits one writer at a time; the system drops it when its process ends, so a
process that is killed leaves none behind.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ml_intern_helpers.core.errors import ToolError, Unavailable

FOLDER = ".ml-intern"
TASK = "task.json"
LEDGER = "runs.jsonl"


def task_path(*starts: Path) -> Path | None:
    """The nearest task file of the folders `starts` (a script's, then the working one), each up to its repository's root.

    What lies there under that name counts, whatever it is: a folder or a broken link is a fault to tell, not an absence.
    """
    return next((path for folder in _chain(starts) if os.path.lexists(path := folder / FOLDER / TASK)), None)


def home(*starts: Path) -> Path:
    """The `.ml-intern` folder that belongs to `starts`: beside the task file, else the nearest, else a new one in the first."""
    found = task_path(*starts)
    if found is not None:
        return found.parent
    existing = next((folder / FOLDER for folder in _chain(starts) if (folder / FOLDER).is_dir()), None)
    return existing or starts[0].absolute() / FOLDER


def _chain(starts: tuple[Path, ...]) -> Iterator[Path]:
    """Each folder with what is above it in its repository; nothing above it where there is no repository."""
    for start in starts:
        try:
            folder = start.resolve()
        except (OSError, RuntimeError):
            continue
        above = [folder, *folder.parents]
        roots = [index for index, one in enumerate(above) if os.path.lexists(one / ".git")]
        yield from above[: roots[0] + 1] if roots else above[:1]


_LOCK = "lock"
#: Writing takes milliseconds: a process that keeps the lock longer is stopped (Ctrl-Z, a debugger), and the user is told so.
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
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
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
            hint = f"see who has it open (`lsof {folder / _LOCK}`), end or continue that process, and try again"
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
