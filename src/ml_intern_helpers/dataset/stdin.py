"""Saves rows from standard input (`-`) to a temporary file, which is then inspected like any other file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from ml_intern_helpers.core.errors import BadData, ToolError, UsageError
from ml_intern_helpers.core.text import human_bytes
from ml_intern_helpers.dataset.local.bounds import MIB, MOST_BYTES, Warn
from ml_intern_helpers.dataset.local.csv_table import table_ending
from ml_intern_helpers.dataset.local.files import PACKED
from ml_intern_helpers.dataset.sample import Sample

NAME = "-"
SHOWN = "standard input"
#: Bytes to leave free on the disk.
_SPARE_BYTES = 1024 * MIB
_BLOCK = 4 * MIB
#: Bytes read to recognise the format.
_HEAD_BYTES = 64 * 1024
_BINARY = {b"PAR1": ".parquet", b"ARROW1": ".arrow"}


@contextmanager
def spooled(dataset: str, warn: Warn, *, whole: bool) -> Iterator[str]:
    """The path to inspect: a temporary file with the rows from standard input if `dataset` is `-`, otherwise `dataset` itself.

    Args:
        whole: whether to save everything, or only as much as a sample needs.

    Raises:
        UsageError: standard input is a terminal or closed. BadData: it is empty or cannot be used. ToolError: errors about the
            temporary file, which are raised again with "standard input" in place of its path.
    """
    if dataset != NAME:
        yield dataset
        return
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise UsageError(
            "`-` reads rows from standard input, but nothing is piped in",
            hint="for example: zcat rows.jsonl.gz | inspect_dataset -",
        )
    stream = sys.stdin.buffer
    with tempfile.TemporaryDirectory(prefix="ml-intern-stdin-") as folder:
        path = _saved(stream, Path(folder), warn, whole=whole)
        try:
            yield str(path)
        except ToolError as err:
            err.message = err.message.replace(str(path), SHOWN)
            raise


def _saved(stream: IO[bytes], folder: Path, warn: Warn, *, whole: bool) -> Path:
    """Copy `stream` to a file whose suffix shows its format."""
    path = folder / "stdin"
    limit = shutil.disk_usage(folder).free - _SPARE_BYTES if whole else MOST_BYTES
    size = 0
    with path.open("wb") as file:
        while block := stream.read(_BLOCK):
            file.write(block)
            size += len(block)
            if size >= limit:
                break
    if size >= limit and stream.read(1):
        # Drop the last line, which may be incomplete.
        if whole:
            raise BadData(
                f"standard input is larger than the free disk space ({human_bytes(limit)})", hint="set TMPDIR to a larger disk"
            )
        with path.open("r+b") as rows:
            rows.seek(max(path.stat().st_size - 64 * MIB, 0))
            start, tail = rows.tell(), rows.read()
            rows.truncate(start + tail.rfind(b"\n") + 1)
        warn(f"only the first {human_bytes(limit)} of standard input were read: --full reads all of it")
    if not size:
        raise BadData("standard input is empty", hint="check the command before the pipe")
    return path.rename(path.with_suffix(_suffix(path)))


def _suffix(path: Path) -> str:
    """The suffix for the format that the first bytes show; the reader tells JSON and JSON Lines apart.

    Raises:
        BadData: the input is compressed, or its format is not recognised.
    """
    with path.open("rb") as rows:
        head = rows.read(_HEAD_BYTES)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"["):
        return ".json"
    for signature, tool in PACKED.items():
        if head.startswith(signature):
            raise BadData("standard input is compressed", hint=f"decompress it first: {tool} FILE | inspect_dataset -")
    ending = next((ending for signature, ending in _BINARY.items() if head.startswith(signature)), None)
    ending = ending or table_ending(head, whole=len(head) < _HEAD_BYTES)
    if ending is None:
        hint = "JSON Lines, JSON, Parquet, Arrow, CSV and TSV (names, then two rows) are recognised; save other formats to a file"
        raise BadData("standard input has an unsupported file format", hint=hint)
    return ending


def named_stdin(sample: Sample) -> Sample:
    """`sample` with "standard input" in place of the temporary file's path."""
    path = sample.dataset
    file_name = f"rows{'.jsonl' if sample.source.kind == 'jsonl' else Path(path).suffix}"
    load = sample.load.replace(repr(path), f'"{file_name}"').replace(f'"{path}"', f'"{file_name}"')
    return replace(
        sample,
        dataset=SHOWN,
        source=replace(sample.source, where=SHOWN),
        load=f"{load}  # with what was piped in saved as {file_name}",
        splits=[replace(item, split=item.split.replace(path, SHOWN)) for item in sample.splits],
        findings=[item._replace(file=SHOWN if item.file == path else item.file) for item in sample.findings],
    )
