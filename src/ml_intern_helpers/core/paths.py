"""The folders of our files on the user's machine, and atomic writes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def cache_dir() -> Path:
    """`$ML_INTERN_CACHE`, else `$XDG_CACHE_HOME/ml-intern`, else `~/.cache/ml-intern` (as `scripts/launch` computes it)."""
    own = os.environ.get("ML_INTERN_CACHE")
    if own:
        return Path(own)
    return _user_cache() / "ml-intern"


def data_dir() -> Path:
    """The folder of what a user wrote, which no cache cleaner may delete.

    `$ML_INTERN_DATA`, else `$XDG_DATA_HOME/ml-intern`, else `~/.local/share/ml-intern`.
    """
    own = os.environ.get("ML_INTERN_DATA")
    if own:
        return expanded(own)
    base = os.environ.get("XDG_DATA_HOME")
    return (expanded(base) if base else _home() / ".local/share") / "ml-intern"


def hf_home() -> Path:
    """The Hub client's folder of tokens and files: `$HF_HOME`, `$XDG_CACHE_HOME/huggingface`, `~/.cache/huggingface`."""
    own = os.environ.get("HF_HOME")
    return expanded(own) if own else _user_cache() / "huggingface"


def hf_cache() -> Path:
    """The Hub client's folder of downloads: `$HF_HUB_CACHE`, `$HUGGINGFACE_HUB_CACHE`, `hub` in its home."""
    own = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return expanded(own) if own else hf_home() / "hub"


def expanded(path: str) -> Path:
    """`path` with `~` and `$VARIABLES` replaced, as the Hub's client does with the paths it takes from the environment."""
    return Path(os.path.expandvars(os.path.expanduser(path)))


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return expanded(base) if base else _home() / ".cache"


def _home() -> Path:
    home = os.path.expanduser("~")
    if home == "~":  # a container's user may have no home at all; the temporary folder then serves as one
        import tempfile

        home = tempfile.gettempdir()
    return Path(home)


def write_atomic(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Write `data` so that a reader sees the old file or the new one, never a partial one.

    With `durable` the data and the name are on the disk when this returns: an agreement must survive a power failure.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o777 if durable else 0o700)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        with aside.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(aside, path)
        if durable:
            sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable; ignored on file systems that cannot do it (some network ones)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
