"""The run ledger `.ml-intern/runs.jsonl`: one line per launch, further lines for what became of it; nothing is rewritten.

A line is on the disk, whole, when `append` returns: at the end of the ledger, or in a pending file of its own beside it where
another process keeps the lock. A hook may not wait for long, and what it has seen of a job is seen once; the next writer that
gets the lock takes the pending lines in. A process that is killed half-way leaves at most the beginning of a line that was never
acknowledged; the next writer removes it. Reading needs no lock.
"""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from ml_intern_helpers.core.errors import BadData, UsageError
from ml_intern_helpers.core.paths import sync_folder, write_atomic
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.core.tokens import blanked
from ml_intern_helpers.runs import project_files
from ml_intern_helpers.runs.project_files import Held, cannot_write, locked
from ml_intern_helpers.runs.timestamps import now, stamp

#: A ledger of this size holds some fifty thousand launches; reading more at every launch would be felt.
MAX_BYTES = 64 * 1024 * 1024
MAX_LINE_BYTES = 256 * 1024
_BLOCK = 64 * 1024
#: After this a line goes beside the ledger: a hook that writes more than one line must finish before the client ends it.
_LONGEST_WAIT_S = 2.0
#: Pending lines of a writer that did not get the lock: the beginning of the file's name, and its largest size.
_PENDING, _MOST_PENDING_BYTES = f"{project_files.LEDGER}.late-", 4 * 1024 * 1024
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True)
class Lines:
    """What a ledger holds.

    Attributes:
        entries: the lines that are objects, in the order of the file.
        damaged: numbers of the lines that are not (a torn last one, which was never acknowledged, is left out).
        torn: the file ends within a line.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    torn: bool = False


def read(folder: Path) -> Lines:
    """The ledger of `folder` (`.ml-intern`); an empty one where there is none.

    Raises:
        BadData: it is no file, too large, or may not be read. Never for what stands in its lines.
    """
    # Looked at first: a line that is taken in meanwhile then stands in both, and not in neither.
    waiting = [_lines(_pending_content(path)) for path in _pending_files(folder)]
    found = _on_file(folder / project_files.LEDGER)
    late_ones = (entry for lines in waiting for entry in lines.entries if entry not in found.entries)
    return replace(found, entries=[*found.entries, *late_ones]) if waiting else found


def _on_file(path: Path) -> Lines:
    try:
        if not os.path.lexists(path):
            return Lines()
        if not path.is_file():
            raise BadData(f"{path} is not a file", hint="move it away")
        if path.stat().st_size > MAX_BYTES:
            raise BadData(f"{path} is larger than {MAX_BYTES // 2**20} MiB", hint="move it aside: a new one is begun")
        data = path.read_bytes()
    except OSError as err:
        raise BadData(f"{path} cannot be read: {err.strerror}", hint="make it readable for you (`ls -l`)") from err
    return _lines(data)


def append(folder: Path, *entries: dict[str, Any], timeout_s: float = _LONGEST_WAIT_S) -> None:
    """Put `entries` at the end of the ledger, all or none; they are on the disk when this returns.

    Where another process keeps the lock for longer than `timeout_s` they are put beside it. A writer does not wait at all where
    pending lines show that another one has just given up on the lock.

    Raises:
        UsageError: an entry has no id, or is too long for a line.
        Unavailable: the folder cannot be written (disk full): nothing was added, nothing is lost.
    """
    data = b"".join(map(encoded, entries))
    try:
        with locked(folder, timeout_s=0 if _pending_files(folder) else timeout_s):
            append_locked(folder, data)
    except Held:
        try:
            write_atomic(folder / f"{_PENDING}{time.time_ns():020d}-{os.urandom(4).hex()}", data, durable=True)
        except OSError as err:
            raise cannot_write(folder, err) from err


def append_locked(folder: Path, data: bytes) -> None:
    """As `append`, for whoever holds the lock already; what waits beside the ledger comes first."""
    path = folder / project_files.LEDGER
    waiting = [pending for pending in _pending_files(folder) if _pending_content(pending)]
    # Without the lines of a writer that was killed before it could remove their file.
    known = _on_file(path).entries if waiting else []
    lines = (line for pending in waiting for line in _pending_content(pending).splitlines(keepends=True))
    data = b"".join(line for line in lines if _parsed(line) not in known) + data
    try:
        is_new = not os.path.lexists(path)
        descriptor = os.open(path, _FLAGS, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise BadData(f"{path} is not a file", hint="move it away")
            size = os.fstat(descriptor).st_size
            end, prefix = _mended(descriptor, size)
            try:
                if end != size:
                    os.ftruncate(descriptor, end)
                _write_all(descriptor, prefix + data)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, end)  # half a line must not stay: the next one would be glued to it
                raise
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(folder)
    except OSError as err:
        raise cannot_write(path, err) from err
    for pending in waiting:
        with suppress(OSError):
            pending.unlink()


def encoded(entry: dict[str, Any]) -> bytes:
    """The line of an entry: stamped, tokens blanked.

    Raises:
        UsageError: it has no id, holds what JSON has not (NaN), or is too long.
    """
    if not isinstance(entry.get("id"), str) or not entry["id"]:
        raise UsageError("a line of the ledger needs an id", hint="this is a bug of the caller")
    try:
        text = json.dumps({"at": stamp(now()), **_redacted(entry)}, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError) as err:
        raise UsageError(f"this is no line of a ledger: {clean(err, limit=100)}", hint="this is a bug of the caller") from err
    if len(text) >= MAX_LINE_BYTES:
        raise UsageError("the line is too long for the ledger", hint=f"at most {MAX_LINE_BYTES // 1024} KiB")
    return text.encode("ascii") + b"\n"


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return blanked(value)
    if isinstance(value, dict):
        return {str(key): _redacted(item) for key, item in value.items()}
    return [_redacted(item) for item in value] if isinstance(value, (list, tuple)) else value


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _mended(descriptor: int, size: int) -> tuple[int, bytes]:
    """Where to go on and what to put before: a torn line is cut off, a whole one that lacks its line break gets it."""
    start, tail = size, b""
    while start > 0 and b"\n" not in tail and len(tail) <= MAX_LINE_BYTES:
        start = max(0, start - _BLOCK)
        tail = os.pread(descriptor, size - start, start)
    line = tail.rpartition(b"\n")[2]
    if not line or len(line) > MAX_LINE_BYTES:  # too long to be a line of ours: keep it apart, do not throw it away
        return size, b"\n" if line else b""
    is_ours = line.startswith(b"{")  # a note by hand is no torn line: it gets its line break and stays
    return (size - len(line), b"") if is_ours and _parsed(line) is None else (size, b"\n")


def _lines(data: bytes) -> Lines:
    *whole, last = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    torn = bool(last.strip()) and _parsed(last) is None
    if last.strip() and not torn:
        whole.append(last)
    entries, damaged = [], []
    for number, line in enumerate(whole, start=1):
        entry = _parsed(line)
        if entry is not None:
            entries.append(entry)
        elif line.strip():
            damaged.append(number)
    return Lines(entries, damaged, torn)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """The object on a line; None when there is none that could be ours."""
    if len(line) > MAX_LINE_BYTES:
        return None
    try:
        found = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("id"), str) else None


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _pending_files(folder: Path) -> list[Path]:
    """The pending files, oldest first (their names sort by time); none where the folder cannot be listed."""
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.name.startswith(_PENDING))
    return []


def _pending_content(path: Path) -> bytes:
    """The lines of a pending file; nothing where it has just been taken in, or was not written here."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if stat.S_ISREG(about.st_mode) and about.st_size <= _MOST_PENDING_BYTES:
                data = file.read()
                return data if data.endswith(b"\n") else b""
    return b""
