"""Finds the folder `.ml-intern` of a project, which contains the task and the ledger, and locks it.

The lock admits one writer at a time. The system releases it when its process ends, so a killed process leaves no lock behind.
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

    A folder or a broken link of that name counts as well: it is reported as an error, not as a missing task.
    """
    return next((path for folder in _chain(starts) if os.path.lexists(path := folder / FOLDER / TASK)), None)


def home(*starts: Path) -> Path:
    """The `.ml-intern` for `starts`: that of the nearest task, else the nearest one, else a new one in the first folder."""
    task_file = task_path(*starts)
    if task_file is not None:
        return task_file.parent
    existing = next((folder / FOLDER for folder in _chain(starts) if (folder / FOLDER).is_dir()), None)
    return existing or starts[0].absolute() / FOLDER


def _chain(starts: tuple[Path, ...]) -> Iterator[Path]:
    """Each folder followed by its parents up to the root of its repository; without a repository only the folder itself."""
    for start in starts:
        try:
            folder = start.resolve()
        except (OSError, RuntimeError):
            continue
        above = [folder, *folder.parents]
        roots = [index for index, parent in enumerate(above) if os.path.lexists(parent / ".git")]
        yield from above[: roots[0] + 1] if roots else above[:1]


_LOCK = "lock"
#: Writing takes milliseconds; a process that holds the lock longer is probably suspended (Ctrl-Z, a debugger).
LONGEST_WAIT_S = 10.0
_STEP_S = 0.01


class Held(Unavailable):
    """Another process holds the lock."""


@contextmanager
def locked(folder: Path, *, timeout_s: float = LONGEST_WAIT_S) -> Iterator[None]:
    """Hold the folder's lock during the body; a missing folder is created.

    Raises:
        Unavailable: it cannot be written.
        Held: another process holds the lock for longer than `timeout_s`.
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
    """The error for a path that could not be written, with the reason and what to do."""
    hints = {
        errno.ENOSPC: "free some disk space; existing data is unchanged",
        errno.EDQUOT: "free some of your quota; existing data is unchanged",
        errno.EFBIG: "the limit on file sizes (`ulimit -f`) is reached; existing data is unchanged",
        errno.EROFS: "this file system is read-only: work in a folder that can be written",
        errno.EACCES: "make it writable for you (`ls -ld` shows its owner)",
        errno.ELOOP: "it is a symbolic link, which is not followed: remove the link",
        errno.ENOTDIR: "a file has the name of a needed folder: move it away",
        errno.EEXIST: "a file has the name of a needed folder: move it away",
        errno.EISDIR: "it is a folder, but must be a file: move it away",
    }
    hint = hints.get(err.errno or 0, "check the folder and try again")
    return Unavailable(f"{path} could not be written: {err.strerror or err}", hint=hint)
