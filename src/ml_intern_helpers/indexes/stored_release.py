"""Reads and writes index files: a release in tables that are decompressed, and rows that are parsed, only on demand.

The first line of the file is JSON with the position of each table; a table is zlib-compressed lines `key<TAB>JSON`. Reading the
index of transformers as one JSON document took 60 ms before every launch; one row of one table takes 5 ms.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.paths import write_atomic
from ml_intern_helpers.indexes.signatures import Announced, ClassRecord, Record, from_json

#: The format version, increased when the layout or the contents change: files of another format are never read.
FORMAT = 5
#: A module with more names than this shares those of the root package (see `packed_names`).
_MANY = 500


class Table:
    """A compressed table of rows by key."""

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
    """The head and the tables by name; raises ValueError when the file is damaged or of another format."""
    first, _, rest = path.read_bytes().partition(b"\n")
    try:
        head = json.loads(first)
        packed_tables = {name: rest[start : start + length] for name, (start, length) in head["tables"].items()}
        complete = head["format"] == FORMAT and head["crc"] == zlib.crc32(rest)
    except (ValueError, TypeError, KeyError, AttributeError) as err:
        raise ValueError(f"{path} is not an index file") from err
    if not complete:
        raise ValueError(f"{path} is a damaged index, or of another format than {FORMAT}")
    return head, {name: Table(packed) for name, packed in packed_tables.items()}


def write_tables(path: Path, head: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the file; the same content gives the same bytes (with the same version of zlib)."""
    body, places = b"", {}
    for name, rows in tables.items():
        lines = (f"{key}\t{json.dumps(rows[key], ensure_ascii=False, separators=(',', ':'))}\n" for key in sorted(rows))
        packed = zlib.compress("".join(lines).encode(), 9)
        places[name] = [len(body), len(packed)]
        body += packed
    first = json.dumps({**head, "format": FORMAT, "tables": places, "crc": zlib.crc32(body)}, sort_keys=True)
    write_atomic(path, first.encode() + b"\n" + body)


class StoredRelease:
    """A `signatures.Release` that is read from an index file.

    Its tables are `modules` and `records`; `deep`, some 2,000 modules (model code, tests) with names but without arguments;
    `loose`, names that some of these import; `config_fields`, the fields of models' configurations; and `deprecated`, the
    announced deprecations.
    """

    def __init__(self, head: Mapping[str, Any], tables: Mapping[str, Table]) -> None:
        self.package, self.version = str(head["package"]), str(head["version"])
        self._modules, self._deep, self._loose, self._records, self._fields, self._deprecated = (
            tables.get(name, Table()) for name in ("modules", "deep", "loose", "records", "config_fields", "deprecated")
        )
        # One question after another asks for the same few modules and records, and each answer reads a whole table.
        self.has_module = cache(lambda module: module in self._modules or module in self._deep)
        self.names = cache(self._names)
        self.record = cache(self._record)

    def may_hold(self, module: str, name: str) -> bool:
        """Whether `module` may offer a name that `names` does not list: its imports are not stored."""
        return module not in self._modules and (name in self._loose or not self._deep.get(module))

    def is_package(self, module: str) -> bool:
        return any(":" not in target and target.startswith(module + ".") for target in self.names(module).values())

    def modules(self) -> list[str]:
        """Every module whose arguments are stored, sorted."""
        return self._modules.names()

    def argument_names(self) -> Iterator[tuple[str, list[str]]]:
        """(origin, names of the arguments that it declares itself), without building every record."""
        for origin, raw in self._records.items():
            if isinstance(raw, dict):
                functions = [raw[key] for key in ("f", "i") if key in raw]
                rows = [*(row for function in functions for row in function[0]), *raw.get("a", ())]
                yield origin, [row[0] for row in rows]

    def is_config_field(self, name: str) -> bool:
        """Whether some model's configuration has the field `name` (which `from_pretrained` then accepts)."""
        return name in self._fields

    def deprecated(self, origin: str) -> tuple[Announced, ...]:
        return tuple(Announced(*row) for row in self._deprecated.get(origin) or ())

    def _names(self, module: str) -> Mapping[str, str]:
        raw = self._modules.get(module) or self._deep.get(module) or {}
        root = self._names(self.package) if "*" in raw else {}
        return unpacked_names(module, raw, root)

    def _record(self, origin: str) -> Record | None:
        raw = self._records.get(origin)
        if isinstance(raw, str):  # a function that is a bound method of an object
            owner, _, method = raw.rpartition(".")
            owner_record = self.record(owner)
            return owner_record.methods[method] if isinstance(owner_record, ClassRecord) else None
        return None if raw is None else from_json(raw)


def load(path: Path) -> StoredRelease:
    """Read an index file; raises ValueError when it is damaged or of another format."""
    head, tables = read_tables(path)
    try:
        return StoredRelease(head, tables)
    except KeyError as err:
        raise ValueError(f"{path} is not the index of a release") from err


def packed_names(module: str, names: Mapping[str, str], root: Mapping[str, str]) -> dict[str, Any]:
    """The names grouped by the module that defines them (`""` for this one).

    `=` groups those that have another name where they are defined; `*` means that the root package's names that are defined
    below this module are names of this module, too (`transformers.models` has 4,000 of these).
    """
    packed: dict[str, Any] = {}
    shared = _below(module, root) if len(names) > _MANY and root is not names else {}
    if len(shared) > _MANY and shared.items() <= names.items():
        packed["*"] = True
        names = {name: target for name, target in names.items() if name not in shared}
    for name, target in sorted(names.items()):
        home, _, defined = target.partition(":")
        if defined == name:
            packed.setdefault("" if home == module else home, []).append(name)
        else:
            packed.setdefault("=", {})[name] = target
    return packed


def unpacked_names(module: str, packed: Mapping[str, Any], root: Mapping[str, str]) -> dict[str, str]:
    """The inverse of `packed_names`."""
    names: dict[str, str] = dict(packed.get("=", {})) | (_below(module, root) if "*" in packed else {})
    for home, own in packed.items():
        if home not in ("=", "*"):
            names.update((name, f"{home or module}:{name}") for name in own)
    return names


def _below(module: str, root: Mapping[str, str]) -> dict[str, str]:
    return {name: target for name, target in root.items() if target.startswith(module + ".")}
