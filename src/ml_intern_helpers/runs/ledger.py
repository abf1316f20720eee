"""Reads and appends to the run ledger `.ml-intern/runs.jsonl`: one line per launch, further lines for its outcome.

Lines are never rewritten. When `append` returns, its lines are completely on disk: at the end of the ledger, or in a pending file
beside it if another process holds the lock, because a hook may not wait long and must not lose what it has seen. The next writer
with the lock moves pending lines into the ledger. A process killed while writing leaves at most the beginning of a line that was
never acknowledged, which the next writer removes. Reading needs no lock.
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

#: About fifty thousand launches; reading a larger ledger would noticeably delay every launch.
MAX_BYTES = 64 * 1024 * 1024
MAX_LINE_BYTES = 256 * 1024
_BLOCK = 64 * 1024
#: After this wait a line goes into a pending file; a hook that writes several lines must finish within the client's limit.
_LONGEST_WAIT_S = 2.0
#: Files of pending lines: the beginning of their names, and their largest size.
_PENDING, _MOST_PENDING_BYTES = f"{project_files.LEDGER}.late-", 4 * 1024 * 1024
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True)
class Lines:
    """The content of a ledger.

    Attributes:
        entries: the lines that are objects, in the order of the file.
        damaged: numbers of the other lines, except an incomplete last one, which was never acknowledged.
        torn: whether the last line is incomplete.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    torn: bool = False


def read(folder: Path) -> Lines:
    """The ledger of `folder` (`.ml-intern`); an empty one where there is none.

    Raises:
        BadData: it is not a file, is too large, or may not be read. Damaged lines raise nothing.
    """
    # Pending files are read first: a line that is moved meanwhile is then seen twice, and not missed.
    pending = [_lines(_pending_content(path)) for path in _pending_files(folder)]
    ledger = _on_file(folder / project_files.LEDGER)
    pending_entries = (entry for lines in pending for entry in lines.entries if entry not in ledger.entries)
    return replace(ledger, entries=[*ledger.entries, *pending_entries]) if pending else ledger


def _on_file(path: Path) -> Lines:
    try:
        if not os.path.lexists(path):
            return Lines()
        if not path.is_file():
            raise BadData(f"{path} is not a file", hint="move it away")
        if path.stat().st_size > MAX_BYTES:
            raise BadData(
                f"{path} is larger than {MAX_BYTES // 2**20} MiB", hint="move it to another name; a new one is then started"
            )
        data = path.read_bytes()
    except OSError as err:
        raise BadData(f"{path} cannot be read: {err.strerror}", hint="make it readable for you (`ls -l`)") from err
    return _lines(data)


def append(folder: Path, *entries: dict[str, Any], timeout_s: float = _LONGEST_WAIT_S) -> None:
    """Put `entries` at the end of the ledger, all or none; they are on the disk when this returns.

    If another process holds the lock for longer than `timeout_s`, they go into a pending file. Existing pending files show that
    another writer has just given up on the lock; this one then does not wait at all.

    Raises:
        UsageError: an entry has no id, or is too long for a line.
        Unavailable: the folder cannot be written (disk full); the ledger is unchanged.
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
    """Append `data` after all pending lines; the caller holds the lock."""
    path = folder / project_files.LEDGER
    pending_files = [pending for pending in _pending_files(folder) if _pending_content(pending)]
    # Skip lines already moved by a writer that was killed before it could remove their pending file.
    present = _on_file(path).entries if pending_files else []
    lines = (line for pending in pending_files for line in _pending_content(pending).splitlines(keepends=True))
    data = b"".join(line for line in lines if _parsed(line) not in present) + data
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
                os.ftruncate(descriptor, end)  # an incomplete line would merge with the next one
                raise
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(folder)
    except OSError as err:
        raise cannot_write(path, err) from err
    for pending in pending_files:
        with suppress(OSError):
            pending.unlink()


def encoded(entry: dict[str, Any]) -> bytes:
    """The line of an entry, with a time stamp and without tokens.

    Raises:
        UsageError: it has no id, contains a value that JSON does not have (NaN), or is too long.
    """
    if not isinstance(entry.get("id"), str) or not entry["id"]:
        raise UsageError("a line of the ledger needs an id", hint="this is a bug of the caller")
    try:
        text = json.dumps({"at": stamp(now()), **_redacted(entry)}, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError) as err:
        raise UsageError(
            f"this entry cannot be written to the ledger: {clean(err, limit=100)}", hint="this is a bug of the caller"
        ) from err
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
    """The offset to continue at and the bytes to insert first: an incomplete last line is cut off, a missing line break added."""
    start, tail = size, b""
    while start > 0 and b"\n" not in tail and len(tail) <= MAX_LINE_BYTES:
        start = max(0, start - _BLOCK)
        tail = os.pread(descriptor, size - start, start)
    line = tail.rpartition(b"\n")[2]
    if not line or len(line) > MAX_LINE_BYTES:  # too long to be ours: keep it as a line of its own
        return size, b"\n" if line else b""
    is_ours = line.startswith(b"{")  # a note written by hand stays and gets its line break
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
    """The entry on a line; None if it is not an object with an id."""
    if len(line) > MAX_LINE_BYTES:
        return None
    try:
        entry = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("id"), str) else None


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _pending_files(folder: Path) -> list[Path]:
    """The pending files, oldest first (their names sort by time); none where the folder cannot be listed."""
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.name.startswith(_PENDING))
    return []


def _pending_content(path: Path) -> bytes:
    """The lines of a pending file; empty if it has just been moved, is incomplete or is not a file of ours."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_size <= _MOST_PENDING_BYTES:
                data = file.read()
                return data if data.endswith(b"\n") else b""
    return b""
