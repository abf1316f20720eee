"""A file of named tables that are decompressed, and rows that are parsed, only when somebody asks for one.

The first line is JSON and says where each table lies; a table is zlib over lines `key<TAB>JSON`. Reading the index of
transformers as one JSON document took 60 ms before every launch; one row of one table takes five.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.paths import write_atomic

#: Raised when the layout, or what an index holds, changes: files of another format are never read.
FORMAT = 5


class Table:
    """Rows by key."""

    def __init__(self, packed: bytes = b"") -> None:
        self._packed = packed

    @cached_property
    def _lines(self) -> bytes:
        return b"\n" + zlib.decompress(self._packed) if self._packed else b"\n"

    def get(self, key: str) -> Any:
        """The row's value, or None."""
        start = b"\n" + key.encode() + b"\t"
        at = self._lines.find(start)
        if at < 0:
            return None
        at += len(start)
        return json.loads(self._lines[at : self._lines.index(b"\n", at)])

    def __contains__(self, key: str) -> bool:
        return b"\n" + key.encode() + b"\t" in self._lines

    def names(self) -> list[str]:
        """Every key, sorted."""
        return [line.partition("\t")[0] for line in self._lines.decode().split("\n") if line]

    def items(self) -> Iterator[tuple[str, Any]]:
        for line in self._lines.decode().split("\n"):
            if line:
                key, _, text = line.partition("\t")
                yield key, json.loads(text)


def read_tables(path: Path) -> tuple[dict[str, Any], dict[str, Table]]:
    """(head, tables by name); `ValueError` when the file is of another format or broken."""
    first, _, rest = path.read_bytes().partition(b"\n")
    try:
        head = json.loads(first)
        found = {name: rest[start : start + length] for name, (start, length) in head["tables"].items()}
        complete = head["format"] == FORMAT and head["crc"] == zlib.crc32(rest)
    except (ValueError, TypeError, KeyError, AttributeError) as err:
        raise ValueError(f"{path} is not an index file") from err
    if not complete:
        raise ValueError(f"{path} is a damaged index, or of another format than {FORMAT}")
    return head, {name: Table(packed) for name, packed in found.items()}


def write_tables(path: Path, head: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the file; the same content always gives the same bytes (on one version of zlib)."""
    packed = {name: _packed(rows) for name, rows in tables.items()}
    places, at = {}, 0
    for name, text in packed.items():
        places[name] = [at, len(text)]
        at += len(text)
    body = b"".join(packed.values())
    first = json.dumps({**head, "format": FORMAT, "tables": places, "crc": zlib.crc32(body)}, sort_keys=True)
    write_atomic(path, first.encode() + b"\n" + body)


def _packed(rows: Mapping[str, Any]) -> bytes:
    lines = (f"{key}\t{json.dumps(rows[key], ensure_ascii=False, separators=(',', ':'))}" for key in sorted(rows))
    return zlib.compress("".join(f"{line}\n" for line in lines).encode(), 9)
