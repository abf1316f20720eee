"""Locates our folders and the Hub client's on the user's machine, and writes files atomically."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def cache_dir() -> Path:
    """`$ML_INTERN_CACHE`, else `$XDG_CACHE_HOME/ml-intern`, else `~/.cache/ml-intern` (as `scripts/launch` computes it)."""
    configured = os.environ.get("ML_INTERN_CACHE")
    if configured:
        return Path(configured)
    return _user_cache() / "ml-intern"


def data_dir() -> Path:
    """The folder of data that the user wrote, which no cache cleaner may delete.

    `$ML_INTERN_DATA`, else `$XDG_DATA_HOME/ml-intern`, else `~/.local/share/ml-intern`.
    """
    configured = os.environ.get("ML_INTERN_DATA")
    if configured:
        return expanded(configured)
    base = os.environ.get("XDG_DATA_HOME")
    return (expanded(base) if base else _home() / ".local/share") / "ml-intern"


def hf_home() -> Path:
    """The Hub client's folder of tokens and files: `$HF_HOME`, `$XDG_CACHE_HOME/huggingface`, `~/.cache/huggingface`."""
    configured = os.environ.get("HF_HOME")
    return expanded(configured) if configured else _user_cache() / "huggingface"


def hf_cache() -> Path:
    """The Hub client's folder of downloads: `$HF_HUB_CACHE`, `$HUGGINGFACE_HUB_CACHE`, `hub` in its home."""
    configured = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return expanded(configured) if configured else hf_home() / "hub"


def expanded(path: str) -> Path:
    """`path` with `~` and `$VARIABLES` replaced, as the Hub's client does with the paths it takes from the environment."""
    return Path(os.path.expandvars(os.path.expanduser(path)))


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return expanded(base) if base else _home() / ".cache"


def _home() -> Path:
    home = os.path.expanduser("~")
    if home == "~":  # a user without a home (in a container): use the temporary folder
        import tempfile

        home = tempfile.gettempdir()
    return Path(home)


def write_atomic(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write `data` so that a reader sees the old file or the new one, never a partial one.

    With `durable` the data and the name are on the disk when this returns: an agreement must survive a power failure.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o777 if durable else 0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable:
            sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable; ignored on file systems that cannot do it (some network ones)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
