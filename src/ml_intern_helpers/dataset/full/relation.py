"""Makes the FROM clause with which DuckDB reads the rows of one split, whatever the file format."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ml_intern_helpers.dataset.checks.sql import identifier, literal, literals
from ml_intern_helpers.dataset.full.engine import Engine
from ml_intern_helpers.dataset.local import columnar, csv_table, json_files
from ml_intern_helpers.dataset.local.bounds import LONGEST_LINE_BYTES, Allowance
from ml_intern_helpers.dataset.local.text_files import UTF8_MARK, decode, lines
from ml_intern_helpers.dataset.sample import Row, Stored

#: Rows per batch handed to DuckDB from files that Python reads.
BATCH_ROWS = 1024
#: Most columns whose nulls and distinct values are counted; columns with a role are always counted.
MOST_COUNTED = 24


@dataclass(frozen=True)
class Relation:
    """A FROM clause, and the DuckDB type of each column that is read."""

    source: str
    types: dict[str, str]

    @property
    def names(self) -> dict[str, str]:
        """Column -> its name in queries; the dataset's names could collide with ours (`rn`, `whole`)."""
        return {column: f"x{number}" for number, column in enumerate(self.types)}

    @property
    def renamed(self) -> list[str]:
        """SQL that selects each column under its name in queries."""
        return [f"{identifier(column)} AS {short}" for column, short in self.names.items()]


class Unbounded(Allowance):
    """An allowance without limits on bytes and seconds, for the full scan."""

    def over(self) -> bool:
        return False


def relation(engine: Engine, stored: Stored, split: str, columns: list[str], needed: set[str]) -> Relation:
    """The rows of `split`.

    Args:
        columns: the columns of the sample.
        needed: the columns that must be read; others are read only where that is cheap.
    """
    columns = _distinct_columns(columns, needed)
    if stored.format == "jsonl" and not any(_starts_with_bom(Path(path)) for path in stored.splits[split]):
        json_columns = ", ".join(f"{literal(column)}: 'JSON'" for column in columns)
        compression = "gzip" if str(stored.splits[split][0]).endswith(".gz") else "none"
        options = f"format='newline_delimited', compression='{compression}', maximum_object_size={LONGEST_LINE_BYTES}"
        source = f"read_json({_paths(engine, stored, split)}, {options}, columns={{{json_columns}}})"
        return Relation(source, dict.fromkeys(columns, "JSON"))
    if stored.format == "parquet":
        source = f"read_parquet({_paths(engine, stored, split)}, union_by_name=true, hive_partitioning=false)"
        types = _column_types(engine, source)
        readable = [name for name in columns if name in types and "BLOB" not in types[name]]
        large_types = ("VARCHAR", "[", "STRUCT", "MAP", "JSON")  # columns of other types cost next to nothing to read
        read_columns = [name for name in readable if name in needed or not any(sign in types[name] for sign in large_types)]
        return _selected(source, {name: types[name] for name in read_columns})
    name = f"rows_{list(stored.splits).index(split)}"
    paths = [Path(path) for path in stored.splits[split]]
    reader, kind = _reader(stored, paths, columns)
    engine.register(name, reader)
    if kind:
        cast = ", ".join(f"{identifier(column)}::{kind} AS {identifier(column)}" for column in columns)
        return Relation(f"(SELECT {cast} FROM {name})", dict.fromkeys(columns, kind))
    types = _column_types(engine, name)
    read_columns = [column for column in columns if column in types and "BLOB" not in types[column]]
    return _selected(name, {column: types[column] for column in read_columns})


def _distinct_columns(columns: list[str], needed: set[str]) -> list[str]:
    """The needed columns and some others, without names that DuckDB cannot tell apart or represent: it ignores case, ends a
    name at NUL, and allows no empty name."""
    kept: dict[str, str] = {}
    for column in sorted(columns, key=lambda name: name not in needed):
        if column and "\0" not in column and (len(kept) < MOST_COUNTED or column in needed):
            kept.setdefault(column.casefold(), column)
    return list(kept.values())


def _paths(engine: Engine, stored: Stored, split: str) -> str:
    """The engine's paths of the files of `split`; the engine received all files in the order of the splits."""
    before = sum(len(stored.splits[name]) for name in list(stored.splits)[: list(stored.splits).index(split)])
    return f"[{literals(engine.paths[before : before + len(stored.splits[split])])}]"


def _selected(source: str, types: dict[str, str]) -> Relation:
    """The columns in `types` of `source`; only a placeholder per row when no column can be read (pictures)."""
    return Relation(f"(SELECT {', '.join(map(identifier, types)) or 'NULL AS nothing'} FROM {source})", types)


def _column_types(engine: Engine, source: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in engine.rows(f"DESCRIBE SELECT * FROM {source}")}


def _starts_with_bom(path: Path) -> bool:
    """Whether the file starts with a UTF-8 byte order mark: DuckDB stops at it, `datasets` does not."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        return stream.read(len(UTF8_MARK)) == UTF8_MARK


def _reader(stored: Stored, paths: list[Path], columns: list[str]) -> tuple[Any, str | None]:
    """A reader of Arrow batches for files that DuckDB does not read itself, and the type that its text cells encode."""
    import pyarrow as pa

    if stored.format in ("arrow", "saved"):
        batches = columnar.batches(paths)
        first = next(batches)
        return pa.RecordBatchReader.from_batches(first.schema, chain([first], batches)), None
    kind = "JSON" if stored.format in ("json", "jsonl") else "VARCHAR"
    schema = pa.schema([(column, pa.large_string()) for column in columns])
    return pa.RecordBatchReader.from_batches(schema, _text_batches(_python_rows(stored, paths, columns), schema, kind)), kind


def _text_batches(rows: Iterator[Row], schema: Any, kind: str) -> Iterator[Any]:
    """Arrow batches of text; cells of JSON files are encoded as JSON."""
    import pyarrow as pa

    encode = json.dumps if kind == "JSON" else str
    while batch := list(islice(rows, BATCH_ROWS)):
        cells = [[None if (cell := row.get(name)) is None else encode(cell) for row in batch] for name in schema.names]
        yield pa.record_batch([pa.array(column, pa.large_string()) for column in cells], schema=schema)


def _python_rows(stored: Stored, paths: list[Path], columns: list[str]) -> Iterator[Row]:
    """The rows of files in formats that only Python reads."""
    allowance = Unbounded()
    for path in paths:
        if stored.format == "json":
            yield from json_files.document_rows(path, stored.arguments.get("field"))
        elif stored.format == "csv":
            for _, header, cells, _ in csv_table.rows(path, stored.arguments.get("sep", ","), allowance):
                yield {name: None if cell in csv_table.MISSING else cell for name, cell in zip(header, cells, strict=False)}
        else:
            for number, line in lines(path, allowance):
                if stored.format == "text":
                    yield {columns[0]: decode(path, line, number).rstrip("\r\n")}
                elif line.strip():
                    yield json_files.parse(path, line, number)
