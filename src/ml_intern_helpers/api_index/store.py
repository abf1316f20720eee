"""An index on disk: one gzipped JSON file per release, small enough to ship, quick enough to load before every launch."""

from __future__ import annotations

import ast
import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ml_intern_helpers.api_index.records import Record, from_json, to_json
from ml_intern_helpers.api_index.tree_release import TreeRelease
from ml_intern_helpers.paths import write_atomic

FORMAT = 1
#: Two thousand model files: their names matter (an import of one must be found), their arguments do not.
_NAMES_ONLY = re.compile(r"^transformers\.models\.(?!auto\b)")
_TOP_LEVEL = re.compile(r"^(?:class|def|async def)\s+(\w+)|^(\w+)\s*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
_LEFT_OUT = re.compile(r"(^|\.)(tests?|testing_utils|dummy_\w+_objects|commands|cli)(\.|$)")


class StoredRelease:
    """`signatures.Release` over an index file."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.package, self.version = str(raw["package"]), str(raw["version"])
        self.config_fields = frozenset(raw.get("config_fields", ()))
        self._modules: dict[str, dict[str, str] | list[str]] = raw["modules"]
        self._records: dict[str, dict[str, Any]] = raw["records"]
        self.names = cache(self._names)
        self.record = cache(self._record)

    def has_module(self, module: str) -> bool:
        return module in self._modules

    def _names(self, module: str) -> Mapping[str, str]:
        names = self._modules.get(module, {})
        if isinstance(names, list):
            return {name: f"{module}:{name}" for name in names}
        return {name: target or f"{module}:{name}" for name, target in names.items()}

    def _record(self, origin: str) -> Record | None:
        raw = self._records.get(origin)
        return None if raw is None else from_json(raw)


def load(path: Path) -> StoredRelease:
    """Read an index file; `ValueError` when it is of another format or broken."""
    try:
        raw = json.loads(gzip.decompress(path.read_bytes()))
    except (gzip.BadGzipFile, EOFError, UnicodeDecodeError) as err:
        raise ValueError(f"{path} is not an index file: {err}") from err
    if raw.get("format") != FORMAT:
        raise ValueError(f"{path} has index format {raw.get('format')}, this program reads {FORMAT}")
    return StoredRelease(raw)


def save(release: TreeRelease, path: Path) -> None:
    """Write the index of `release`; the same release always gives the same bytes."""
    text = json.dumps(describe(release), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    write_atomic(path, gzip.compress(text.encode(), compresslevel=9, mtime=0))


def describe(release: TreeRelease) -> dict[str, Any]:
    """Everything an index holds, as JSON."""
    modules = {module: _names(release, module) for module in sorted(release.tree.modules) if not _LEFT_OUT.search(module)}
    origins = {origin for module in modules for origin in _defined(release, module)}
    records = {origin: record for origin in sorted(origins) if (record := release.record(origin)) is not None}
    return {
        "format": FORMAT,
        "package": release.package,
        "version": release.version,
        "modules": modules,
        "records": {origin: to_json(record) for origin, record in records.items()},
        "config_fields": sorted(_config_fields(release)),
    }


def _names(release: TreeRelease, module: str) -> dict[str, str] | list[str]:
    if _NAMES_ONLY.match(module) and module not in release.tree.packages:
        return sorted({name or other for name, other in _TOP_LEVEL.findall(release.tree.text(module))})
    names = release.names(module)
    return {name: "" if target == f"{module}:{name}" else target for name, target in names.items()}


def _defined(release: TreeRelease, module: str) -> Iterable[str]:
    """Origins worth a record: what the module offers, wherever it comes from, model code left out."""
    if _NAMES_ONLY.match(module):
        return ()
    return (origin for origin in release.names(module).values() if not _NAMES_ONLY.match(origin))


def _config_fields(release: TreeRelease) -> set[str]:
    """Fields of every model configuration: `from_pretrained` passes them on, so they are legal there."""
    found: set[str] = set()
    for module in release.tree.modules:
        if re.search(r"\.configuration_\w+$", module):
            for node in release.exports.parsed(module).body:
                found.update(_fields_of(node) if isinstance(node, ast.ClassDef) else ())
    return found


def _fields_of(node: ast.ClassDef) -> Iterator[str]:
    """Annotated fields (transformers 5) and constructor arguments (transformers 4)."""
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            yield item.target.id
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            yield from (argument.arg for argument in [*item.args.args[1:], *item.args.kwonlyargs])
