"""The rows of one split as a FROM clause for DuckDB, whatever the file format."""

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

#: Rows handed over at once of files that Python reads.
BATCH_ROWS = 1024
#: Columns of which nulls and different values are counted, beside those with a role.
MOST_COUNTED = 24


@dataclass(frozen=True)
class Relation:
    """A FROM clause, and the DuckDB type of each column that is read."""

    source: str
    types: dict[str, str]

    @property
    def names(self) -> dict[str, str]:
        """Column -> the name that queries use for it: names from the dataset could collide with ours (`rn`, `whole`)."""
        return {column: f"x{number}" for number, column in enumerate(self.types)}

    @property
    def renamed(self) -> list[str]:
        """SQL of each column under its name."""
        return [f"{identifier(column)} AS {short}" for column, short in self.names.items()]


class Unbounded(Allowance):
    """The full scan has no bound on bytes or seconds."""

    def over(self) -> bool:
        return False


def relation(engine: Engine, stored: Stored, split: str, columns: list[str], needed: set[str]) -> Relation:
    """The rows of `split`.

    Args:
        columns: the columns the sample has shown.
        needed: those with a role; of the others only what costs little is read.
    """
    columns = _apart(columns, needed)
    if stored.format == "jsonl" and not any(_marked(Path(path)) for path in stored.splits[split]):
        typed = ", ".join(f"{literal(column)}: 'JSON'" for column in columns)
        packed = "gzip" if str(stored.splits[split][0]).endswith(".gz") else "none"
        options = f"format='newline_delimited', compression='{packed}', maximum_object_size={LONGEST_LINE_BYTES}"
        source = f"read_json({_paths(engine, stored, split)}, {options}, columns={{{typed}}})"
        return Relation(source, dict.fromkeys(columns, "JSON"))
    if stored.format == "parquet":
        source = f"read_parquet({_paths(engine, stored, split)}, union_by_name=true, hive_partitioning=false)"
        known = _described(engine, source)
        readable = [name for name in columns if name in known and "BLOB" not in known[name]]
        large = ("VARCHAR", "[", "STRUCT", "MAP", "JSON")  # columns of other types cost next to nothing to read
        kept = [name for name in readable if name in needed or not any(sign in known[name] for sign in large)]
        return _of(source, {name: known[name] for name in kept})
    name = f"rows_{list(stored.splits).index(split)}"
    paths = [Path(path) for path in stored.splits[split]]
    reader, kind = _reader(stored, paths, columns)
    engine.register(name, reader)
    if kind:
        cast = ", ".join(f"{identifier(column)}::{kind} AS {identifier(column)}" for column in columns)
        return Relation(f"(SELECT {cast} FROM {name})", dict.fromkeys(columns, kind))
    known = _described(engine, name)
    kept = [column for column in columns if column in known and "BLOB" not in known[column]]
    return _of(name, {column: known[column] for column in kept})


def _apart(columns: list[str], needed: set[str]) -> list[str]:
    """Columns with a role and some others. To DuckDB, names that differ in case alone are one, NUL ends one, none is empty."""
    kept: dict[str, str] = {}
    for column in sorted(columns, key=lambda name: name not in needed):
        if column and "\0" not in column and (len(kept) < MOST_COUNTED or column in needed):
            kept.setdefault(column.casefold(), column)
    return list(kept.values())


def _paths(engine: Engine, stored: Stored, split: str) -> str:
    """The engine's own paths of the files of `split`, which were given to it in the order of the splits."""
    before = sum(len(stored.splits[name]) for name in list(stored.splits)[: list(stored.splits).index(split)])
    return f"[{literals(engine.paths[before : before + len(stored.splits[split])])}]"


def _of(source: str, types: dict[str, str]) -> Relation:
    """The columns in `types` of `source`; its rows alone where nothing in them can be read (pictures)."""
    return Relation(f"(SELECT {', '.join(map(identifier, types)) or 'NULL AS nothing'} FROM {source})", types)


def _described(engine: Engine, source: str) -> dict[str, str]:
    return {str(row[0]): str(row[1]) for row in engine.rows(f"DESCRIBE SELECT * FROM {source}")}


def _marked(path: Path) -> bool:
    """Whether a UTF-8 mark opens the file: DuckDB stops at it, `datasets` does not."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        return stream.read(len(UTF8_MARK)) == UTF8_MARK


def _reader(stored: Stored, paths: list[Path], columns: list[str]) -> tuple[Any, str | None]:
    """A reader of Arrow batches over files that Python or pyarrow reads, and the type that its texts stand for."""
    import pyarrow as pa

    if stored.format in ("arrow", "saved"):
        batches = columnar.batches(paths)
        first = next(batches)
        return pa.RecordBatchReader.from_batches(first.schema, chain([first], batches)), None
    kind = "JSON" if stored.format in ("json", "jsonl") else "VARCHAR"
    schema = pa.schema([(column, pa.large_string()) for column in columns])
    return pa.RecordBatchReader.from_batches(schema, _batches(_rows(stored, paths, columns), schema, kind)), kind


def _batches(rows: Iterator[Row], schema: Any, kind: str) -> Iterator[Any]:
    """Arrow batches of text: of JSON files, each cell as JSON."""
    import pyarrow as pa

    write = json.dumps if kind == "JSON" else str
    while held := list(islice(rows, BATCH_ROWS)):
        cells = [[None if (cell := row.get(name)) is None else write(cell) for row in held] for name in schema.names]
        yield pa.record_batch([pa.array(column, pa.large_string()) for column in cells], schema=schema)


def _rows(stored: Stored, paths: list[Path], columns: list[str]) -> Iterator[Row]:
    """The rows of files that only Python reads."""
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
