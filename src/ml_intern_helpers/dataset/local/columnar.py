"""Reads Parquet and Arrow files through pyarrow: only the sampled rows, and no binary columns.

Rows are taken out of batches within a bound of memory: a Parquet file of 652 bytes can hold a thousand rows with the same text
of 5 MB, which is stored once but takes 5 GB as rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.column_roles import NOT_READ
from ml_intern_helpers.dataset.columns import schema_types
from ml_intern_helpers.dataset.local.bounds import BATCH_BYTES, MIB, MOST_PACKED_TIMES, SAMPLE_BYTES, Allowance
from ml_intern_helpers.dataset.local.table import Row, Table, column_notes, first_columns, left_out_notes, total_bytes, weigh
from ml_intern_helpers.dataset.local.text_files import path_text

PLACES = 10


def read_parquet(paths: list[Path], sample_size: int) -> Table:
    """A sample of Parquet files, spread over their row groups.

    Raises:
        BadData: not a Parquet file, one that is cut off, or one that would fill the memory when decompressed.
        TooDeep: a row is nested too deep.
    """
    import pyarrow.parquet as parquet

    # Without a buffer size, pyarrow loads the whole column of a row group, however few rows are needed.
    files = [_open(path, lambda path: parquet.ParquetFile(path, buffer_size=MIB)) for path in paths]
    return sampled_table(files, paths[0], sample_size, PLACES, total_bytes(paths))


def sampled_table(files: list[Any], first: Path, sample_size: int, places: int, used: int = 0) -> Table:
    """A sample of opened Parquet files, from up to `places` row groups.

    Args:
        files: the `ParquetFile` objects.
        first: the path that error messages name.
        sample_size: the number of rows.
        places: the most row groups that rows are taken from.
        used: the size of the files in bytes.

    Raises:
        BadData: a file that is cut off, or one that would fill the memory when decompressed. TooDeep: a row nested too deep.
    """
    schema = files[0].schema_arrow
    _refuse_maps(first, schema)
    groups = [(file, index) for file in files for index in range(file.num_row_groups)]
    total = sum(file.metadata.num_rows for file in files)
    # The row groups are evenly spaced; rows are taken from the start of each.
    columns = light_columns(schema)
    import pyarrow as pa

    collector = _RowCollector()
    step = max(len(groups) // places, 1)
    chosen = range(0, len(groups), step)
    starts = list(_starts(groups))
    wanted = -(-sample_size // max(len(chosen), 1))
    try:
        for count, place in enumerate(chosen, 1):
            file, index = groups[place]
            most = min(wanted, sample_size - len(collector.rows))
            collector.take_group(file, index, columns, starts[place] + 1, most, SAMPLE_BYTES * count // len(chosen))
    except (pa.ArrowException, OSError) as err:
        raise BadData(f"{path_text(first)} is cut off: {clean(err, limit=120)}", hint="download the file again") from err
    except Packed as err:
        raise BadData(f"{path_text(first)}: {err}", hint="if you trust the file, convert it to JSON Lines") from err
    return _table(collector, schema, used, total, order_spread=len(groups) > 1)


def read_arrow(paths: list[Path], sample_size: int) -> Table:
    """The head of Arrow files (stream or file format), with the number of rows.

    Raises:
        BadData: not an Arrow file, or one that is cut off.
        TooDeep: a row is nested too deep.
    """
    collector, allowance = _RowCollector(), Allowance()
    total, schema = 0, None
    for path in paths:
        for batch in _open(path, _arrow_batches):
            if schema is None:
                schema = batch.schema
                _refuse_maps(path, schema)
            missing = sample_size - len(collector.rows)
            if missing > 0:
                collector.take(batch.select(light_columns(batch.schema)), total + 1, missing, SAMPLE_BYTES)
            total += batch.num_rows
            if allowance.over():
                allowance.cut = True
                break
    if schema is None:
        raise BadData(f"{path_text(paths[0])} has no rows", hint="there is nothing to inspect")
    used = total_bytes(paths)
    table = _table(collector, schema, used, None if allowance.cut else total)
    table.notes += allowance.notes(total)
    return table


def batches(paths: list[Path]) -> Iterator[Any]:
    """Yield all batches of Arrow files one after another, without keeping them in memory.

    Raises:
        BadData: not an Arrow file, or one that is cut off.
    """
    for path in paths:
        yield from _open(path, _arrow_batches)


def _table(collector: _RowCollector, schema: Any, used: int, total: int | None, *, order_spread: bool = False) -> Table:
    notes = [*collector.notes(), *column_notes(len(schema.names))]
    # Columns that were not read get a placeholder, in the order of the schema.
    light = set(light_columns(schema))
    names = first_columns(schema.names)
    rows = [{name: row[name] if name in light else NOT_READ for name in names} for row in collector.rows]
    return Table(rows, collector.numbers, len(rows), total, used, schema_types(schema), order_spread=order_spread, notes=notes)


def _arrow_batches(path: Path) -> Iterator[Any]:
    """Batches of a memory-mapped file, one at a time: uncompressed data are not copied until rows are taken."""
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
            raise BadData(f"{path_text(path)} is empty", hint="there is nothing to inspect") from err
        message = f"{path_text(path)} is not a complete {path.suffix.lstrip('.') or 'Parquet'} file: {clean(err, limit=120)}"
        raise BadData(message, hint="the file is damaged or cut off: download it again") from err


def _starts(groups: list[tuple[Any, int]]) -> Iterator[int]:
    start = 0
    for file, index in groups:
        yield start
        start += file.metadata.row_group(index).num_rows


def _refuse_maps(path: Path, schema: Any) -> None:
    """Raise `BadData` for Arrow's map type, which `datasets` does not support: it refuses the whole file."""
    import pyarrow as pa

    maps = [field.name for field in schema if pa.types.is_map(field.type)]
    if maps:
        names = ", ".join(repr(clean(name, limit=60)) for name in maps[:5])
        message = f"{path_text(path)}: {names} {'are maps' if len(maps) > 1 else 'is a map'}, a type that `datasets` refuses"
        raise BadData(message, hint="write the file without maps, or with their pairs as a list of structs (key, value)")


