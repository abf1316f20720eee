"""Rows out of Arrow batches, never more of them at once than memory is meant for.

A Parquet file of 652 bytes can hold a thousand rows of one text of 5 MB: stored once, 5 GB as rows.
"""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.dataset.local.bounds import BATCH_BYTES, MIB, MOST_PACKED_TIMES, SAMPLE_BYTES
from ml_intern_helpers.dataset.local.sampling import Row, left_out_notes, weigh

#: Rows of one batch; few enough that a wanted hundred does not unpack a whole row group.
_BATCH_ROWS = 1024
#: A value in a list is a Python object of about so many bytes, however small it is stored.
_OBJECT_BYTES = 64
#: Types in which rows share what they hold, so that the size of a batch says nothing about its rows.
_SHARING = ("dictionary<", "_view", "run_end_encoded")


class Packed(ValueError):
    """A column that is packed as no data is."""


class Taken:
    """Rows taken so far, with their 1-based numbers."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.numbers: list[int] = []
        self.left_out = 0
        self._used = 0

    def take_group(self, file: Any, index: int, columns: list[str], first: int, most: int, upto: int) -> None:
        """Up to `most` rows from the start of row group `index`, as long as all rows stay below `upto` bytes.

        Raises:
            Packed: a column unpacks to far more than it takes.
            TooDeep: a row nests too deep.
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
        """Up to `most` rows of `batch`, whose first row has number `first`."""
        batch = batch.slice(0, most)
        whole = not any(sign in str(kind) for kind in batch.schema.types for sign in _SHARING)
        if whole and _weight(batch) <= BATCH_BYTES:
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
        """What to tell about rows that were not kept."""
        return left_out_notes(self.left_out)


def _unpacked(group: Any, columns: set[str]) -> int:
    """Bytes of the row group's `columns`, unpacked, as its metadata says."""
    total = 0
    for position in range(group.num_columns):
        chunk = group.column(position)
        name = chunk.path_in_schema.split(".")[0]
        if name in columns:
            size = chunk.total_uncompressed_size
            if size > BATCH_BYTES and size > MOST_PACKED_TIMES * chunk.total_compressed_size:
                raise Packed(f"a column unpacks to {size // MIB} MiB, over {MOST_PACKED_TIMES} times its stored size")
            total += size
    return total


def _weight(batch: Any) -> int:
    """About how many bytes `batch` takes as Python objects; more where rows share what they hold."""
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
    if any(sign in str(kind) for sign in _SHARING):
        return int(len(array) * (array.get_total_buffer_size() + _OBJECT_BYTES))
    return int(objects + array.nbytes)
