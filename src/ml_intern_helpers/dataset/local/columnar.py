"""Parquet and Arrow files through pyarrow; only the sampled rows are read, and no binary column."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.features import type_texts
from ml_intern_helpers.dataset.local.batches import Packed, Taken
from ml_intern_helpers.dataset.local.bounds import MIB, SAMPLE_BYTES, Allowance
from ml_intern_helpers.dataset.local.narrow import column_notes, first_columns
from ml_intern_helpers.dataset.local.table import Table
from ml_intern_helpers.dataset.local.text_files import shown
from ml_intern_helpers.dataset.row_identity import NOT_READ

PLACES = 10


def read_parquet(paths: list[Path], sample: int) -> Table:
    """A sample of Parquet files, spread over their row groups.

    Raises:
        BadData: no Parquet file, one that breaks off, or one packed to fill the memory.
        TooDeep: a row that nests too deep.
    """
    import pyarrow.parquet as parquet

    # Without a buffer size a column of a large row group is loaded whole, however few rows are wanted.
    files = [_open(path, lambda path: parquet.ParquetFile(path, buffer_size=MIB)) for path in paths]
    return sampled_table(files, paths[0], sample, PLACES, sum(path.stat().st_size for path in paths))


def sampled_table(files: list[Any], first: Path, sample: int, places: int, used: int = 0) -> Table:
    """Rows of opened Parquet files, from up to `places` row groups; `first` names them, `used` is their size in bytes.

    Raises:
        BadData: a file that breaks off, or one packed to fill the memory. TooDeep: a row that nests too deep.
    """
    schema = files[0].schema_arrow
    _refuse_maps(first, schema)
    groups = [(file, index) for file in files for index in range(file.num_row_groups)]
    total = sum(file.metadata.num_rows for file in files)
    taken = _sampled(first, groups, light_columns(schema), sample, places)
    return _table(taken, schema, used, total, order_spread=len(groups) > 1)


def read_arrow(paths: list[Path], sample: int) -> Table:
    """The head of Arrow files (stream or file format), with the number of rows.

    Raises:
        BadData: no Arrow file, or one that breaks off.
        TooDeep: a row that nests too deep.
    """
    taken, allowance = Taken(), Allowance()
    total, schema = 0, None
    for path in paths:
        for batch in _open(path, _arrow_batches):
            if schema is None:
                schema = batch.schema
                _refuse_maps(path, schema)
            if len(taken.rows) < sample:
                taken.take(batch.select(light_columns(batch.schema)), total + 1, sample - len(taken.rows), SAMPLE_BYTES)
            total += batch.num_rows
            if allowance.over():
                allowance.cut = True
                break
    if schema is None:
        raise BadData(f"{shown(paths[0])} has no rows", hint="there is nothing to inspect")
    used = sum(path.stat().st_size for path in paths)
    table = _table(taken, schema, used, None if allowance.cut else total)
    table.notes += allowance.notes(total)
    return table


def batches(paths: list[Path]) -> Iterator[Any]:
    """All batches of Arrow files, one after another, none held.

    Raises:
        BadData: no Arrow file, or one that breaks off.
    """
    for path in paths:
        yield from _open(path, _arrow_batches)


def _table(taken: Taken, schema: Any, used: int, total: int | None, *, order_spread: bool = False) -> Table:
    notes = [*taken.notes(), *column_notes(len(schema.names))]
    rows = _with_places(taken.rows, schema)
    return Table(rows, taken.numbers, len(rows), total, used, _types(schema), order_spread=order_spread, notes=notes)


def _arrow_batches(path: Path) -> Iterator[Any]:
    """Memory-mapped, one batch at a time: nothing is copied before rows are asked for, unless it is packed."""
    import pyarrow as pa

    source = pa.memory_map(str(path))
    try:
        reader = pa.ipc.open_stream(source)
    except pa.ArrowInvalid:
        source.seek(0)
        file = pa.ipc.open_file(source)
        return (file.get_batch(index) for index in range(file.num_record_batches))
    return iter(reader)


def _open(path: Path, opener: Any) -> Any:
    import pyarrow as pa

    try:
        return opener(path)
    except (pa.ArrowException, OSError) as err:
        if path.stat().st_size == 0:
            raise BadData(f"{shown(path)} is empty", hint="there is nothing to inspect") from err
        told = f"{shown(path)} is no complete {path.suffix.lstrip('.') or 'Parquet'} file: {clean(err, limit=120)}"
        raise BadData(told, hint="the file is damaged or cut off: get it again") from err


def _sampled(path: Path, groups: list[tuple[Any, int]], columns: list[str], sample: int, places: int) -> Taken:
    """Rows from up to `places` row groups, evenly spaced, each from its start."""
    import pyarrow as pa

    taken = Taken()
    step = max(len(groups) // places, 1)
    chosen = range(0, len(groups), step)
    starts = list(_starts(groups))
    wanted = -(-sample // max(len(chosen), 1))
    try:
        for count, place in enumerate(chosen, 1):
            file, index = groups[place]
            most = min(wanted, sample - len(taken.rows))
            taken.take_group(file, index, columns, starts[place] + 1, most, SAMPLE_BYTES * count // len(chosen))
    except (pa.ArrowException, OSError) as err:
        raise BadData(f"{shown(path)} breaks off: {clean(err, limit=120)}", hint="get the file again") from err
    except Packed as err:
        raise BadData(f"{shown(path)}: {err}", hint="if you trust the file, convert it to JSON Lines") from err
    return taken


def _starts(groups: list[tuple[Any, int]]) -> Iterator[int]:
    start = 0
    for file, index in groups:
        yield start
        start += file.metadata.row_group(index).num_rows


def _refuse_maps(path: Path, schema: Any) -> None:
    """`datasets` has no type for Arrow's maps: it stops at the file, whatever is made of its rows."""
    import pyarrow as pa

    held = [field.name for field in schema if pa.types.is_map(field.type)]
    if held:
        names = ", ".join(repr(clean(name, limit=60)) for name in held[:5])
        told = f"{shown(path)}: {names} {'are maps' if len(held) > 1 else 'is a map'}, a type that `datasets` refuses"
        raise BadData(told, hint="write the file again without, or with the pairs as a list of structs (key, value)")


def light_columns(schema: Any) -> list[str]:
    """Of `first_columns`, those without binary values anywhere inside."""
    kinds = dict(zip(schema.names, schema.types, strict=True))
    return [name for name in first_columns(schema.names) if "binary" not in str(kinds[name])]


def _with_places(rows: list[dict[str, Any]], schema: Any) -> list[dict[str, Any]]:
    """Give the rows a place-holder for each column that was not read, in the order of the schema."""
    light = set(light_columns(schema))
    names = first_columns(schema.names)
    return [{name: row[name] if name in light else NOT_READ for name in names} for row in rows]


def _types(schema: Any) -> dict[str, str]:
    """Types from the features that `datasets` wrote into the file, else Arrow's own."""
    metadata = schema.metadata or {}
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        known = type_texts(features)
    except (KeyError, ValueError, TypeError):
        known = {}
    return {field.name: known.get(field.name) or clean(field.type, limit=300) for field in schema}