def light_columns(schema: Any) -> list[str]:
    """The columns that are read: `first_columns` without those that hold binary values at any depth."""
    kinds = dict(zip(schema.names, schema.types, strict=True))
    return [name for name in first_columns(schema.names) if "binary" not in str(kinds[name])]


#: Rows of one batch: few, so that taking a hundred rows does not decompress a whole row group.
_BATCH_ROWS = 1024
#: About how many bytes one value takes as a Python object, however small it is stored.
_OBJECT_BYTES = 64
#: Types whose rows share stored values, so that the size of a batch does not bound the size of its rows.
_SHARING = ("dictionary<", "_view", "run_end_encoded")


class Packed(ValueError):
    """A column has a compression ratio far above that of real data."""


class _RowCollector:
    """Collects rows within a bound of memory.

    Attributes:
        rows, numbers: the rows, and the 1-based number of each.
        left_out: number of rows that were too large.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.numbers: list[int] = []
        self.left_out = 0
        self._used = 0

    def take_group(self, file: Any, index: int, columns: list[str], first: int, most: int, upto: int) -> None:
        """Take up to `most` rows from the start of row group `index`, while all rows together stay below `upto` bytes.

        Raises:
            Packed: a column has an implausible compression ratio.
            TooDeep: a row is nested too deep.
        """
        size = _unpacked(file.metadata.row_group(index), set(columns))
        step = min(max(BATCH_BYTES // max(size, 1), 1), _BATCH_ROWS, max(most, 1))
        done = 0
        for batch in file.iter_batches(step, row_groups=[index], columns=columns):
            before = self.left_out
            self.take(batch, first + done, most - done, upto)
            done += batch.num_rows
            if self.left_out > before:
                self.left_out += max(most - done, 0)
                done = most
            if done >= most:
                break

    def take(self, batch: Any, first: int, most: int, upto: int) -> None:
        """Take up to `most` rows of `batch`, whose first row has number `first`."""
        batch = batch.slice(0, most)
        shares_values = any(type_name in str(kind) for kind in batch.schema.types for type_name in _SHARING)
        if not shares_values and _weight(batch) <= BATCH_BYTES:
            self._keep(batch.to_pylist(), first, upto)
            return
        for position in range(batch.num_rows):
            row = batch.slice(position, 1)
            if _weight(row) > BATCH_BYTES or self._used > upto:
                self.left_out += 1
            else:
                self._keep(row.to_pylist(), first + position, upto)

    def _keep(self, rows: list[Row], first: int, upto: int) -> None:
        for number, row in enumerate(rows, first):
            weight = weigh(row, SAMPLE_BYTES, number)
            if self._used + weight > upto:
                self.left_out += 1
                continue
            self._used += weight
            self.rows.append(row)
            self.numbers.append(number)

    def notes(self) -> list[str]:
        """The warning about rows that were not kept."""
        return left_out_notes(self.left_out)


def _unpacked(group: Any, columns: set[str]) -> int:
    """The uncompressed bytes of the row group's `columns`, according to its metadata."""
    total = 0
    for position in range(group.num_columns):
        chunk = group.column(position)
        name = chunk.path_in_schema.split(".")[0]
        if name in columns:
            size = chunk.total_uncompressed_size
            if size > BATCH_BYTES and size > MOST_PACKED_TIMES * chunk.total_compressed_size:
                raise Packed(f"a column decompresses to {size // MIB} MiB, over {MOST_PACKED_TIMES} times its stored size")
            total += size
    return total


def _weight(batch: Any) -> int:
    """About how many bytes `batch` takes as Python objects; values that rows share are counted for each row."""
    return sum(_array_weight(column) for column in batch.columns)


def _array_weight(array: Any) -> int:
    import pyarrow as pa

    kind, objects = array.type, len(array) * _OBJECT_BYTES
    if pa.types.is_dictionary(kind):
        return int(len(array) * (array.dictionary.nbytes + _OBJECT_BYTES))
    if pa.types.is_struct(kind):
        return objects + sum(_array_weight(part) for part in array.flatten())
    if pa.types.is_map(kind):
        return objects + _array_weight(array.keys) + _array_weight(array.items)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return int(objects + _array_weight(array.flatten()))
    if any(type_name in str(kind) for type_name in _SHARING):
        return int(len(array) * (array.get_total_buffer_size() + _OBJECT_BYTES))
    return int(objects + array.nbytes)
