"""The files a user asks for: checked before any request is made, written whole or not at all, nothing overwritten unasked."""

from __future__ import annotations

from pathlib import Path

from ml_intern_helpers.core.errors import ToolError, UsageError
from ml_intern_helpers.core.paths import write_atomic
from ml_intern_helpers.core.text import clean


class NotWritten(ToolError):
    """The file could not be written."""

    code = "not-written"


def check(option: str, name: str, *, force: bool) -> Path:
    """The file that `option` names.

    Raises:
        UsageError: a folder or device, a folder that is not there, or a file or link that is there and `--force` is not given.
    """
    shown = clean(name, limit=200)
    try:
        named = Path(name).expanduser()
        path = named.resolve()
        if path.is_dir() or (path.exists() and not path.is_file()):
            raise UsageError(f"{option} {shown}: that is a folder or a device", hint="name a file")
        if not path.parent.is_dir():
            raise UsageError(
                f"{option} {shown}: there is no folder {clean(path.parent, limit=200)}", hint="make it, or name another"
            )
        if not force:
            _check_free(option, named, path)
    except (OSError, ValueError, RuntimeError) as err:
        raise UsageError(f"{option} {shown} cannot be written: {clean(err, limit=150)}", hint="name another file") from err
    return path


def _check_free(option: str, named: Path, path: Path) -> None:
    """A link that comes with a checkout may lead anywhere, also to a file that is not there yet."""
    there, shown = path.exists(), clean(named, limit=200)
    if there and path.stat().st_size:
        raise UsageError(f"{option} {shown}: the file is there", hint="name another file, or add --force to replace it")
    if named.is_symlink():
        told = f"{option} {shown} is a link to {clean(path, limit=200)}"
        raise UsageError(told, hint="name that file itself, or add --force")


def write(path: Path, text: str) -> dict[str, str | int]:
    """Write it; what was written, as an object of the answer."""
    data = text.encode("utf-8")
    try:
        write_atomic(path, data)
    except OSError as err:
        told = f"{clean(path, limit=200)} was not written: {err.strerror or type(err).__name__}"
        raise NotWritten(told, hint="free some space, or name another file") from err
    return {"path": clean(path, limit=400), "size_bytes": len(data)}
