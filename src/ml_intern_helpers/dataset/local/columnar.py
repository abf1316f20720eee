"""Parquet and Arrow files through pyarrow; only the sampled rows are read, and no binary column."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_intern_helpers.dataset.features import type_texts
from ml_intern_helpers.dataset.local.opening import shown
from ml_intern_helpers.dataset.local.table import Table
from ml_intern_helpers.errors import BadData
from ml_intern_helpers.text import clean

#: Stands for the bytes of an image or a sound, which are not read.
NOT_READ = {"bytes": "(not read)"}
PLACES = 10


def read_parquet(paths: list[Path], sample: int) -> Table:
    """A sample of Parquet files, spread over their row groups.

    Raises:
        BadData: no Parquet file, or one that breaks off.
    """
    import pyarrow.parquet as parquet

    files = [_open(path, parquet.ParquetFile) for path in paths]
    schema = files[0].schema_arrow
    groups = [(file, index) for file in files for index in range(file.num_row_groups)]
    total = sum(file.metadata.num_rows for file in files)
    rows, numbers = _sampled(paths[0], groups, _light(schema), sample)
    used = sum(path.stat().st_size for path in paths)
    return Table(_with_places(rows, schema), numbers, len(rows), total, used, _types(schema), order_spread=len(groups) > 1)


def read_arrow(paths: list[Path], sample: int) -> Table:
    """The head of Arrow files (stream or file format), with the exact number of rows.

    Raises:
        BadData: no Arrow file, or one that breaks off.
    """
    rows: list[dict[str, Any]] = []
    total = 0
    schema: Any = None
    for path in paths:
        table = _open(path, _arrow_table)
        schema = schema or table.schema
        total += table.num_rows
        if len(rows) < sample:
            rows += table.select(_light(table.schema)).slice(0, sample - len(rows)).to_pylist()
    used = sum(path.stat().st_size for path in paths)
    return Table(_with_places(rows, schema), list(range(1, len(rows) + 1)), len(rows), total, used, _types(schema))


def _arrow_table(path: Path) -> Any:
    """Memory-mapped: nothing is copied before rows are asked for."""
    import pyarrow as pa

    source = pa.memory_map(str(path))
    try:
        return pa.ipc.open_stream(source).read_all()
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_file(source).read_all()


def _open(path: Path, opener: Any) -> Any:
    import pyarrow as pa

    try:
        return opener(path)
    except (pa.ArrowException, OSError) as err:
        if path.stat().st_size == 0:
            raise BadData(f"{shown(path)} is empty", hint="there is nothing to inspect") from err
        told = f"{shown(path)} is no complete {path.suffix.lstrip('.') or 'Parquet'} file: {clean(err, limit=120)}"
        raise BadData(told, hint="the file is damaged or cut off: get it again") from err


def _sampled(
    path: Path, groups: list[tuple[Any, int]], columns: list[str], sample: int
) -> tuple[list[dict[str, Any]], list[int]]:
    """Rows from up to `PLACES` row groups, evenly spaced, each from its start."""
    import pyarrow as pa

    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    step = max(len(groups) // PLACES, 1)
    chosen = range(0, len(groups), step)
    starts = list(_starts(groups))
    try:
        for place in chosen:
            file, index = groups[place]
            wanted = -(-sample // len(chosen))
            batch = next(file.iter_batches(wanted, row_groups=[index], columns=columns), None)
            made = batch.to_pylist() if batch is not None else []
            rows += made
            numbers += range(starts[place] + 1, starts[place] + 1 + len(made))
    except (pa.ArrowException, OSError) as err:
        raise BadData(f"{shown(path)} breaks off: {clean(err, limit=120)}", hint="get the file again") from err
    return rows[:sample], numbers[:sample]


def _starts(groups: list[tuple[Any, int]]) -> Iterator[int]:
    start = 0
    for file, index in groups:
        yield start
        start += file.metadata.row_group(index).num_rows


def _light(schema: Any) -> list[str]:
    """Columns without binary values anywhere inside."""
    return [field.name for field in schema if "binary" not in str(field.type)]


def _with_places(rows: list[dict[str, Any]], schema: Any) -> list[dict[str, Any]]:
    """Give the rows a place-holder for each column that was not read, in the order of the schema."""
    light = set(_light(schema))
    return [{name: row[name] if name in light else NOT_READ for name in schema.names} for row in rows]


def _types(schema: Any) -> dict[str, str]:
    """Types from the features that `datasets` wrote into the file, else Arrow's own."""
    metadata = schema.metadata or {}
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        known = type_texts(features)
    except (KeyError, ValueError, TypeError):
        known = {}
    return {field.name: known.get(field.name) or clean(field.type, limit=300) for field in schema}
