"""Where the page goes. A file that is not a report of ours is never overwritten unasked."""

from __future__ import annotations

from pathlib import Path

from ml_intern_helpers.core.errors import ToolError, UsageError
from ml_intern_helpers.core.paths import write_atomic
from ml_intern_helpers.core.text import clean

#: The beginning of every page of ours; what starts otherwise is somebody else's.
MARK = b"<!doctype html>\n<!-- ml-intern/inspect_dataset report v1 -->"


class NotWritten(ToolError):
    """The page could not be written."""

    code = "not-written"


def check(text: str, *, force: bool) -> Path:
    """The file to write, before any work is done for it.

    Raises:
        UsageError: a folder, a device, a folder that is not there, or a file that is no report of ours.
    """
    path = Path(text).expanduser()
    shown = clean(text, limit=200)
    try:
        path = path.resolve()  # through a link, to what would be replaced
        if path.is_dir() or (path.exists() and not path.is_file()):
            raise UsageError(f"--html {shown}: that is a folder or a device", hint="name a file, such as report.html")
        if not path.parent.is_dir():
            raise UsageError(
                f"--html {shown}: there is no folder {clean(path.parent, limit=200)}", hint="make it, or name another"
            )
        if path.exists() and not force and not _is_ours(path):
            hint = "name another file, or add --force to replace it"
            raise UsageError(f"--html {shown}: the file is there and is no report of inspect_dataset", hint=hint)
    except (OSError, ValueError, RuntimeError) as err:
        raise UsageError(f"--html {shown} cannot be written: {clean(err, limit=150)}", hint="name another file") from err
    return path


def write(path: Path, page: str) -> int:
    """Write the page at once, whole or not at all; its size in bytes.

    Raises:
        NotWritten: the disk is full, or the folder may not be written to.
    """
    data = page.encode("utf-8")
    try:
        write_atomic(path, data)
    except OSError as err:
        told = f"{clean(path, limit=200)} was not written: {err.strerror or type(err).__name__}"
        raise NotWritten(told, hint="free some space, or name another file") from err
    return len(data)


def _is_ours(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(MARK)) == MARK or path.stat().st_size == 0
