"""Where files of ours live on the user's machine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def cache_dir() -> Path:
    """`$ML_INTERN_CACHE`, else `$XDG_CACHE_HOME/ml-intern`, else `~/.cache/ml-intern` (as `scripts/launch` computes it)."""
    own = os.environ.get("ML_INTERN_CACHE")
    if own:
        return Path(own)
    return _user_cache() / "ml-intern"


def hf_home() -> Path:
    """Where the Hub's client keeps tokens and files: `$HF_HOME`, `$XDG_CACHE_HOME/huggingface`, `~/.cache/huggingface`."""
    own = os.environ.get("HF_HOME")
    return expanded(own) if own else _user_cache() / "huggingface"


def hf_cache() -> Path:
    """Where the Hub's client keeps downloads: `$HF_HUB_CACHE`, `$HUGGINGFACE_HUB_CACHE`, `hub` in its home."""
    own = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return expanded(own) if own else hf_home() / "hub"


def expanded(path: str) -> Path:
    """`path` with `~` and `$VARIABLES` replaced, as the Hub's client does with the paths it takes from the environment."""
    return Path(os.path.expandvars(os.path.expanduser(path)))


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    if base:
        return expanded(base)
    home = os.path.expanduser("~")
    # A container's user may have no home at all; the temporary folder then serves as one.
    return Path(home if home != "~" else tempfile.gettempdir()) / ".cache"


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` so that a reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        aside.write_bytes(data)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
