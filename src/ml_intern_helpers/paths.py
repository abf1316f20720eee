"""Where files of ours live on the user's machine."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """`$ML_INTERN_CACHE`, else `$XDG_CACHE_HOME/ml-intern`, else `~/.cache/ml-intern` (as `scripts/launch` computes it)."""
    own = os.environ.get("ML_INTERN_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ml-intern"


def hf_home() -> Path:
    """Where the Hub's client keeps tokens and files: `$HF_HOME`, `$XDG_CACHE_HOME/huggingface`, `~/.cache/huggingface`."""
    own = os.environ.get("HF_HOME")
    if own:
        return Path(own).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base).expanduser() if base else Path.home() / ".cache") / "huggingface"


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` so that a reader sees the old file or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        aside.write_bytes(data)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
