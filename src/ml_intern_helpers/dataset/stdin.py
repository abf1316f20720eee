"""Rows from standard input (`-`): kept in a temporary file, so that everything else works on them as on any file."""

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
#: Left free on the disk that takes the rows.
_SPARE_BYTES = 1024 * MIB
_BLOCK = 4 * MIB
#: Bytes read to recognise the format.
_HEAD_BYTES = 64 * 1024
_BINARY = {b"PAR1": ".parquet", b"ARROW1": ".arrow"}


@contextmanager
def spooled(dataset: str, warn: Warn, *, whole: bool) -> Iterator[str]:
    """The path to inspect: of a temporary file with what was piped in for `-`, else `dataset` itself.

    Args:
        whole: keep everything; without it, as much as a sample is drawn from.

    Raises:
        UsageError: nothing is piped in. BadData: nothing came. ToolError: any about the file, with its name put right.
    """
    if dataset != NAME:
        yield dataset
        return
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        raise UsageError(
            "`-` reads rows from standard input, and none are piped in", hint="zcat rows.jsonl.gz | inspect_dataset -"
        )
    stream = sys.stdin.buffer
    with tempfile.TemporaryDirectory(prefix="ml-intern-stdin-") as folder:
        path = _kept(stream, Path(folder), warn, whole=whole)
        try:
            yield str(path)
        except ToolError as err:
            err.message = err.message.replace(str(path), SHOWN)
            raise


def _kept(stream: IO[bytes], folder: Path, warn: Warn, *, whole: bool) -> Path:
    """Copy `stream` to a file whose ending says what it is."""
    path = folder / "stdin"
    most = shutil.disk_usage(folder).free - _SPARE_BYTES if whole else MOST_BYTES
    size = 0
    with path.open("wb") as out:
        while block := stream.read(_BLOCK):
            out.write(block)
            size += len(block)
            if size >= most:
                break
    if size >= most and stream.read(1):
        # Drop the line that was cut; a document that was cut cannot be read at all.
        if whole:
            raise BadData(f"more came from standard input than the disk has room for ({human_bytes(most)})", hint="set TMPDIR")
        with path.open("r+b") as rows:
            rows.seek(max(path.stat().st_size - 64 * MIB, 0))
            start, tail = rows.tell(), rows.read()
            rows.truncate(start + tail.rfind(b"\n") + 1)
        warn(f"only the first {human_bytes(most)} of standard input were read: --full reads all of it")
    if not size:
        raise BadData("nothing came from standard input", hint="check the command before the pipe")
    return path.rename(path.with_suffix(_ending(path)))


def _ending(path: Path) -> str:
    """The ending that the first bytes stand for; JSON and JSON Lines share one, their reader tells them apart.

    Raises:
        BadData: packed, or of a format that its bytes do not show.
    """
    with path.open("rb") as rows:
        head = rows.read(_HEAD_BYTES)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"["):
        return ".json"
    for sign, tool in PACKED.items():
        if head.startswith(sign):
            raise BadData(
                "what came from standard input is packed", hint=f"unpack it on the way: {tool} FILE | inspect_dataset -"
            )
    ending = next((ending for sign, ending in _BINARY.items() if head.startswith(sign)), None)
    ending = ending or table_ending(head, whole=len(head) < _HEAD_BYTES)
    if ending is None:
        hint = "JSON Lines, JSON, Parquet, Arrow, CSV and TSV (names, then two rows) are recognised; save others to a file"
        raise BadData("standard input has an unsupported file format", hint=hint)
    return ending


def named_stdin(sample: Sample) -> Sample:
    """`sample` with "standard input" in the place of the temporary file's path."""
    shown = sample.dataset
    kept = f"rows{'.jsonl' if sample.source.kind == 'jsonl' else Path(shown).suffix}"
    load = sample.load.replace(repr(shown), f'"{kept}"').replace(f'"{shown}"', f'"{kept}"')
    return replace(
        sample,
        dataset=SHOWN,
        source=replace(sample.source, where=SHOWN),
        load=f"{load}  # with what was piped in saved as {kept}",
        splits=[replace(item, split=item.split.replace(shown, SHOWN)) for item in sample.splits],
        findings=[item._replace(file=SHOWN if item.file == shown else item.file) for item in sample.findings],
    )
