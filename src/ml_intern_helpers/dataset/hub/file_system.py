"""Opens the Hub's files as a file system, through the Hub's own client, and counts the bytes read."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from ml_intern_helpers.core.tokens import hf_token
from ml_intern_helpers.web.services import HUB


def system() -> Any:
    """An `HfFileSystem` with the attribute `bytes_read`, the bytes of files fetched so far."""
    prepare()
    from huggingface_hub import HfFileSystem
    from huggingface_hub.hf_file_system import HfFileSystemFile

    # The classes are defined here because their base classes are slow to import and rarely needed.
    class CountedFile(HfFileSystemFile):
        def _fetch_range(self, start: int, end: int) -> bytes:
            data: bytes = super()._fetch_range(start, end)
            self.fs.bytes_read += len(data)
            return data

    class CountedSystem(HfFileSystem):
        cachable = False
        bytes_read = 0

        def _open(
            self, path: str, mode: str = "rb", block_size: int | None = None, revision: str | None = None, **more: Any
        ) -> HfFileSystemFile:
            # DuckDB gives no block size and asks for whole column chunks: reading ahead would fetch columns it does not need.
            cache = {"cache_type": "readahead", "block_size": block_size} if block_size else {"cache_type": "none"}
            return CountedFile(self, path, mode=mode, revision=revision, **{**more, **cache})

        def modified(self, path: str, **_: Any) -> datetime:
            """The same time for every file: DuckDB asks whether its copy is stale, which would cost a request for each file."""
            return datetime.fromtimestamp(0, tz=UTC)

    return CountedSystem(endpoint=HUB.base_url, token=hf_token() or False)


def prepare() -> None:
    """Set variables that `huggingface_hub` reads on import: no telemetry (which would report the agent), no progress bars."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
