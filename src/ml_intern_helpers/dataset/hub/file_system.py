"""The Hub's files as a file system, through the Hub's own client; the bytes read are counted."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from ml_intern_helpers.core.tokens import hf_token
from ml_intern_helpers.web.services import HUB


def system() -> Any:
    """An `HfFileSystem` with `bytes_read`, the bytes fetched of files so far."""
    prepare()
    from huggingface_hub import HfFileSystem
    from huggingface_hub.hf_file_system import HfFileSystemFile

    # Made here: the classes they build on are slow to import, and only some answers need them.
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
            # DuckDB opens without a size, and asks for whole column chunks: reading ahead of it would fetch others' columns.
            ahead = {"cache_type": "readahead", "block_size": block_size} if block_size else {"cache_type": "none"}
            return CountedFile(self, path, mode=mode, revision=revision, **{**more, **ahead})

        def modified(self, path: str, **_: Any) -> datetime:
            """One moment for all: DuckDB asks whether what it holds is stale, which would cost a request for each file."""
            return datetime.fromtimestamp(0, tz=UTC)

    return CountedSystem(endpoint=HUB.base_url, token=hf_token() or False)


def prepare() -> None:
    """Set before the first import of `huggingface_hub`: it asks the Hub for a list of agents and names ours otherwise."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
